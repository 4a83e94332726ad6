"""Foreign objects: what of them can be told as JSON without running any of their code.

Types are compared by identity and by inheritance, methods are those of the built-in type; no
attribute of a foreign class is ever looked up (reliability.md §4, `val-hostile-repr`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

_PLAIN: Final = frozenset({str, int, float, bool, type(None), list, dict, set})
_NAME_OF_TYPE: Final[Callable[[type], str]] = type.__dict__["__name__"].__get__
_MODULE_OF_TYPE: Final[Callable[[type], Any]] = type.__dict__["__module__"].__get__
_ZONES: Final = frozenset({"datetime", "zoneinfo", "pendulum", "pytz", "dateutil"})
"""Packages whose time zones are trusted to answer: `isoformat` asks them for the offset."""
_MAX_NAME: Final = 100

_SPELLED: Final = (
    ("pathlib", ("PurePath", "PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath")),
    ("decimal", ("Decimal",)),
    ("uuid", ("UUID",)),
)
"""Types whose `str` says all; the very type, because a subclass may bring its own `__str__`."""


def type_name(value: object) -> str:
    """The bare name of the value's type, fit to be shown.

    >>> type_name(iter([]))
    'list_iterator'
    """
    name = _NAME_OF_TYPE(type(value))
    return name[:_MAX_NAME].encode("ascii", "backslashreplace").decode()


def plain(value: Any) -> Any:
    """`value` as str, int, float, bool, None, list, dict or set where that can be done without
    its help, else itself. Members of a container are left as they are.

    >>> import datetime, pathlib
    >>> plain(pathlib.PurePosixPath("a/b")), plain(datetime.date(2026, 1, 31)), plain((1, 2))
    ('a/b', '2026-01-31', [1, 2])
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    # issubclass with two real classes reads the inheritance; isinstance would ask `__class__`.
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return int.__int__(value)
    if issubclass(kind, float):
        return float.__float__(value)
    if issubclass(kind, list):
        return list.copy(value)
    if issubclass(kind, tuple):
        return list(tuple.__iter__(value))
    if issubclass(kind, dict):
        return dict(dict.items(value))
    if issubclass(kind, frozenset):
        return set(frozenset.__iter__(value))
    if issubclass(kind, set):
        return set(set.__iter__(value))
    return _known(value, kind)


def _known(value: Any, kind: type) -> Any:
    # A type of a module that nobody imported cannot be met, so nothing is imported here.
    modules = sys.modules
    enum = modules.get("enum")
    if enum is not None and issubclass(kind, enum.Enum):
        return plain(object.__getattribute__(value, "__dict__")["_value_"])
    times = modules.get("datetime")
    if times is not None:
        if issubclass(kind, times.datetime):
            return _moment(times.datetime, value)
        if issubclass(kind, times.date):
            return times.date.isoformat(value)
    for module, names in _SPELLED:
        home = modules.get(module)
        if home is not None and any(kind is getattr(home, name, None) for name in names):
            return str(value)
    return value


def _moment(datetime: Any, value: Any) -> Any:
    zone = datetime.tzinfo.__get__(value)
    if zone is not None:
        home = _MODULE_OF_TYPE(type(zone))
        if not isinstance(home, str) or home.partition(".")[0] not in _ZONES:
            return value
    return datetime.isoformat(value)
