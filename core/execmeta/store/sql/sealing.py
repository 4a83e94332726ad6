"""Sealing: keeps the blocks complete while rows come and change.

When `2 * BLOCK_ROWS` rows are loose, the older half is sealed into a block. Later changes of its
rows flip bits, rows that come late get a slot behind the others, and a block that has grown to
twice its size is cut anew. All of it happens in the transaction that changes the index.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from execmeta.store.sql.bitmaps import keys_of, pack, places_of, raw_of, slot_of, slots_of, width_of
from execmeta.store.sql.window import MAX_TID, MIN_TID

BLOCK_ROWS: Final = 4_096
"""Rows of a block when it is sealed: a bitmap of 512 bytes stays on its page of the B-tree."""
SAMPLE: Final = 128
"""Rows of a block that are looked at to find its frequent words."""
FREQUENT: Final = 1 / 20
"""Share from which on a word is frequent: below it FTS5's lists are shorter than bitmaps."""

Change = tuple[str | None, int, str]
"""What was written to the index: `delete` or None, key, tokens. A deletion comes before the
insertion that replaces it; an insertion alone is a new row."""
TokensOf = Callable[[Sequence[int]], Iterable[str]]
"""Gives the index tokens of rows, as one text each."""

_COUNT: Final = "SELECT count(*) FROM tok WHERE tok MATCH ? AND rowid > ? AND rowid <= ?"


