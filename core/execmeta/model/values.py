"""Metadata values: what counts as a number, the strict rule for what people type, and the lenient
rule for what comes from code, environment and files.

Both rules give the same stored form (reliability.md §2.7): NUL and lone surrogates become U+FFFD,
bytes that `os.fsdecode` could not read are spelled `\\xff`, -0.0 is 0.0, nested keys are NFC.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from typing import Any, Final, NamedTuple

from execmeta.errors import MetadataError
from execmeta.model.execution import Json
from execmeta.model.foreign import plain, type_name
from execmeta.model.json_text import canonical_json, parse_json
from execmeta.model.limits import MAX_DEPTH, MAX_INT, MAX_VALUE_CHARS, MIN_INT

__all__ = [
    "SANITIZED",
    "TRUNCATED",
    "Cleaned",
    "canonical_json",
    "check_value",
    "clean_text",
    "clean_value",
    "clip_text",
    "number_of",
    "parse_json",
]

SANITIZED: Final = "sanitized"
"""Flag: something that no store can hold was replaced."""
TRUNCATED: Final = "truncated"
"""Flag: something was too long, too deep or too much, and was cut."""
_NO_FLAGS: Final[frozenset[str]] = frozenset()
_MAX_NODES: Final = 10_000
"""Members of one value, nested ones included; more cannot be meant as metadata."""
_MAX_INNER_DEPTH: Final = 32
"""Nesting up to which the part below `MAX_DEPTH` is kept as JSON text."""
_MAX_TAIL: Final = 200
"""Longest last word that a cut takes away whole: half a credential is still one."""

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_MAX_INT_CHARS: Final = 1000
"""Longer runs of digits are read as float64; int() itself refuses more than 4300."""
_MAX_EXACT: Final = 2**53
"""Up to here float64 holds every integer, so an integral float may be given as int."""
_UNSTORABLE: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\x00\ud800-\udfff]")


class Cleaned(NamedTuple):
    """A value as it is stored, and what was done to it."""

    value: Json
    flags: frozenset[str] = _NO_FLAGS
    """`sanitized` and `truncated`, or none. A mere change of type, such as a tuple to a list or
    NaN to "NaN", has no flag."""


def number_of(text: str) -> int | float | None:
    """The number that `text` spells from end to end, None when it spells none.

    Digits alone are an exact int. A fraction or an exponent makes it a float64, given as int
    when that is integral and not over 2**53; one that overflows is infinite. A leading `+`, a
    leading or trailing point, white space, `_`, hexadecimal and `nan` are no numbers.

    >>> number_of("05"), number_of("5.0"), number_of("-7.25"), number_of("1e3")
    (5, 5, -7.25, 1000)
    >>> number_of("9223372036854775807"), number_of("1e999"), number_of("+5")
    (9223372036854775807, inf, None)
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    if match.lastindex is None and len(text) <= _MAX_INT_CHARS:
        return int(text)
    number = float(text)
    if number.is_integer() and abs(number) <= _MAX_EXACT:
        return int(number)
    return number


def clean_text(text: str) -> tuple[str, bool]:
    """`text` with nothing in it that a store cannot hold, and whether anything was lost.

    >>> clean_text("x\\0y"), clean_text("/data/\\udcff.csv")
    (('x\ufffdy', True), ('/data/\\\\xff.csv', False))
    """
    if text.isascii() and "\0" not in text:
        return text, False
    lost = False

    def replaced(found: re.Match[str]) -> str:
        nonlocal lost
        run = found.group()
        if len(run) == 2:
            return chr(0x10000 + ((ord(run[0]) & 0x3FF) << 10) + (ord(run[1]) & 0x3FF))
        if "\udc80" <= run <= "\udcff":
            return f"\\x{ord(run) - 0xDC00:02x}"
        lost = True
        return "\ufffd"

    return _UNSTORABLE.sub(replaced, text), lost


