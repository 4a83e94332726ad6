"""Fields: the scalar parts of an event body, each cleaned by its own rule, none ever refused.

What cannot be kept is left out, and `flags` tells it: the recorded work did not ask to be checked.
"""

from __future__ import annotations

import re
from typing import Any, Final

from execmeta.model.execution import ErrorInfo, IteratorContext, Json
from execmeta.model.ids import ExecutionId, is_time_ordered, parse_id
from execmeta.model.item import iterator_item
from execmeta.model.limits import (
    MAX_ERROR_BYTES,
    MAX_EXTERNAL_ID_CHARS,
    MAX_INT,
)
from execmeta.model.values import SANITIZED, TRUNCATED, clean_text, clean_value, clip_text
from execmeta.recording.encoding import encode
from execmeta.recording.redaction import Redactor

_MAX_US: Final = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z."""
_MAX_SECONDS: Final = 1e12
_MAX_TYPE_BYTES: Final = 200
_MAX_WHERE_BYTES: Final = 500
_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)
_ID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII
)


def text_of(value: Any, most: int | None, flags: set[str]) -> str:
    """Text of at most `most` characters; of another type its JSON, empty for None."""
    if type(value) is str and value.isascii() and "\0" not in value and len(value) <= (most or 0):
        return value
    cleaned, more = clean_value(value, max_chars=most)
    flags |= more
    if isinstance(cleaned, str):
        return cleaned
    return "" if cleaned is None else encode(cleaned)


def time_of(value: Any, flags: set[str]) -> int | None:
    """Microseconds since 1970 UTC; None for what is no such time."""
    if value is None:
        return None
    if type(value) is float and value == value:
        value = int(min(max(value, -1.0), _MAX_US + 1.0))
    if type(value) is int and 0 <= value <= _MAX_US:
        return value
    flags.add(SANITIZED)
    return None


def seconds_of(value: Any) -> float | None:
    """A duration to the microsecond; None for what is none."""
    if type(value) is not float and type(value) is not int:
        return None
    # The clock counts nanoseconds, the noise of float64 is not worth its bytes.
    return round(value, 6) if 0 <= value < _MAX_SECONDS else None


def attempt_of(value: Any) -> int:
    """A number from 1; 1 for anything else."""
    return value if type(value) is int and 1 <= value <= MAX_INT else 1


def id_of(given: Any) -> ExecutionId | None:
    """A UUIDv7 in its canonical form; None for anything else.

    >>> id_of("0190A5D07C1E7ABC8DEF0123456789AB"), id_of("run-5")
    ('0190a5d0-7c1e-7abc-8def-0123456789ab', None)
    """
    if type(given) is not str:
        return None
    if _ID.fullmatch(given):
        return ExecutionId(given)
    try:
        found = parse_id(given)
    except ValueError:
        return None
    return found if is_time_ordered(found) else None


def flags_of(flags: set[str]) -> list[Json]:
    """Flags in their order on the wire."""
    return [clean_text(flag)[0] for flag in sorted(flags) if type(flag) is str]


def links_of(
    external_id: str | None, trace_id: str | None, span_id: str | None, flags: set[str]
) -> dict[str, Json]:
    """Ids of the same run in other systems."""
    found: dict[str, Json] = {}
    if external_id is not None:
        text = text_of(external_id, MAX_EXTERNAL_ID_CHARS, flags)
        if text and text.isprintable():
            found["external_id"] = text
        else:
            flags.add(SANITIZED)
    for name, value, digits in (("trace_id", trace_id, 32), ("span_id", span_id, 16)):
        if value is None:
            continue
        lowered = value.lower() if type(value) is str else ""
        if len(lowered) == digits and _HEX.fullmatch(lowered):
            found[name] = lowered
        else:
            flags.add(SANITIZED)
    return found


def iterator_of(iterator: IteratorContext, redactor: Redactor, flags: set[str]) -> dict[str, Json]:
    """Place in a loop; a large item as digest, size and preview."""
    item, more = iterator_item(
        iterator.item, scrub=lambda value: redactor.redact_value("iterator.item", value)
    )
    flags |= more
    body: dict[str, Json] = {"index": _count(iterator.index) or 0}
    if (size := _count(iterator.count)) is not None:
        body["count"] = size
    if item is not None:
        body["item"] = item
    return body


def error_of(error: ErrorInfo, redactor: Redactor, flags: set[str]) -> dict[str, Json]:
    """Type, message and place of an error, together at most 2 KiB."""
    body: dict[str, Json] = {"type": clip_text(text_of(error.type, None, flags), _MAX_TYPE_BYTES)}
    room = MAX_ERROR_BYTES - _MAX_TYPE_BYTES
    if error.where is not None:
        body["where"] = clip_text(text_of(error.where, None, flags), _MAX_WHERE_BYTES)
        room -= _MAX_WHERE_BYTES
    # Redacted before it is cut: half a credential is still one.
    whole = redactor.redact_value("error.message", text_of(error.message, None, flags))
    body["message"] = clip_text(whole if isinstance(whole, str) else encode(whole), room)
    if body["message"] != whole:
        flags.add(TRUNCATED)
    return body


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= MAX_INT else None
