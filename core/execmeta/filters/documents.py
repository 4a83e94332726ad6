"""Documents: the JSON object that `contains` takes, read strictly."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from execmeta.filters.characters import UNSTORABLE
from execmeta.filters.names import normalised
from execmeta.filters.wording import shown
from execmeta.model.execution import Json
from execmeta.model.limits import MAX_DEPTH, MAX_INT, MIN_INT

_BRACKET_OR_STRING: Final = re.compile(r'[\[{]|[\]}]|"(?:[^"\\]|\\.)*"', re.DOTALL)


def read_document(text: str) -> dict[str, Json]:
    """The object that `text` spells; its own keys in NFC, as keys are stored.

    Raises:
        ValueError: not JSON, not an object, a key given twice, NaN, a number that no value can
            hold, deeper than a value can be. The message goes behind `found`.
    """
    depth = deepest = 0
    for piece in _BRACKET_OR_STRING.finditer(text):
        # Counted before json reads it: json recurses, and hostile text is deep.
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(piece.group(), 0)
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH + 1:
        raise ValueError(f"JSON {deepest} levels deep; expected at most {MAX_DEPTH + 1}")
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_int,
            parse_float=_float,
        )
    except json.JSONDecodeError as exc:
        raise ValueError(f"no JSON: {exc.msg} at its position {exc.pos + 1}") from None
    if not isinstance(document, dict):
        raise ValueError('JSON that is no object; expected one such as {"env": "prod"}')
    if any(UNSTORABLE.search(part) for part in _texts(document)):
        raise ValueError("a NUL or a lone surrogate, which no stored text can have")
    return _object([(normalised(key), value) for key, value in document.items()])


def canonical(document: dict[str, Json]) -> str:
    """One text per document: keys sorted, no spaces."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Json]:
    document: dict[str, Json] = {}
    for key, value in pairs:
        if key in document:
            raise ValueError(f"the key {shown(key)} twice in one object")
        document[key] = value
    return document


def _texts(value: Json) -> Iterator[str]:
    """Every key and every text inside `value`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word}, which is no JSON")


def _int(digits: str) -> int:
    number = int(digits) if len(digits) <= 20 else MAX_INT + 1
    if not MIN_INT <= number <= MAX_INT:
        raise ValueError(f"the number {shown(digits)}; expected one of 64 bits")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {shown(digits)}, which overflows")
    return number + 0.0  # -0.0 is stored as 0.0
