"""Settings: one table of names, where each value comes from, and the value in force.

Order: arguments > environment > `[tool.execmeta]` of the nearest `pyproject.toml` > the user's
`execmeta/config.toml` > default. Docs, `execmeta doctor` and error messages read the same table.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from execmeta.errors import SettingsError


class Setting(NamedTuple):
    """One row of the table."""

    name: str
    """Field of `Settings`."""
    key: str
    """Dotted key below `[tool.execmeta]`, or in the user's file."""
    variable: str | None
    """Environment variable; lists are separated by commas there."""
    expected: str
    """What a value is, for error messages and docs."""
    default: str
    """The default in words."""
    doc: str
    read: Callable[[Any], Any]
    """A TOML value, or the text of a variable, to the field's value; ValueError otherwise."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in force."""

    store: str
    """URL of the store; one database for all tools of a user by default."""
    spool: str | None = None
    """Directory for events on their way; None picks the user's state directory."""
    disabled: bool = False
    """Record nothing at all."""
    reserved: tuple[str, ...] = ("__", "execmeta.", "_execmeta_")
    """Prefixes of keys that users may not set."""
    exit_timeout_s: float = 0.5
    """Seconds that the end of a program may wait for the store."""
    redact_allow: frozenset[str] = frozenset()
    """Keys whose values are never redacted."""
    redact_patterns: tuple[str, ...] = ()
    """Further regular expressions for secrets in values."""
    blocked_plugins: frozenset[str] = frozenset()
    """Names of entry points that are not loaded."""
    project_metadata: Mapping[str, Any] = field(default_factory=dict)
    """Metadata of every execution, from the project's file."""
    user_metadata: Mapping[str, Any] = field(default_factory=dict)
    """Metadata of every execution, from the user's file."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Field name to where its value comes from; a field not listed has its default."""
    warnings: tuple[str, ...] = ()
    """What was wrong and passed over, when settings were read leniently."""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off", ""):
        return False
    raise ValueError


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    number = float(value)
    if not 0 <= number <= 60:
        raise ValueError
    return number


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError
    return tuple(value)


def _text_set(value: Any) -> frozenset[str]:
    return frozenset(_texts(value))


def _patterns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError
    for pattern in _texts(value):
        re.compile(pattern)
    return _texts(value)


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError
    return value


SETTINGS: Final = (
    Setting(
        "store",
        "store",
        "EXECMETA_STORE",
        "a URL such as sqlite:///path/to/file.db",
        "a SQLite file in the user's data folder",
        "Where executions are kept and found.",
        _text,
    ),
    Setting(
        "spool",
        "spool",
        "EXECMETA_SPOOL",
        "a directory",
        "the user's state folder",
        "Where events wait until the store has them.",
        _text,
    ),
    Setting(
        "disabled",
        "disabled",
        "EXECMETA_DISABLED",
        "true or false",
        "false",
        "Records nothing and opens nothing.",
        _flag,
    ),
    Setting(
        "reserved",
        "reserved",
        None,
        "a list of texts",
        '["__", "execmeta.", "_execmeta_"]',
        "Prefixes of metadata keys that users may not set.",
        _texts,
    ),
    Setting(
        "exit_timeout_s",
        "exit_timeout",
        "EXECMETA_EXIT_TIMEOUT",
        "seconds, 0 to 60",
        "0.5",
        "How long the end of a program may wait for the store.",
        _seconds,
    ),
    Setting(
        "redact_allow",
        "redact.allow",
        "EXECMETA_REDACT_ALLOW",
        "a list of keys",
        "[]",
        "Metadata keys whose values are never redacted.",
        _text_set,
    ),
    Setting(
        "redact_patterns",
        "redact.patterns",
        None,
        "a list of regular expressions",
        "[]",
        "Further regular expressions for secrets in values.",
        _patterns,
    ),
    Setting(
        "blocked_plugins",
        "plugins.block",
        "EXECMETA_PLUGINS_BLOCK",
        "a list of names",
        "[]",
        "Plug-ins that are not loaded, by the names of their entry points.",
        _text_set,
    ),
    Setting(
        "project_metadata",
        "meta",
        None,
        "a table of keys and values",
        "{}",
        "Metadata that every execution gets; EXECMETA_META and EXECMETA_META_<KEY> win over it.",
        _table,
    ),
)
"""Every setting, in the order of the docs. `meta` fills `user_metadata` from the user's file."""


