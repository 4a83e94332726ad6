"""Fields of the settings, each with its name in files and environment, its default and its doc."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from execmeta.model.execution import Json
from execmeta.model.metadata import RESERVED_PREFIXES

Type = Literal["text", "folder", "yes or no", "seconds", "list", "patterns", "table"]

_EMPTY: Final[Mapping[str, Json]] = MappingProxyType({})
_EMPTY_ORIGINS: Final[Mapping[str, str]] = MappingProxyType({})


def _setting(type: Type, default: Any, doc: str, *, env: str = "", shown: str = "") -> Any:
    told = {"type": type, "doc": doc, "env": env, "shown": shown}
    return field(default=default, metadata=told)


@dataclass(frozen=True, kw_only=True)
class RedactSettings:
    """`[tool.execmeta.redact]`: what redaction leaves alone, and what it takes besides."""

    allow: tuple[str, ...] = _setting(
        "list",
        (),
        "Keys whose values are recorded as they are, although they look like secrets.",
        env="EXECMETA_REDACT_ALLOW",
    )
    patterns: tuple[str, ...] = _setting(
        "patterns",
        (),
        "Regular expressions; what they find in a text is recorded as [redacted:custom].",
    )


@dataclass(frozen=True, kw_only=True)
class PluginSettings:
    """`[tool.execmeta.plugins]`: which installed plug-ins take part."""

    blocked: tuple[str, ...] = _setting(
        "list",
        (),
        "Names of plug-ins that are not loaded; `execmeta doctor` lists all names.",
        env="EXECMETA_PLUGINS_BLOCKED",
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings in force; `load_settings` makes them."""

    store: str = _setting(
        "text",
        "memory:",
        "URL of the store, such as sqlite:////srv/runs.db. A relative path in a file starts at "
        "that file's folder.",
        env="EXECMETA_STORE",
        shown="sqlite:///DATA/execmeta.db, DATA being $XDG_DATA_HOME/execmeta, "
        "~/.local/share/execmeta, or ~/Library/Application Support/execmeta on macOS",
    )
    spool: str | None = _setting(
        "folder",
        None,
        "Folder for events that are on their way to the store.",
        env="EXECMETA_SPOOL",
        shown="$XDG_STATE_HOME/execmeta/spool, else ~/.local/state/execmeta/spool, else a private "
        "folder below the temporary one",
    )
    api_key: str | None = field(
        default=None,
        repr=False,
        metadata={
            "type": "text",
            "doc": "Key for an execmeta server. Not taken from a project's file, which is shared.",
            "env": "EXECMETA_API_KEY",
            "shown": "",
        },
    )
    disabled: bool = _setting(
        "yes or no", False, "Record nothing, whoever asks for it.", env="EXECMETA_DISABLED"
    )
    reserved_prefixes: tuple[str, ...] = _setting(
        "list",
        RESERVED_PREFIXES,
        "Beginnings of metadata keys that people cannot set.",
        env="EXECMETA_RESERVED_PREFIXES",
    )
    meta: Mapping[str, Json] = field(
        default_factory=lambda: _EMPTY,
        metadata={
            "type": "table",
            "doc": "Metadata of everything that is recorded. In the environment: "
            "EXECMETA_META_<KEY>=text, or EXECMETA_META with a JSON object.",
            "env": "",
            "shown": "none",
        },
    )
    exit_timeout: float = _setting(
        "seconds",
        0.5,
        "Seconds that the end of a program waits for the store; what is left is delivered by the "
        "next command.",
        env="EXECMETA_EXIT_TIMEOUT",
    )
    redact: RedactSettings = field(default_factory=RedactSettings)
    plugins: PluginSettings = field(default_factory=PluginSettings)
    origins: Mapping[str, str] = field(default_factory=lambda: _EMPTY_ORIGINS, compare=False)
    """Key of a setting to the argument, variable or file that it comes from; a key that is not
    listed has its default."""
    warnings: tuple[str, ...] = ()
    """What was wrong and got its default instead, in words for the user; only when lenient."""


class Setting(NamedTuple):
    """One setting as documentation and `execmeta doctor` show it."""

    key: str
    """Its place in a file: `store`, `redact.allow`."""
    env: str
    """Its environment variable, empty when it has none."""
    type: Type
    default: str
    doc: str

    def value_in(self, settings: Settings) -> Any:
        """The value in force."""
        found: Any = settings
        for part in self.key.split("."):
            found = getattr(found, part)
        return found


def _listed(owner: type, prefix: str = "") -> list[Setting]:
    found = []
    for each in fields(owner):
        if each.metadata:
            told = each.metadata
            default = told["shown"] or _default_text(each)
            found.append(
                Setting(prefix + each.name, told["env"], told["type"], default, told["doc"])
            )
        elif isinstance(each.default_factory, type):
            found += _listed(each.default_factory, f"{each.name}.")
    return found


def _default_text(each: Field[Any]) -> str:
    default = each.default
    if isinstance(default, tuple):
        return ", ".join(default) or "none"
    if isinstance(default, bool):
        return "yes" if default else "no"
    return str(default) if isinstance(default, float) else "none"


SETTINGS: Final = tuple(_listed(Settings))
"""Every setting, in the order of `Settings`."""
