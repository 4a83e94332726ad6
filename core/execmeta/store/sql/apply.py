"""Apply: a batch of events becomes rows, tokens, dictionary and edits, in one transaction.

Events of one execution are joined before a row is touched, rows that exist are read once per
batch, and an execution that is seen for the first time takes the short way (`fresh`). Cost is
about 30 us per new execution in batches of 1000 with six tags (tests/benchmarks).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from execmeta.model.event import EVENT_TYPES, STARTED, Event
from execmeta.model.fold import Edit, Fold
from execmeta.model.ids import id_bytes, tid_of
from execmeta.store.base import Applied
from execmeta.store.sql.fresh import ended_row, fresh_row
from execmeta.store.sql.indexing import Indexer
from execmeta.store.sql.rows import (
    COLUMNS,
    SELECT_ROW,
    Row,
    fold_to_row,
    has_edits,
    json_text,
    row_to_fold,
)

_CHUNK: Final = 500
"""Keys asked for in one statement."""
# Twice as slow as INSERT: it may have to undo a part, and keeps a journal for that.
_REPLACE: Final = f"REPLACE INTO execution VALUES ({', '.join('?' * len(COLUMNS))})"
_PLACED: Final = frozenset("tid id parent_tid root_tid kind name depth external_id owner".split())
"""Columns that stand in an index, or change only when another start wins."""
_CHANGING: Final = [name for name in COLUMNS if name not in _PLACED]
_CHANGING_AT: Final = [COLUMNS.index(name) for name in _CHANGING]
_PLACED_AT: Final = [COLUMNS.index(name) for name in COLUMNS if name in _PLACED]
# A statement that names no indexed column leaves the B-trees of parent and root alone.
_UPDATE: Final = (
    f"UPDATE execution SET {', '.join(name + ' = ?' for name in _CHANGING)} WHERE tid = ?"
)
_STUB_REST: Final = (None,) * (len(COLUMNS) - 2)


class Batch:
    """One transaction's worth of events, joined and written."""

    def __init__(self, connection: sqlite3.Connection, indexer: Indexer) -> None:
        self._connection = connection
        self._indexer = indexer
        self._tids: dict[str, int] = {}
        self._free: set[str] = set()
        """Ids in `_tids` that have no row yet."""
        self._inserts: list[tuple[Any, ...]] = []
        self._replaces: list[tuple[Any, ...]] = []
        self._updates: list[tuple[Any, ...]] = []
        self._edits: list[tuple[Any, ...]] = []

    def apply(self, groups: dict[str, list[Event]]) -> Applied:
        """Join the events of each execution into its row, inside the caller's transaction."""
        bodies = [
            event.body for events in groups.values() for event in events if event.type == STARTED
        ]
        named = {name for body in bodies if (name := body.get("parent"))}
        named.update(name for body in bodies if (name := body.get("root")))
        raw_ids = {name: _raw_id(name) for name in named.union(groups)}
        self._look_up(raw_ids)
        stored = self._rows(self._tids[name] for name in groups if name not in self._free)
        created = changed = 0
        for name, events in groups.items():
            tid = self._tids[name]
            old = stored.get(tid)
            if old is None or (old.kind is None and old.fold is None):
                if self._create(name, events, tid, raw_ids[name]):
                    created += 1
                    self._free.discard(name)
            else:
                changed += self._join(old, events)
        for name in self._free & named:
            self._inserts.append((self._tids[name], raw_ids[name], *_STUB_REST))
        self._write()
        return Applied(created, changed, len(groups) - created - changed)

    def _look_up(self, raw_ids: dict[str, bytes]) -> None:
        """Find or choose the key of every id."""
        wanted = {name: tid_of(raw) for name, raw in raw_ids.items()}
        taken: dict[int, bytes] = {}
        for marks, chunk in _chunks(set(wanted.values())):
            taken.update(
                self._connection.execute(
                    f"SELECT tid, id FROM execution WHERE tid IN ({marks})", chunk
                )
            )
        for name, raw in raw_ids.items():
            tid = wanted[name]
            owner = taken.get(tid)
            while owner is not None and owner != raw:
                # Another id with the same 63 bits: the next free key (storage.md §3).
                tid += 1
                owner = taken.get(tid) or self._id_at(tid)
            if owner is None:
                taken[tid] = raw
                self._free.add(name)
            self._tids[name] = tid

    def _id_at(self, tid: int) -> bytes | None:
        row = self._connection.execute("SELECT id FROM execution WHERE tid = ?", (tid,)).fetchone()
        return row[0] if row else None

    def _rows(self, tids: Iterable[int]) -> dict[int, Row]:
        found: dict[int, Row] = {}
        for marks, chunk in _chunks(tids):
            for row in self._connection.execute(f"{SELECT_ROW} WHERE e.tid IN ({marks})", chunk):
                found[row[0]] = Row._make(row)
        return found

    def _create(self, name: str, events: list[Event], tid: int, raw: bytes) -> bool:
        """Make a row; False when the events say nothing, as an edit of no key."""
        start = events[0] if events[0].type == STARTED else events[-1]
        parent, root = start.body.get("parent"), start.body.get("root")
        row = fresh_row(
            events,
            tid,
            raw,
            None if parent is None else self._tids[parent],
            None if root is None or root == name else self._tids[root],
        )
        puts = self._inserts if name in self._free else self._replaces
        if row is not None:
            puts.append(row)
            self._indexer.add_fresh(
                row, start.body.get("metadata") or {}, start.body.get("attributes") or {}
            )
            return True
        state = Fold()
        changed = [state.add(event) for event in events]
        if not any(changed):
            return False
        joined = self._row(state, name, tid, raw)
        puts.append(joined[: len(COLUMNS)])
        self._add_edits(tid, {}, state)
        if joined.kind is not None:
            self._indexer.add(joined)
        return True

    def _join(self, old: Row, events: list[Event]) -> bool:
        """Join events into a row that was stored; whether it changed."""
        ended = ended_row(old, events)
        if ended is not None:
            self._update(old, ended)
            return True
        state = row_with_edits(self._connection, old)
        before = dict(state.edits)
        changed = [state.add(event) for event in events]
        if not any(changed):
            return False
        self._add_edits(old.tid, before, state)
        self._update(old, self._row(state, events[0].execution_id, old.tid, old.id))
        return True

    def _update(self, old: Row, new: Row) -> None:
        values = new[: len(COLUMNS)]
        if all(values[at] == old[at] for at in _PLACED_AT):
            self._updates.append((*(values[at] for at in _CHANGING_AT), old.tid))
        else:
            self._replaces.append(values)
        if old.kind is not None:
            self._indexer.change(old, new)
        elif new.kind is not None:
            self._indexer.add(new)

    def _row(self, state: Fold, name: str, tid: int, raw: bytes) -> Row:
        start = state.start
        if start is None:
            return fold_to_row(state, tid, raw, None, None)
        root = start.root_id or start.parent_id or name
        return fold_to_row(
            state,
            tid,
            raw,
            self._tid(start.parent_id) if start.parent_id else None,
            None if root == name else self._tid(root),
        )

    def _tid(self, name: str) -> int:
        if name not in self._tids:
            self._look_up({name: _raw_id(name)})
        return self._tids[name]

    def _add_edits(self, tid: int, before: dict[Any, Edit], state: Fold) -> None:
        for slot, edit in state.edits.items():
            if before.get(slot) is not edit:
                value = json_text(edit.value) if edit.present else None
                self._edits.append((tid, *edit.order, edit.key, value, edit.at, edit.by))

    def _write(self) -> None:
        # In the order of their keys: neighbours share a page.
        self._inserts.sort(key=lambda values: values[0])
        many = self._connection.executemany
        if self._inserts:
            many(*_without_nulls(self._inserts))
        if self._replaces:
            many(_REPLACE, self._replaces)
        if self._updates:
            many(_UPDATE, self._updates)
        if self._edits:
            many("REPLACE INTO edit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._edits)
        self._indexer.write()


def _raw_id(name: str) -> bytes:
    raw = id_bytes(name)
    if len(raw) != 16 or raw[6] >> 4 != 7:
        raise ValueError(f"{name!a} is not a UUIDv7")
    return raw


def _without_nulls(rows: list[tuple[Any, ...]]) -> tuple[str, list[tuple[Any, ...]]]:
    """An INSERT that names no column that is NULL in all rows, and its values: to bind a None
    takes Python's sqlite3 four times as long as a number."""
    columns = list(zip(*rows, strict=True))
    kept = [
        (name, values)
        for name, values in zip(COLUMNS, columns, strict=True)
        if values[0] is not None or values.count(None) < len(values)
    ]
    names = ", ".join(name for name, _ in kept)
    statement = f"INSERT INTO execution ({names}) VALUES ({', '.join('?' * len(kept))})"
    return statement, list(zip(*(values for _, values in kept), strict=True))


def groups_of(
    events: Sequence[Event], tenant: str
) -> tuple[dict[str, list[Event]], list[tuple[int, str]]]:
    """Events by execution id, and those that this store cannot hold with the reason."""
    groups: dict[str, list[Event]] = {}
    rejected: list[tuple[int, str]] = []
    for index, event in enumerate(events):
        if event.type not in EVENT_TYPES:
            rejected.append((index, f"event type {event.type!a} is not known to this release"))
        elif event.tenant != tenant:
            rejected.append((index, f"tenant {event.tenant!a} has another store"))
        elif (found := groups.get(event.execution_id)) is not None:
            found.append(event)
        else:
            groups[event.execution_id] = [event]
    return groups, rejected


def row_with_edits(connection: sqlite3.Connection, row: Row) -> Fold:
    """The state of a stored row with its edits."""
    return row_to_fold(row, edits_at(connection, row.tid) if has_edits(row) else ())


def edits_at(connection: sqlite3.Connection, tid: int) -> list[Edit]:
    """Edits of a row, in the order in which they count."""
    found = connection.execute(
        'SELECT hlc, wid, seq, key, value, at, "by" FROM edit WHERE tid = ?', (tid,)
    )
    return [
        Edit(
            (hlc, wid, seq),
            key,
            None if value is None else json.loads(value),
            value is not None,
            at,
            by,
        )
        for hlc, wid, seq, key, value, at, by in found
    ]


def _chunks(keys: Iterable[int]) -> Iterable[tuple[str, list[int]]]:
    """Keys in lists of a few lengths, so that SQLite's statements are compiled once."""
    rest = list(keys)
    for begin in range(0, len(rest), _CHUNK):
        chunk = rest[begin : begin + _CHUNK]
        size = next(size for size in (1, 3, 20, _CHUNK) if len(chunk) <= size)
        chunk += chunk[-1:] * (size - len(chunk))
        yield ", ".join("?" * size), chunk
