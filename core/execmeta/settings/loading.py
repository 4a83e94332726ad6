"""Loading: arguments over environment over the project's file over the user's file.

The project's file is the nearest `pyproject.toml` upward from the working directory, table
`[tool.execmeta]`; the user's file is `execmeta/config.toml` in his configuration folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from execmeta.errors import SettingsError
from execmeta.model.execution import Json
from execmeta.settings.fields import (
    SETTINGS,
    PluginSettings,
    RedactSettings,
    Setting,
    Settings,
)
from execmeta.settings.values import from_text, typed

_BY_KEY: Final = {setting.key: setting for setting in SETTINGS}
_TABLES: Final = frozenset(key.partition(".")[0] for key in _BY_KEY if "." in key)
_MAX_FILE_BYTES: Final = 1024 * 1024
_RELATIVE: Final = "sqlite:///"


def load_settings(
    arguments: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    lenient: bool = False,
) -> Settings:
    """The settings in force.

    Args:
        arguments: key to value, such as `{"store": "memory:", "redact.allow": ["pin"]}`; a value
            of None is not given.
        environ: `os.environ` by default. Empty variables are not given.
        cwd: where to look upward for the project's file; the working directory by default.
        lenient: for recording, which must not fail: what is wrong is told in
            `Settings.warnings` and has its default.

    Raises:
        SettingsError: an unknown key (near names are proposed), a value of the wrong type, a file
            that cannot be read. Never when `lenient`.
    """
    environ = os.environ if environ is None else environ
    loading = _Loading(lenient)
    for key, raw in (arguments or {}).items():
        if raw is not None:
            loading.take(key, f"argument {key}", "argument", raw)
    for setting in SETTINGS:
        if setting.env and environ.get(setting.env):
            loading.take_text(setting, environ[setting.env])
    loading.take_project(_project_file(cwd))
    loading.take_file(config_folder(environ) / "config.toml")
    return loading.settings(environ)


class _Loading:
    """Values so far. What came first stays, so sources are taken strongest first."""

    def __init__(self, lenient: bool) -> None:
        self._lenient = lenient
        self._values: dict[str, Any] = {}
        self._meta: dict[str, Json] = {}
        self._origins: dict[str, str] = {}
        self._warnings: list[str] = []

    def settings(self, environ: Mapping[str, str]) -> Settings:
        values = dict(self._values)
        values.setdefault("store", f"{_RELATIVE}{data_folder(environ) / 'execmeta.db'}")
        inner: dict[str, dict[str, Any]] = {table: {} for table in _TABLES}
        for key in [key for key in values if "." in key]:
            table, _, name = key.partition(".")
            inner[table][name] = values.pop(key)
        return Settings(
            **values,
            meta=MappingProxyType(self._meta),
            redact=RedactSettings(**inner["redact"]),
            plugins=PluginSettings(**inner["plugins"]),
            origins=MappingProxyType(self._origins),
            warnings=tuple(self._warnings),
        )

    def take(self, key: str, place: str, origin: str, raw: Any) -> None:
        try:
            setting = _known(key, place)
            self._add(setting, typed(setting, place, raw), origin)
        except SettingsError as error:
            self._failed(error)

    def take_text(self, setting: Setting, text: str) -> None:
        try:
            self._add(setting, from_text(setting, text), f"${setting.env}")
        except SettingsError as error:
            self._failed(error)

    def take_project(self, path: Path | None) -> None:
        if path is None:
            return
        table = self._read(path)
        for part in ("tool", "execmeta"):
            found = table.get(part, {})
            table = found if isinstance(found, dict) else {}
        if table.pop("api_key", None) is not None:
            self._failed(
                SettingsError(
                    f"{path}: api_key does not belong into a file that others read. Set "
                    "EXECMETA_API_KEY, or put it into the user's config.toml."
                )
            )
        self._take_table(path, table, "tool.execmeta.")

    def take_file(self, path: Path) -> None:
        self._take_table(path, self._read(path), "")

    def _take_table(self, path: Path, table: Mapping[str, Any], prefix: str) -> None:
        for key, raw in _flat(table):
            if isinstance(raw, str):
                raw = _from_folder(key, raw, path.parent)
            self.take(key, f"{path}: {prefix}{key}", str(path), raw)

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            return _toml(path)
        except SettingsError as error:
            self._failed(error)
            return {}

    def _add(self, setting: Setting, value: Any, origin: str) -> None:
        if setting.type == "table":
            for key in value:
                self._meta.setdefault(key, value[key])
        elif setting.key in self._values:
            return
        else:
            self._values[setting.key] = value
        self._origins.setdefault(setting.key, origin)

    def _failed(self, error: SettingsError) -> None:
        if not self._lenient:
            raise error
        self._warnings.append(error.message)


def _known(key: str, place: str) -> Setting:
    setting = _BY_KEY.get(key)
    if setting is None:
        from difflib import get_close_matches  # only to help somebody who is stuck

        near = get_close_matches(key, [*_BY_KEY, *_TABLES], n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(_BY_KEY)}."
        raise SettingsError(f"{place}: there is no such setting. {hint}")
    return setting


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, raw in table.items():
        if key in _TABLES and isinstance(raw, dict):
            for name, inner in raw.items():
                yield f"{key}.{name}", inner
        else:
            yield key, raw


def _from_folder(key: str, text: str, folder: Path) -> str:
    """Paths of a file start at its folder, wherever the command is typed."""
    if key == "spool":
        return str(folder / os.path.expanduser(text))
    if key == "store" and text.startswith(_RELATIVE) and not text.startswith(f"{_RELATIVE}/"):
        return f"{_RELATIVE}{folder / os.path.expanduser(text.removeprefix(_RELATIVE))}"
    return text


def _toml(path: Path) -> dict[str, Any]:
    """The tables of a file; empty when there is none, or when it says nothing about execmeta."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or type(error).__name__}.") from None
    if path.name == "pyproject.toml" and b"execmeta" not in raw:
        return {}
    if len(raw) > _MAX_FILE_BYTES:
        raise SettingsError(f"{path}: larger than {_MAX_FILE_BYTES} bytes.")
    import tomllib  # only where there is a file

    try:
        return tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = error if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        raise SettingsError(f"{path}: not TOML: {reason}.") from None


def _project_file(cwd: str | os.PathLike[str] | None) -> Path | None:
    try:
        start = Path(cwd or os.getcwd()).absolute()
        for folder in (start, *start.parents):
            path = folder / "pyproject.toml"
            if path.is_file():
                return path
    except OSError:
        # The working directory was removed, or a folder above may not be read.
        return None
    return None


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where the user's database lies."""
    return _user_folder(environ, "XDG_DATA_HOME", Path(".local", "share"))


def config_folder(environ: Mapping[str, str]) -> Path:
    """Where the user's `config.toml` lies."""
    return _user_folder(environ, "XDG_CONFIG_HOME", Path(".config"))


def _user_folder(environ: Mapping[str, str], variable: str, below_home: Path) -> Path:
    named = environ.get(variable, "")
    # The XDG specification has relative paths ignored.
    if os.path.isabs(named):
        return Path(named, "execmeta")
    home = environ.get("HOME") or os.path.expanduser("~")
    if not os.path.isabs(home):
        # A container's user may have no home.
        import tempfile  # imports half of the library of random numbers

        return Path(tempfile.gettempdir(), f"execmeta-{getattr(os, 'getuid', int)()}")
    if sys.platform == "darwin":
        below_home = Path("Library", "Application Support")
    return Path(home) / below_home / "execmeta"
