"""Bitmaps: sets of rows as bits of the slots of a block, and expressions over them."""

from __future__ import annotations

import sqlite3
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import compress
from typing import Any, Final, TypeVar

from execmeta.store.sql.expression import Both, Either, Expression, Without, Word, words

_T = TypeVar("_T")
_ONES: Final = bytes.maketrans(b"01", b"\0\1")
_KEYS: Final = "SELECT group_concat(rowid) FROM tok WHERE tok MATCH ? AND rowid > ? AND rowid <= ?"


def evaluate(
    expression: Expression,
    leaf: Callable[[str], _T],
    everything: Callable[[], _T],
    minus: Callable[[_T, _T], _T],
) -> _T:
    """The value of an expression over sets or bitmaps, each word looked up once."""
    known = {token: leaf(token) for token in words(expression)}

    @cache
    def all_of() -> _T:
        return everything()

    def value(part: Expression) -> Any:
        match part:
            case Word():
                return known[part.token]
            case Without():
                return minus(all_of(), value(part.item))
            case Either():
                found = value(part.items[0])
                for item in part.items[1:]:
                    found = found | value(item)
                return found
            case Both():
                present = [item for item in part.items if not isinstance(item, Without)]
                missing = [item.item for item in part.items if isinstance(item, Without)]
                found = value(present[0]) if present else all_of()
                for item in present[1:]:
                    found = found & value(item)
                for item in missing:
                    found = minus(found, value(item))
                return found

    result: _T = value(expression)
    return result


def keys_of(connection: sqlite3.Connection, match: str, above: int, high: int) -> list[str]:
    """Keys of the rows that match in FTS5's syntax, from `above`, excluded, to `high`, as text:
    one text for all costs a third of one row each."""
    (text,) = connection.execute(_KEYS, (match, above, high)).fetchone()
    return text.split(",") if text else []


def places_of(slots: Iterable[int]) -> dict[str, int]:
    """Slot by key, the key as text."""
    return {str(key): slot for slot, key in enumerate(slots)}


def pack(keys: Iterable[str], places: Mapping[str, int]) -> bytes:
    """The bitmap that marks those of `keys` that have a slot."""
    digits = bytearray(b"0") * len(places)
    for slot in map(places.get, keys):
        if slot is not None:
            digits[slot] = 49
    digits.reverse()
    return int(digits or b"0", 2).to_bytes(width_of(len(places)), "little")


def unpack(bits: int, slots: array[int]) -> Iterator[int]:
    """The keys in the slots of a block that `bits` marks, in the order of the slots."""
    marks = format(bits, f"0{len(slots)}b").encode().translate(_ONES)[::-1]
    return compress(slots, marks)


def slot_of(slots: array[int], key: int) -> int | None:
    """Slot of a key. Late rows stand behind the others, which are sorted."""
    at = bisect_left(slots, key)
    if at < len(slots) and slots[at] == key:
        return at
    try:
        return slots.index(key)
    except ValueError:
        return None


def slots_of(raw: bytes) -> array[int]:
    """Keys of the rows in a block's slots."""
    slots = array("q")
    slots.frombytes(raw)
    if sys.byteorder == "big":
        slots.byteswap()
    return slots


def raw_of(slots: array[int]) -> bytes:
    """A block's slots as they are stored."""
    if sys.byteorder == "big":
        slots = slots[:]
        slots.byteswap()
    return slots.tobytes()


def width_of(size: int) -> int:
    """Bytes of a bitmap with so many slots."""
    return (size + 7) // 8