class Sealer:
    """Keeps the blocks of one connection's database."""

    def __init__(self, connection: sqlite3.Connection, tokens_of: TokensOf) -> None:
        self._connection = connection
        self._tokens_of = tokens_of

    def follow(self, changes: Iterable[Change]) -> None:
        """Take in what was written to index and dictionary in this transaction."""
        before = high, slots = self._state()
        late = [change for change in changes if change[1] <= high]
        if late:
            slots += self._change(late)
        row = self._connection.execute(
            "SELECT \"rows\" FROM kv_key WHERE key = 'f:status'"
        ).fetchone()
        visible = row[0] if row else 0
        while visible - slots >= 2 * BLOCK_ROWS:
            tids = _rows(self._connection, high, MAX_TID, BLOCK_ROWS)
            if len(tids) < BLOCK_ROWS:
                break
            self._seal(high, tids[-1], tids)
            high, slots = tids[-1], slots + BLOCK_ROWS
        if (high, slots) != before:
            self._connection.execute(
                "INSERT INTO property (name, value) VALUES ('blocks', ?) ON CONFLICT (name) "
                "DO UPDATE SET value = excluded.value",
                (f"{high} {slots}",),
            )

    def _state(self) -> tuple[int, int]:
        """Highest key in a block, and number of slots in all of them."""
        row = self._connection.execute(
            "SELECT value FROM property WHERE name = 'blocks'"
        ).fetchone()
        if row is None:
            return MIN_TID, 0
        high, slots = row[0].split()
        return int(high), int(slots)

    def _seal(self, above: int, high: int, tids: Sequence[int]) -> None:
        """Make a block of the rows from `above` to `high`, which are `tids`."""
        self._connection.execute(
            "INSERT INTO block (high, n, tids) VALUES (?, ?, ?)",
            (high, len(tids), raw_of(array("q", tids))),
        )
        sample = tids[:: max(1, len(tids) // SAMPLE)]
        counts = Counter(token for text in self._tokens_of(sample) for token in text.split())
        places = places_of(tids)
        full = (2 ** len(tids) - 1).to_bytes(width_of(len(tids)), "little")
        bitmaps = []
        for token, number in counts.items():
            if number < FREQUENT * len(sample):
                continue
            if number == len(sample) and self._is_in_all(token, above, high, len(tids)):
                bitmaps.append((token, high, full))
            else:
                keys = keys_of(self._connection, token, above, high)
                bitmaps.append((token, high, pack(keys, places)))
        self._connection.executemany(
            "INSERT INTO bitmap (token, high, bits) VALUES (?, ?, ?)", sorted(bitmaps)
        )

    def _is_in_all(self, token: str, above: int, high: int, size: int) -> bool:
        (number,) = self._connection.execute(_COUNT, (token, above, high)).fetchone()
        return bool(number == size)

    def _change(self, changes: Iterable[Change]) -> int:
        """Bring blocks up to date with changes of their rows; the number of new slots."""
        added = 0
        changes = sorted(changes, key=lambda change: change[1])
        while changes:
            row = self._connection.execute(
                "SELECT high, tids FROM block WHERE high >= ? ORDER BY high LIMIT 1",
                (changes[0][1],),
            ).fetchone()
            if row is None:  # damaged: events must not be lost for it, and `check` says so
                break
            high, raw = row
            mine = [change for change in changes if change[1] <= high]
            del changes[: len(mine)]
            slots = slots_of(raw)
            size = len(slots)
            self._flip(high, slots, mine)
            if len(slots) > size:
                added += len(slots) - size
                self._connection.execute(
                    "UPDATE block SET n = ?, tids = ? WHERE high = ?",
                    (len(slots), raw_of(slots), high),
                )
            if len(slots) >= 2 * BLOCK_ROWS:
                self._cut(high)
        return added

    def _flip(self, high: int, slots: array[int], changes: Sequence[Change]) -> None:
        """Set and clear bits of a block's bitmaps; rows without a slot get one."""
        # A dictionary of all slots costs as much as looking through them a few times.
        few = len(changes) <= 16
        at = {} if few else {tid: slot for slot, tid in enumerate(slots)}
        gained: dict[str, int] = defaultdict(int)
        lost: dict[str, int] = defaultdict(int)
        for action, tid, text in changes:
            slot = slot_of(slots, tid) if few else at.get(tid)
            if slot is None:
                slot = at[tid] = len(slots)
                slots.append(tid)
            bits = lost if action else gained
            for token in text.split():
                bits[token] |= 1 << slot
        for token in sorted(gained.keys() | lost.keys()):
            raw = _bits(self._connection, token, high)
            if raw is not None:
                value = int.from_bytes(raw, "little") & ~lost[token] | gained[token]
                self._connection.execute(
                    "UPDATE bitmap SET bits = ? WHERE token = ? AND high = ?",
                    (value.to_bytes(width_of(len(slots)), "little"), token, high),
                )

    def _cut(self, high: int) -> None:
        """Make several blocks of one that has grown."""
        row = self._connection.execute(
            "SELECT max(high) FROM block WHERE high < ?", (high,)
        ).fetchone()
        above = MIN_TID if row[0] is None else row[0]
        self._connection.execute("DELETE FROM block WHERE high = ?", (high,))
        self._connection.executemany(
            "DELETE FROM bitmap WHERE token = ? AND high = ?",
            [(token, high) for token in _tokens(self._connection)],
        )
        tids = _rows(self._connection, above, high, -1)
        for begin in range(0, len(tids), BLOCK_ROWS):
            piece = tids[begin : begin + BLOCK_ROWS]
            last = high if begin + BLOCK_ROWS >= len(tids) else piece[-1]
            self._seal(above, last, piece)
            above = last


def forget_blocks(connection: sqlite3.Connection) -> None:
    """Take all blocks away; the next `Sealer.follow` cuts all rows anew."""
    connection.execute("DELETE FROM block")
    connection.execute("DELETE FROM bitmap")
    connection.execute("DELETE FROM property WHERE name = 'blocks'")


def block_problems(connection: sqlite3.Connection) -> Iterator[str]:
    """What differs between blocks, rows and index, in words."""
    above, total = MIN_TID, 0
    tokens = _tokens(connection)
    blocks = connection.execute("SELECT high, n, tids FROM block ORDER BY high").fetchall()
    for high, size, raw in blocks:
        slots = slots_of(raw)
        if size != len(slots) or sorted(slots) != _rows(connection, above, high, -1):
            yield f"Block {high} does not hold the executions of its range."
        places = places_of(slots)
        for token in tokens:
            bits = _bits(connection, token, high)
            if bits is None:
                continue
            keys = keys_of(connection, token, above, high)
            wanted = pack(keys, places)
            if bits.ljust(len(wanted), b"\0") != wanted:
                yield f"Bitmap {token} of block {high} differs from the search index."
        above, total = high, total + size
    row = connection.execute("SELECT value FROM property WHERE name = 'blocks'").fetchone()
    if row is not None and row[0] != f"{above} {total}":
        yield f"Blocks end at {above} with {total} slots; noted is {row[0]}."


def _rows(connection: sqlite3.Connection, above: int, high: int, limit: int) -> list[int]:
    """Keys of visible rows, ascending; all of them with a limit of -1."""
    return [
        tid
        for (tid,) in connection.execute(
            "SELECT tid FROM execution WHERE tid > ? AND tid <= ? AND kind IS NOT NULL "
            "ORDER BY tid LIMIT ?",
            (above, high, limit),
        )
    ]


def _tokens(connection: sqlite3.Connection) -> list[str]:
    """Every token that has a bitmap."""
    return [token for (token,) in connection.execute("SELECT DISTINCT token FROM bitmap")]


def _bits(connection: sqlite3.Connection, token: str, high: int) -> bytes | None:
    row = connection.execute(
        "SELECT bits FROM bitmap WHERE token = ? AND high = ?", (token, high)
    ).fetchone()
    return None if row is None else bytes(row[0])
