"""Blocks: bitmaps of frequent index words, so that no filter walks the whole index.

FTS5 answers an AND of two frequent words that never meet by stepping through both, 24 ms for a
million executions, and a NOT that leaves nothing in 33 ms. Therefore executions are also cut by
key into blocks of `sealing.BLOCK_ROWS`; for every word that is frequent in a block a bitmap says
which of its rows have the word. A word without a bitmap in a block is rare there, and its rows are
asked of FTS5. The newest rows, too few for a block, are loose: sets of their keys stand in for
bitmaps. A bitmap is complete or not there, whatever changed since (`sealing`).
"""

from __future__ import annotations

import sqlite3
import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import compress, islice
from typing import Any, Final, NamedTuple, TypeVar

from execmeta.store.sql.expression import (
    Both,
    Either,
    Expression,
    Without,
    Word,
    match_text,
    words,
)
from execmeta.store.sql.window import MAX_TID, MIN_TID, Window
from execmeta.store.tokens import ALL

GROUP: Final = 64
"""Blocks whose bitmaps are joined to one: the newest alone, then ever more, up to this."""
RARE_SHARE: Final = 0.5
"""A word with bitmaps in a smaller part of the blocks is rare on the whole."""

_T = TypeVar("_T")
_ONES: Final = bytes.maketrans(b"01", b"\0\1")
_DIGITS: Final = bytes.maketrans(b"\0\1", b"01")
COUNT: Final = "SELECT count(*) FROM (SELECT 1 FROM tok WHERE tok MATCH ? AND rowid > ? LIMIT ?)"
_KEYS: Final = "SELECT group_concat(rowid) FROM tok WHERE tok MATCH ? AND rowid > ? AND rowid <= ?"


class Block(NamedTuple):
    """Rows with keys from `above`, excluded, to `high`, included."""

    above: int
    high: int
    size: int
    """Slots; a multiple of 8 holds them in the bitmaps."""


