"""Values of settings: text of an environment, TOML of a file and arguments to the field's type."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import Any, Final

from execmeta.errors import SettingsError
from execmeta.settings.fields import Setting, Type

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_MAX_SECONDS: Final = 3600.0
_EXPECTED: Final[Mapping[Type, str]] = {
    "text": "text",
    "folder": "the path of a folder as text",
    "yes or no": "true or false",
    "seconds": f"seconds from 0 to {_MAX_SECONDS:.0f}",
    "list": "a list of texts",
    "patterns": "a list of regular expressions",
    "table": "a table of keys with values",
}


def from_text(setting: Setting, text: str) -> Any:
    """The value that an environment variable means; lists are separated by commas.

    Raises:
        SettingsError: the text means no value of the setting's type.
    """
    match setting.type:
        case "yes or no":
            word = text.strip().lower()
            if word not in _TRUE | _FALSE:
                raise _wrong(setting, setting.env, "1, true, yes, on or 0, false, no, off")
            return word in _TRUE
        case "seconds":
            try:
                return typed(setting, setting.env, float(text))
            except ValueError:
                raise _wrong(setting, setting.env) from None
        case "list" | "patterns":
            return tuple(part.strip() for part in text.split(",") if part.strip())
        case _:
            return typed(setting, setting.env, text)


def typed(setting: Setting, place: str, raw: Any) -> Any:
    """`raw` as the field holds it; `place` says in an error where it came from.

    Raises:
        SettingsError: `raw` has another type.
    """
    match setting.type:
        case "text" if isinstance(raw, str) and raw:
            return raw
        case "folder" if isinstance(raw, str | os.PathLike):
            return os.fspath(raw)
        case "yes or no" if isinstance(raw, bool):
            return raw
        case "seconds" if type(raw) in (int, float):
            if math.isfinite(raw) and 0 <= raw <= _MAX_SECONDS:
                return float(raw)
        case "list" | "patterns" if isinstance(raw, list | tuple):
            if all(isinstance(part, str) and part for part in raw):
                return _checked(setting, place, tuple(raw))
        case "table" if isinstance(raw, Mapping):
            return raw
        case _:
            pass
    raise _wrong(setting, place)


def _checked(setting: Setting, place: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    if setting.type == "patterns":
        for pattern in parts:
            try:
                re.compile(pattern)
            except re.error as error:
                raise SettingsError(
                    f"{place}: {pattern!a} is not a regular expression: {error}."
                ) from None
    return parts


def _wrong(setting: Setting, place: str, expected: str = "") -> SettingsError:
    # The value is not repeated: it may be a URL with a password, or a key.
    return SettingsError(f"{place}: expected {expected or _EXPECTED[setting.type]}.")
