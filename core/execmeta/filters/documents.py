"""Documents: the JSON object that `contains` takes, read strictly."""

from __future__ import annotations

from execmeta.filters.characters import UNSTORABLE
from execmeta.filters.names import normalised
from execmeta.model.execution import Json
from execmeta.model.json_text import parse_json
from execmeta.model.limits import MAX_DEPTH


def read_document(text: str) -> dict[str, Json]:
    """The object that `text` spells, its keys in NFC as they are stored.

    Raises:
        ValueError: what strict JSON refuses (a key given twice, NaN, a number beyond 64 bit),
            another value than an object, deeper than metadata can be, text that no store holds.

    >>> read_document('{"cafe\\u0301": [1, 2.0]}')
    {'café': [1, 2.0]}
    """
    document = parse_json(text, max_depth=MAX_DEPTH + 1, expect_object=True)
    return _stored_object(document)


def _stored(value: Json) -> Json:
    if isinstance(value, str):
        return _stored_text(value)
    if isinstance(value, list):
        return [_stored(item) for item in value]
    return _stored_object(value) if isinstance(value, dict) else value


def _stored_object(value: dict[str, Json]) -> dict[str, Json]:
    stored = {normalised(_stored_text(key)): _stored(item) for key, item in value.items()}
    if len(stored) != len(value):
        raise ValueError("An object has the same key twice, in two spellings. Keep one.")
    return stored


def _stored_text(text: str) -> str:
    if UNSTORABLE.search(text):
        raise ValueError("A text has NUL or a lone surrogate, which no stored text can have.")
    return text