def cut_text(text: str, most: int = MAX_VALUE_CHARS) -> str:
    """At most `most` characters of `text`, the marker `[truncated N chars sha256:...]` included;
    the marker holds the first 16 hex digits of the digest of all of it."""
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    marker = f"[truncated {len(text)} chars sha256:{digest}]"
    room = most - len(marker)
    head = text[:room]
    if not text[room].isspace():
        words = head.rsplit(None, 1)
        if len(words) == 2 and len(words[1]) <= _MAX_TAIL:
            head = head[: len(head) - len(words[1])]
    return head + marker


def clip_text(text: str, max_bytes: int) -> str:
    """`text`, cut so that it has at most `max_bytes` bytes of UTF-8 with `…` at its end.

    >>> clip_text("déjà vu", 7)
    'déj…'
    """
    if len(text) * 4 <= max_bytes:
        return text
    raw = text.encode("utf-8", "replace")
    if len(raw) <= max_bytes:
        return text
    return raw[: max(0, max_bytes - 3)].decode("utf-8", "ignore") + "…"


def check_value(key: str, value: Any) -> Cleaned:
    """The strict rule, for what somebody says now: the value as it is stored.

    Raises:
        MetadataError: `invalid_value` (not JSON), `value_too_large`, `too_deep`,
            `number_out_of_range` or `duplicate_key`, with the key, the limit and what to do.
    """
    lost = [False]
    checked = _checked(key, value, 0, lost)
    return Cleaned(checked, frozenset({SANITIZED}) if lost[0] else _NO_FLAGS)


def _checked(key: str, value: Any, depth: int, lost: list[bool]) -> Json:
    match value:
        case None | bool():
            return value
        case str():
            return _checked_text(key, value, lost)
        case int():
            if not MIN_INT <= value <= MAX_INT:
                raise _refusal(key, "number_out_of_range", "is beyond 64 bit. Give it as text.")
            return int(value)
        case float():
            if value != value or value in (float("inf"), float("-inf")):
                raise _refusal(
                    key, "invalid_value", "is not a finite number. Give it as text, such as NaN."
                )
            return float(value) or 0.0
        case list() | dict() if depth >= MAX_DEPTH:
            raise _refusal(
                key,
                "too_deep",
                f"is nested deeper than {MAX_DEPTH} lists and objects. Flatten it.",
            )
        case list():
            return [_checked(key, item, depth + 1, lost) for item in value]
        case dict():
            return _checked_object(key, value, depth, lost)
        case _:
            raise _refusal(
                key,
                "invalid_value",
                f"is of type {type_name(value)}. Expected text, a number, true, false, null, "
                "a list or an object.",
            )


def _checked_text(key: str, text: str, lost: list[bool]) -> str:
    cleaned, was_lost = clean_text(str.__str__(text))
    lost[0] |= was_lost
    if len(cleaned) > MAX_VALUE_CHARS:
        raise _refusal(
            key,
            "value_too_large",
            f"has {len(cleaned)} characters. At most {MAX_VALUE_CHARS} are kept; "
            "record a path or a digest of it.",
        )
    return cleaned


def _checked_object(
    key: str, value: dict[Any, Any], depth: int, lost: list[bool]
) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise _refusal(key, "invalid_value", "holds an object with a key that is no text.")
        normal = unicodedata.normalize("NFC", _checked_text(key, name, lost))
        if normal in found:
            raise _refusal(
                key, "duplicate_key", "holds an object with the same key twice. Keep one."
            )
        found[normal] = _checked(key, item, depth + 1, lost)
    return found


def _refusal(key: str, code: str, what: str) -> MetadataError:
    return MetadataError(f"Metadata value of {key!r} {what}", code=code)