def default_store(environ: Mapping[str, str]) -> str:
    """URL of the user's own database: XDG data folder, on macOS Application Support."""
    if given := environ.get("XDG_DATA_HOME"):
        folder = Path(given)
    else:
        home = Path(environ.get("HOME") or Path.home())
        mac = sys.platform == "darwin"
        folder = home / "Library/Application Support" if mac else home / ".local/share"
    return f"sqlite:///{folder / 'execmeta' / 'execmeta.db'}"


def load_settings(
    arguments: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    lenient: bool = False,
) -> Settings:
    """The settings in force.

    Args:
        arguments: field name to value, above everything else; None values say nothing.
        environ: `os.environ` by default.
        cwd: where the search for `pyproject.toml` begins; the current directory by default.
        lenient: pass over what is wrong and tell it in `warnings`; for recorders, which must
            not fail the work that they record.

    Raises:
        SettingsError: an unknown key, a value of the wrong type or an unreadable file; never
            when `lenient`.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    problems: list[str] = []

    def note(problem: str) -> None:
        if not lenient:
            raise SettingsError(problem)
        problems.append(problem)

    def take(row: Setting, name: str, value: Any, origin: str) -> None:
        try:
            values[name] = row.read(value)
        except (ValueError, re.error):
            note(f"{origin}: {row.key} must be {row.expected}.")
        else:
            origins[name] = origin

    user_file = _user_file(environ)
    for file, section, metadata in (
        (user_file, (), "user_metadata"),
        (_project_file(cwd), ("tool", "execmeta"), "project_metadata"),
    ):
        for row, value in _rows_of(file, section, note):
            name = metadata if row.name == "project_metadata" else row.name
            take(row, name, value, str(file))
    for row in SETTINGS:
        text = environ.get(row.variable) if row.variable else None
        if text is not None and (text or row.name == "disabled"):
            take(row, row.name, text, f"${row.variable}")
    for name, value in (arguments or {}).items():
        if value is not None:
            values[name] = value
            origins[name] = "argument"
    values.setdefault("store", default_store(environ))
    return Settings(**values, origins=origins, warnings=tuple(problems))


def _user_file(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("HOME")
    folder = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    return Path(folder, "execmeta", "config.toml") if folder else None


def _project_file(cwd: Path | None) -> Path | None:
    try:
        start = (cwd or Path.cwd()).absolute()
    except OSError:  # the current directory was removed
        return None
    for folder in (start, *start.parents):
        if (file := folder / "pyproject.toml").is_file():
            return file
    return None


def _rows_of(
    file: Path | None, section: tuple[str, ...], note: Callable[[str], None]
) -> list[tuple[Setting, Any]]:
    if file is None:
        return []
    try:
        raw = file.read_bytes()
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            note(f"{file}: cannot be read: {error.strerror}.")
        return []
    if section and b"execmeta" not in raw:
        return []  # nearly every project: nothing is parsed, nothing imported
    import tomllib  # only when there is something to read

    try:
        table: Any = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        note(f"{file}: is not TOML: {error}.")
        return []
    for part in section:
        table = table.get(part, {})
    return _matched(file, table, note)


def _matched(
    file: Path, table: dict[str, Any], note: Callable[[str], None]
) -> list[tuple[Setting, Any]]:
    rows = {row.key: row for row in SETTINGS}
    groups = {key.split(".")[0] for key in rows if "." in key}
    found = []
    for key, value in table.items():
        inner = value.items() if key in groups and isinstance(value, dict) else ()
        flat = [(f"{key}.{name}", item) for name, item in inner] or [(key, value)]
        for name, item in flat:
            if (row := rows.get(name)) is not None:
                found.append((row, item))
            elif name not in groups:
                close = difflib.get_close_matches(name, rows, n=1)
                known = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(rows)}."
                note(f"{file}: {name} is no setting. {known}")
    return found
