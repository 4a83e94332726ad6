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
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from itertools import accumulate, islice
from typing import Final, NamedTuple

from execmeta.store.sql.bitmaps import (
    evaluate,
    keys_of,
    slot_of,
    slots_of,
    unpack,
    width_of,
)
from execmeta.store.sql.expression import (
    EVERYTHING,
    Both,
    Either,
    Expression,
    Without,
    Word,
    both,
    match_text,
    words,
)
from execmeta.store.sql.window import MAX_TID, MIN_TID, Window
from execmeta.store.tokens import ALL

GROUP: Final = 64
"""Blocks whose bitmaps are joined to one: the newest alone, then ever more, up to this."""
RARE_SHARE: Final = 0.5
"""A word with bitmaps in a smaller part of the blocks is rare on the whole."""

MAX_RARE: Final = 16
"""Rare words that are opened once for each group; more of them at once are left to FTS5."""

_COUNT: Final = "SELECT count(*) FROM (SELECT 1 FROM tok WHERE tok MATCH ? AND rowid > ? LIMIT ?)"


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
        It does where frequent words are intersected or taken away."""
        match expression:
            case Word():
                return False
            case Without():
                return not self._is_driven(expression.item)
            case Either():
                return any(map(self.suit, expression.items))
            case Both():
                if self._is_driven(expression):
                    return self.is_mixed(expression)
                present = [item for item in expression.items if not isinstance(item, Without)]
                return len(present) > 1 or any(map(self.suit, expression.items))

    def is_mixed(self, expression: Expression) -> bool:
        """Whether a few rare words and frequent ones are intersected."""
        if not isinstance(expression, Both) or not self._is_driven(expression):
            return False
        frequent, rare = self._halves(expression)
        return frequent != EVERYTHING and len(words(rare)) <= MAX_RARE

    def are_dense(self, expression: Expression, window: Window, wanted: int) -> bool:
        """Whether so many matches stand where a walk begins that FTS5 finds them at once."""
        if self.is_mixed(expression):
            return False
        found = 0
        for group in islice(self._groups(window), 2):
            found += self._bits(expression, group).bit_count()
        return found >= wanted

    def count(self, expression: Expression, limit: int) -> int:
        """Number of matches; `limit` or more when there are at least so many."""
        if not self.suit(expression) and not self._is_frequent(expression):
            return self._counted(expression, MIN_TID, limit)
        if self.are_dense(expression, Window(), 1):
            number = self._counted(expression, self._loose_above, limit)
        else:
            number = len(self._loose(expression))
        for group in self._groups(Window()):
            if number >= limit:
                break
            if isinstance(expression, Both) and self.is_mixed(expression):
                for keys in self._mixed_keys(expression, group, Window()):
                    number += len(keys)
                    if number >= limit:
                        break
            else:
                number += self._bits(expression, group).bit_count()
        return number

    def walk(self, expression: Expression, window: Window) -> Iterator[Sequence[int]]:
        """Keys of the matches inside a window, in its order, in pieces."""
        if window.newest:
            yield from self._loose_in(expression, window)
        for group in self._groups(window):
            if isinstance(expression, Both) and self.is_mixed(expression):
                found = self._mixed_keys(expression, group, window)
            else:
                found = self._keys(self._bits(expression, group), group, window)
            for keys in found:
                yield from _inside(keys, window)
        if not window.newest:
            yield from self._loose_in(expression, window)

    def _is_driven(self, expression: Expression) -> bool:
        """Whether rare words alone leave few rows."""
        match expression:
            case Word():
                return self._is_rare(expression.token)
            case Both():
                return any(map(self._is_driven, expression.items))
            case Either():
                return all(map(self._is_driven, expression.items))
            case Without():
                return False

    def _is_frequent(self, expression: Expression) -> bool:
        return not any(map(self._is_rare, words(expression)))

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
            keys = sorted(map(int, keys_of(self._connection, token, run[0].above, block.high)))
            for each in run:
                mine = keys[bisect_right(keys, each.above) : bisect_right(keys, each.high)]
                bits = 0
                if mine:
                    slots = self._slots(each)
                    for slot in (slot_of(slots, key) for key in mine):
                        bits |= 0 if slot is None else 1 << slot
                made[each.high] = bits.to_bytes(width_of(each.size), "little")
        return made

    def _slots(self, block: Block) -> array[int]:
        found = self._connection.execute("SELECT tids FROM block WHERE high = ?", (block.high,))
        return slots_of(found.fetchone()[0])

    def _keys(self, bits: int, group: Sequence[Block], window: Window) -> Iterator[list[int]]:
        """Keys that a group's bits mark, block by block in the window's order."""
        for block, mine in _slices(bits, group, window.newest):
            yield sorted(unpack(mine, self._slots(block)), reverse=window.newest)

    def _mixed_keys(
        self, expression: Both, group: Sequence[Block], window: Window
    ) -> Iterator[list[int]]:
        """Keys of a group that FTS5 finds by the rare words and the bitmaps do not take away;
        it would step through the frequent words from one rare row to the next."""
        frequent, rare = self._halves(expression)
        names = self._matching(rare, group[0].above, group[-1].high)
        if not names:
            return
        keys = sorted(map(int, names))
        for block, bits in _slices(self._bits(frequent, group), group, window.newest):
            mine = keys[bisect_right(keys, block.above) : bisect_right(keys, block.high)]
            if mine:
                slots = self._slots(block)
                found = [
                    key
                    for key in mine
                    if (slot := slot_of(slots, key)) is not None and bits >> slot & 1
                ]
                yield found[::-1] if window.newest else found

    def _halves(self, expression: Both) -> tuple[Expression, Expression]:
        frequent = [item for item in expression.items if self._is_frequent(item)]
        return both(frequent), both(item for item in expression.items if item not in frequent)

    def _loose_in(self, expression: Expression, window: Window) -> Iterator[Sequence[int]]:
        if window.below > self._loose_above + 1:
            keys = sorted(map(int, self._loose(expression)), reverse=window.newest)
            yield from _inside(keys, window)

    def _loose(self, expression: Expression) -> Set[str]:
        """Matches behind the last block."""
        if isinstance(expression, Both) and self.is_mixed(expression):
            frequent, rare = self._halves(expression)
            found = frozenset(self._matching(rare, self._loose_above, MAX_TID))
            return found and found & self._loose(frequent)

        def leaf(token: str) -> frozenset[str]:
            return frozenset(keys_of(self._connection, token, self._loose_above, MAX_TID))

        def minus(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
            return one - other

        return evaluate(expression, leaf, lambda: leaf(ALL), minus)

    def _matching(self, expression: Expression, above: int, high: int) -> list[str]:
        return keys_of(self._connection, match_text(expression), above, high)

    def _counted(self, expression: Expression, above: int, limit: int) -> int:
        found = self._connection.execute(_COUNT, (match_text(expression), above, limit))
        return int(found.fetchone()[0])


def _slices(bits: int, group: Sequence[Block], newest: bool) -> Iterator[tuple[Block, int]]:
    """The blocks of a group in which any bit is set, with their part of the bits."""
    ends = list(accumulate(width_of(block.size) for block in group))
    raw = bits.to_bytes(ends[-1], "little")
    parts = list(zip(group, [0, *ends], ends, strict=False))
    for block, first, last in reversed(parts) if newest else parts:
        mine = int.from_bytes(raw[first:last], "little")
        if mine:
            yield block, mine


def _inside(keys: list[int], window: Window) -> Iterator[Sequence[int]]:
    inside = [key for key in keys if window.above < key < window.below]
    if inside:
        yield inside
