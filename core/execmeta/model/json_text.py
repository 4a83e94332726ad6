"""JSON text: the one canonical way out, the one strict way in."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from execmeta.errors import MetadataError
from execmeta.model.execution import Json
from execmeta.model.limits import MAX_DEPTH, MAX_INT, MIN_INT

_CANONICAL: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_STRUCTURE: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
_INT_CHARS: Final = 20
"""Longest spelling of a 64-bit integer; int() itself refuses more than 4300 digits."""


def canonical_json(value: Json) -> str:
    """`value` as JSON: keys sorted by code point, no spaces, characters as they are (so its size
    in UTF-8 is what the limits count). Equal values give equal text.

    Raises:
        ValueError: NaN, an infinity or a lone surrogate; `clean_value` and `check_value` let
            none of them through.

    >>> canonical_json({"b": [1, 2.5], "a": "é"})
    '{"a":"é","b":[1,2.5]}'
    """
    text = _CANONICAL.encode(value)
    if not text.isascii() and _SURROGATE.search(text):
        raise ValueError("a lone surrogate has no place in JSON text")
    return text


def json_bytes(value: Json) -> int:
    """Size of the canonical JSON of `value`, in bytes of UTF-8."""
    text = canonical_json(value)
    return len(text) if text.isascii() else len(text.encode())


def parse_json(
    data: str | bytes, *, max_depth: int = MAX_DEPTH + 2, expect_object: bool = False
) -> Any:
    """What strict JSON says; integers are 64 bit, floats are float64.

    Args:
        data: text, or UTF-8 bytes with or without a byte order mark.
        max_depth: lists and objects inside one another; by default a body that holds a map of
            values. Checked before anything is parsed.
        expect_object: whether another value than an object is an error.

    Raises:
        MetadataError: with code `invalid_utf8`, `invalid_json`, `duplicate_key`, `too_deep`,
            `number_out_of_range` or `object_expected`. The text itself is never repeated.

    >>> parse_json('{"a": 1e-400, "b": -0.0}')
    {'a': 0.0, 'b': 0.0}
    """
    text = _text_of(data)
    _check_depth(text, max_depth)
    try:
        value = _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise MetadataError(
            f"Line {error.lineno}, column {error.colno}: {error.msg}. Expected JSON (RFC 8259).",
            code="invalid_json",
        ) from None
    if expect_object and not isinstance(value, dict):
        raise MetadataError(
            'The JSON is no object. Expected {"key": value, ...}.', code="object_expected"
        )
    return value


def _text_of(data: str | bytes) -> str:
    if isinstance(data, bytes):
        try:
            data = data.decode()
        except UnicodeDecodeError as error:
            raise MetadataError(
                f"Byte {error.start + 1} is not UTF-8. Expected JSON in UTF-8.",
                code="invalid_utf8",
            ) from None
    # Windows programs begin their files with a byte order mark; RFC 8259 §8.1 allows to skip it.
    return data.removeprefix("\ufeff")


def _check_depth(text: str, max_depth: int) -> None:
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for found in _STRUCTURE.finditer(text):
        match found.group()[0]:
            case "[" | "{":
                depth += 1
                if depth > max_depth:
                    raise MetadataError(
                        f"The JSON is nested deeper than {max_depth} lists and objects. "
                        "Flatten it, or give the inner part as text.",
                        code="too_deep",
                    )
            case "]" | "}":
                depth -= 1
            case _:
                pass


def _refuse_number() -> NoReturn:
    raise MetadataError(
        f"A number is out of range. Integers go from {MIN_INT} to {MAX_INT}, fractions are "
        "64-bit floats. Give a larger one as text.",
        code="number_out_of_range",
    )


def _int_of(digits: str) -> int:
    if len(digits) > _INT_CHARS or not MIN_INT <= (number := int(digits)) <= MAX_INT:
        _refuse_number()
    return number


def _float_of(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        _refuse_number()
    return number or 0.0  # -0.0 is 0.0: PostgreSQL has no other


def _refuse_constant(name: str) -> NoReturn:
    raise MetadataError(f'{name} is not JSON. Write it as text: "{name}".', code="invalid_json")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Readers disagree on which of the two counts (reliability.md §2.7).
        raise MetadataError("An object has the same key twice. Keep one.", code="duplicate_key")
    return found


_STRICT: Final = json.JSONDecoder(
    parse_int=_int_of,
    parse_float=_float_of,
    parse_constant=_refuse_constant,
    object_pairs_hook=_unique,
)
