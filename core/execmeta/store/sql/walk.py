"""Walk: keys of the rows that may match a plan, in the order of a page, in growing pieces.

SQLite's planner is never asked for an order: the index gives row ids in theirs, sets of rows are
sorted here, and rows are fetched by key (storage.md §2, note 3).
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from execmeta.store.sql.blocks import Blocks
from execmeta.store.sql.expression import EVERYTHING, Expression, match_text, words
from execmeta.store.sql.plan import Plan
from execmeta.store.sql.seek import looked_up, tids_at
from execmeta.store.sql.window import Window

SMALL_SET: Final = 2_000
"""Rows that are read one by one rather than looked for in the index."""
LARGEST_PIECE: Final = 4_096
PROBE_ROWS: Final = 1_000
PROBED_PER_WORD: Final = 2
"""Rows that can be read and checked in the time that FTS5 takes to open one word."""

MATCHES: Final = (
    "SELECT rowid FROM tok WHERE tok MATCH ? AND rowid > ? AND rowid < ? ORDER BY rowid {order}"
)
ROWS: Final = "SELECT tid FROM execution WHERE tid > ? AND tid < ? ORDER BY tid {order}"


def candidates(
    connection: sqlite3.Connection, blocks: Blocks, plan: Plan, window: Window, first: int
) -> Iterator[Sequence[int]]:
    """Keys of all rows that may match, in the window's order, each once; stubs may be among
    them. Pieces grow, so that a page that is full soon has read little.

    Args:
        first: size of the first piece.
    """
    within = _set_of(connection, plan)
    if within is None:
        yield from _probed(connection, blocks, plan, window, first)
        return
    inside = within[bisect_right(within, window.above) : bisect_left(within, window.below)]
    if len(inside) <= SMALL_SET or plan.index == EVERYTHING:
        yield from _pieces(inside[::-1] if window.newest else inside, first)
        return
    members = frozenset(inside)
    narrow = Window(inside[0] - 1, inside[-1] + 1, window.newest)
    for piece in _indexed(connection, blocks, plan.index, narrow, first):
        if kept := [tid for tid in piece if tid in members]:
            yield kept


def _probed(
    connection: sqlite3.Connection, blocks: Blocks, plan: Plan, window: Window, first: int
) -> Iterator[Sequence[int]]:
    """Keys by the index; where that means to open many words, first those of rows that have the
    key at all, as many as are likely to be enough and cost less."""
    if plan.coarse != plan.index:
        rows = int(2 * first / plan.share)
        if rows < PROBE_ROWS and rows < PROBED_PER_WORD * len(words(plan.index)):
            for piece in _indexed(connection, blocks, plan.coarse, window, rows):
                yield piece
                window = window.after(piece[-1])
                break
    yield from _indexed(connection, blocks, plan.index, window, first)


def _set_of(connection: sqlite3.Connection, plan: Plan) -> Sequence[int] | None:
    """The rows that places and looked-up columns leave, ascending; None for all rows."""
    sets = [tids_at(connection, place) for place in plan.places]
    sets += [looked_up(connection, node) for node in plan.lookups]
    if not sets:
        return None
    sets.sort(key=len)
    left = sets[0]
    for other in sets[1:]:
        members = frozenset(other)
        left = [tid for tid in left if tid in members]
    return left


def _indexed(
    connection: sqlite3.Connection, blocks: Blocks, index: Expression, window: Window, size: int
) -> Iterator[Sequence[int]]:
    if blocks.suit(index) and not blocks.are_dense(index, window, size):
        yield from blocks.walk(index, window)
        return
    if index == EVERYTHING:
        found = connection.execute(ROWS.format(order=window.order), (window.above, window.below))
    else:
        found = connection.execute(
            MATCHES.format(order=window.order), (match_text(index), window.above, window.below)
        )
    try:
        while piece := found.fetchmany(size):
            yield [tid for (tid,) in piece]
            size = min(size * 4, LARGEST_PIECE)
    finally:
        found.close()


def _pieces(tids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    at = 0
    while at < len(tids):
        yield tids[at : at + size]
        at += size
        size = min(size * 4, LARGEST_PIECE)