class Blocks:
    """Answers expressions over the blocks of one snapshot."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._blocks: list[Block] | None = None
        self._rare: dict[str, bool] = {}

    def suit(self, expression: Expression) -> bool:
        """Whether FTS5 might step through many rows without a match, so that blocks are better.
        It does where frequent words are intersected, or one of them is taken away."""
        match expression:
            case Word():
                return False
            case Without():
                return not self._is_driven(expression.item)
            case Either():
                return any(map(self.suit, expression.items))
            case Both():
                if self._is_driven(expression):
                    return False
                present = [item for item in expression.items if not isinstance(item, Without)]
                return len(present) > 1 or any(map(self.suit, expression.items))

    def are_dense(self, expression: Expression, window: Window, wanted: int) -> bool:
        """Whether so many matches stand where a walk begins that FTS5 finds them at once."""
        found = 0
        for group in islice(self._groups(window), 2):
            found += self._bits(expression, group).bit_count()
        return found >= wanted

    def count(self, expression: Expression, limit: int) -> int:
        """Number of matches; `limit` or more when there are at least so many."""
        if not self.suit(expression) and any(map(self._is_rare, words(expression))):
            (number,) = self._connection.execute(
                COUNT, (match_text(expression), MIN_TID, limit)
            ).fetchone()
            return int(number)
        if self.are_dense(expression, Window(), 1):
            (number,) = self._connection.execute(
                COUNT, (match_text(expression), self._loose_above, limit)
            ).fetchone()
        else:
            number = len(self._loose(expression))
        for group in self._groups(Window()):
            if number >= limit:
                break
            number += self._bits(expression, group).bit_count()
        return int(number)

    def walk(self, expression: Expression, window: Window) -> Iterator[Sequence[int]]:
        """Keys of the matches inside a window, in its order, in pieces."""
        if window.newest:
            yield from self._loose_in(expression, window)
        for group in self._groups(window):
            yield from self._keys(self._bits(expression, group), group, window)
        if not window.newest:
            yield from self._loose_in(expression, window)

    def _is_driven(self, expression: Expression) -> bool:
        match expression:
            case Word():
                return self._is_rare(expression.token)
            case Both():
                return any(map(self._is_driven, expression.items))
            case Either():
                return all(map(self._is_driven, expression.items))
            case Without():
                return False

    def _is_rare(self, token: str) -> bool:
        known = self._rare.get(token)
        if known is None:
            (number,) = self._connection.execute(
                "SELECT count(*) FROM bitmap WHERE token = ?", (token,)
            ).fetchone()
            known = self._rare[token] = number < RARE_SHARE * len(self._all())
        return known

    def _all(self) -> list[Block]:
        """Every block, oldest first."""
        if self._blocks is None:
            self._blocks = []
            above = MIN_TID
            for high, size in self._connection.execute("SELECT high, n FROM block ORDER BY high"):
                self._blocks.append(Block(above, high, size))
                above = high
        return self._blocks

    @property
    def _loose_above(self) -> int:
        return self._all()[-1].high if self._all() else MIN_TID

    def _groups(self, window: Window) -> Iterator[list[Block]]:
        """Blocks of a window in its order, oldest first inside a group; groups grow."""
        left = [
            block
            for block in self._all()
            if block.high > window.above and block.above < window.below
        ]
        size = 1
        while left:
            if window.newest:
                yield left[-size:]
                del left[-size:]
            else:
                yield left[:size]
                del left[:size]
            size = min(size * 4, GROUP)

    def _bits(self, expression: Expression, group: Sequence[Block]) -> int:
        """Matches in the slots of a group's blocks; the first slot is the lowest bit."""

        def leaf(token: str) -> int:
            return self._bitmap(token, group)

        def minus(one: int, other: int) -> int:
            return one & ~other

        return evaluate(expression, leaf, lambda: leaf(ALL), minus)

    def _bitmap(self, token: str, group: Sequence[Block]) -> int:
        found = dict(
            self._connection.execute(
                "SELECT high, bits FROM bitmap WHERE token = ? AND high > ? AND high <= ?",
                (token, group[0].above, group[-1].high),
            ).fetchall()
        )
        if len(found) < len(group):
            found.update(self._rare_bits(token, [b for b in group if b.high not in found]))
        parts = [found[block.high].ljust(width_of(block.size), b"\0") for block in group]
        return int.from_bytes(b"".join(parts), "little")

    def _rare_bits(self, token: str, blocks: Sequence[Block]) -> dict[int, bytes]:
        """Bitmaps of blocks that have none for a token, made from the index."""
        made: dict[int, bytes] = {}
        begin = 0
        for end, block in enumerate(blocks, 1):
            if end < len(blocks) and blocks[end].above == block.high:
                continue
            run, begin = blocks[begin:end], end
            found = keys_of(self._connection, token, run[0].above, block.high)
            keys = sorted(map(int, found))
            for each in run:
                first, last = bisect_right(keys, each.above), bisect_right(keys, each.high)
                mine = set(map(str, keys[first:last]))
                made[each.high] = pack(mine, map(str, self._slots(each))) if mine else b""
        return made

    def _slots(self, block: Block) -> array[int]:
        found = self._connection.execute("SELECT tids FROM block WHERE high = ?", (block.high,))
        return slots_of(found.fetchone()[0])

    def _keys(self, bits: int, group: Sequence[Block], window: Window) -> Iterator[Sequence[int]]:
        begin = 0
        parts = []
        for block in group:
            width = width_of(block.size)
            parts.append((block, begin, begin + width))
            begin += width
        raw = bits.to_bytes(begin, "little")
        for block, first, last in reversed(parts) if window.newest else parts:
            mine = int.from_bytes(raw[first:last], "little")
            if mine:
                marks = format(mine, f"0{block.size}b").encode().translate(_ONES)[::-1]
                # Late rows stand behind the others of their block.
                keys = sorted(compress(self._slots(block), marks), reverse=window.newest)
                yield from _inside(keys, window)

    def _loose_in(self, expression: Expression, window: Window) -> Iterator[Sequence[int]]:
        if window.below > self._loose_above + 1:
            keys = sorted(map(int, self._loose(expression)), reverse=window.newest)
            yield from _inside(keys, window)

    def _loose(self, expression: Expression) -> set[str]:
        """Matches behind the last block."""

        def leaf(token: str) -> set[str]:
            return keys_of(self._connection, token, self._loose_above, MAX_TID)

        return evaluate(expression, leaf, lambda: leaf(ALL), lambda one, other: one - other)


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


def keys_of(connection: sqlite3.Connection, token: str, above: int, high: int) -> set[str]:
    """Keys of the rows with a token, as text: half the cost of asking for each by itself."""
    (text,) = connection.execute(_KEYS, (token, above, high)).fetchone()
    return set(text.split(",")) if text else set()


def pack(keys: set[str], slots: Iterator[str] | Sequence[str]) -> bytes:
    """The bitmap that marks `keys` among the slots of a block."""
    digits = bytes(map(keys.__contains__, slots)).translate(_DIGITS)
    return int(digits[::-1], 2).to_bytes(width_of(len(digits)), "little")


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
    return (size + 7) // 8


def _inside(keys: list[int], window: Window) -> Iterator[Sequence[int]]:
    inside = [key for key in keys if window.above < key < window.below]
    if inside:
        yield inside
