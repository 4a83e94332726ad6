"""Iterator items: any JSON, kept whole up to 4 KiB."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from execmeta.model.execution import Json
from execmeta.model.json_text import canonical_json
from execmeta.model.limits import MAX_INT, MAX_ITEM_BYTES, MIN_INT
from execmeta.model.values import TRUNCATED, Cleaned, clean_value

_PREVIEW_CHARS: Final = 200
_SMALL_CHARS: Final = 500
_SMALL_MEMBERS: Final = 16
"""Members and characters, keys included, of an item that is below 4 KiB however it is spelled: a
character takes six bytes at most, a number 25."""


def iterator_item(value: Any, *, scrub: Callable[[Json], Json] | None = None) -> Cleaned:
    """`value` as an iterator item is stored; never raises, never runs foreign code.

    An item over 4 KiB of canonical JSON is kept as `{"digest": "sha256:...", "size": bytes,
    "preview": its first 200 characters}`, with the flag `truncated`.

    Args:
        scrub: redaction. It sees the whole item: a preview may hold half a credential, and a
            digest of a short one can be guessed.

    >>> iterator_item({"user": 7}).value
    {'user': 7}
    """
    # What nearly all items are, such as the parameters of a test, at a fifth of the price.
    if _is_small(value):
        small = dict(value) if scrub is None else scrub(value)
        if small == value or _is_small(small):
            return Cleaned(small)
    cleaned, flags = clean_value(value, max_chars=None)
    if scrub is not None:
        cleaned = scrub(cleaned)
    text = canonical_json(cleaned)
    if len(text) * 4 <= MAX_ITEM_BYTES or len(raw := text.encode()) <= MAX_ITEM_BYTES:
        return Cleaned(cleaned, flags)
    digest = f"sha256:{sha256(raw).hexdigest()}"
    preview = cleaned if isinstance(cleaned, str) else text
    shape: dict[str, Json] = {
        "digest": digest,
        "size": len(raw),
        "preview": preview[:_PREVIEW_CHARS],
    }
    return Cleaned(shape, flags | {TRUNCATED})


def _is_small(value: Any) -> bool:
    """Whether `value` is a flat map of plain short values, stored just as it is."""
    if type(value) is not dict or len(value) > _SMALL_MEMBERS:
        return False
    room = _SMALL_CHARS
    for key, item in value.items():
        if type(key) is not str or not key.isascii() or "\0" in key:
            return False
        room -= len(key)
        kind = type(item)
        if kind is str:
            if not item.isascii() or "\0" in item:
                return False
            room -= len(item)
        elif kind is int:
            if not MIN_INT <= item <= MAX_INT:
                return False
        elif kind is not bool and item is not None:
            return False
    return room >= 0