def clean_value(value: Any, *, max_chars: int | None = MAX_VALUE_CHARS) -> Cleaned:
    """The lenient rule, for what programs say: whatever comes, something can be stored.

    Never raises and never runs foreign code: types are compared, not asked. Tuples and sets
    become lists, dates and paths text, NaN "NaN", an integer beyond 64 bit its digits, another
    object `<unserialisable Name>`, a container in itself `<cycle>`, what lies deeper than 8 its
    JSON text. A longer string is cut to `max_chars` characters (`cut_text`).
    """
    # What nearly all values are, for a few hundred nanoseconds less.
    if type(value) is str and value.isascii() and "\0" not in value:
        if max_chars is None or len(value) <= max_chars:
            return Cleaned(value)
    elif value is None or type(value) is bool or (type(value) is int and abs(value) <= MAX_INT):
        return Cleaned(value)
    cleaner = _Cleaner(max_chars)
    try:
        return Cleaned(cleaner.clean(value, 0), frozenset(cleaner.flags))
    # Lost: a container that another thread changed while it was read.
    except Exception:
        return Cleaned(f"<unserialisable {type_name(value)}>", frozenset({SANITIZED}))


class _Cleaner:
    """State of one `clean_value`: containers on the way down, and what is left of the budget."""

    __slots__ = ("flags", "left", "max_chars", "way")

    def __init__(self, max_chars: int | None) -> None:
        self.flags: set[str] = set()
        self.left = _MAX_NODES
        self.max_chars = max_chars
        self.way: set[int] = set()

    def clean(self, original: Any, depth: int) -> Json:
        value = plain(original)
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is int:
            return value if MIN_INT <= value <= MAX_INT else self._text(_digits(value))
        if kind is float:
            return _finite(value)
        if value is None or kind is bool:
            return value  # type: ignore[no-any-return]
        if kind is list or kind is dict or kind is set:
            return self._container(id(original), value, depth)
        self.flags.add(SANITIZED)
        return f"<unserialisable {type_name(value)}>"

    def _text(self, text: str) -> str:
        cleaned, lost = clean_text(text)
        if lost:
            self.flags.add(SANITIZED)
        if self.max_chars is not None and len(cleaned) > self.max_chars:
            self.flags.add(TRUNCATED)
            return cut_text(cleaned, self.max_chars)
        return cleaned

    def _container(self, identity: int, value: Any, depth: int) -> Json:
        if identity in self.way:
            self.flags.add(SANITIZED)
            return "<cycle>"
        if depth >= _MAX_INNER_DEPTH:
            self.flags.add(TRUNCATED)
            return "<too deep>"
        self.way.add(identity)
        found = self._object(value, depth) if type(value) is dict else self._list(value, depth)
        self.way.discard(identity)
        return self._text(canonical_json(found)) if depth == MAX_DEPTH else found

    def _list(self, value: Any, depth: int) -> list[Json]:
        taken = self._taken(len(value))
        members = value[:taken] if type(value) is list else list(value)[:taken]
        found = [self.clean(item, depth + 1) for item in members]
        if type(value) is set:
            found.sort(key=canonical_json)  # the same set gives the same list
        if taken < len(value):
            found.append(self._cut_note(len(value)))
        return found

    def _object(self, value: dict[Any, Any], depth: int) -> dict[str, Json]:
        taken = self._taken(len(value))
        found: dict[str, Json] = {}
        for name, item in list(value.items())[:taken]:
            key = self.clean(name, MAX_DEPTH)
            text = key if isinstance(key, str) else canonical_json(key)
            found[unicodedata.normalize("NFC", text)] = self.clean(item, depth + 1)
        if taken < len(value):
            found["..."] = self._cut_note(len(value))
        return found

    def _taken(self, wanted: int) -> int:
        taken = min(wanted, self.left)
        self.left -= taken
        return taken

    def _cut_note(self, members: int) -> str:
        self.flags.add(TRUNCATED)
        return f"[truncated {members} members]"


def _digits(number: int) -> str:
    # int() to text is quadratic and refused beyond 4300 digits.
    return str(number) if number.bit_length() <= 4096 else hex(number)


def _finite(number: float) -> Json:
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    return number or 0.0
