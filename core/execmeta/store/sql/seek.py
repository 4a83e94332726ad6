"""Seek: executions found by id, by place in the tree, or by a column with an index of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from execmeta.filters.bound import OneOf, Place
from execmeta.model.ids import ExecutionId, id_bytes, id_text, tid_of
from execmeta.store.resolving import MAX_CANDIDATES
from execmeta.store.sql.where import range_of
from execmeta.store.tokens import TOP, tail_token

_SUBTREE: Final = (
    "WITH RECURSIVE below (tid) AS (VALUES (?) UNION "
    "SELECT e.tid FROM below CROSS JOIN execution e INDEXED BY e_parent "
    "ON e.parent_tid = below.tid) SELECT tid FROM below"
)


def tid_at(connection: sqlite3.Connection, execution_id: str) -> int | None:
    """Key of the row with this id, which may be a stub; None when there is no row."""
    raw = id_bytes(execution_id)
    tid = tid_of(raw)
    # An id whose first choice was taken has the next free key (`apply`).
    for found, owner in connection.execute(
        "SELECT tid, id FROM execution WHERE tid >= ? ORDER BY tid", (tid,)
    ):
        if found != tid:
            return None
        if owner == raw:
            return tid
        tid += 1
    return None


def tids_at(connection: sqlite3.Connection, place: Place) -> Sequence[int]:
    """Keys of the rows at a place of the tree, ascending; stubs may be among them."""
    tid = None if place.id is None else tid_at(connection, place.id)
    if tid is None:
        return ()
    match place.relation:
        case "id":
            return (tid,)
        case "parent":
            return children(connection, tid)
        case "root":
            # The root of a tree does not name itself.
            own = connection.execute(
                "SELECT 1 FROM execution WHERE tid = ? AND root_tid IS NULL", (tid,)
            ).fetchone()
            below = _tids(connection, "root_tid", tid)
            return sorted([tid, *below]) if own else below
        case "under":
            return subtree(connection, tid)


def children(connection: sqlite3.Connection, tid: int) -> list[int]:
    """Keys of the rows that have a row as their parent, ascending."""
    return _tids(connection, "parent_tid", tid)


def subtree(connection: sqlite3.Connection, tid: int) -> list[int]:
    """Keys of a row and of everything below it, ascending."""
    return sorted(found for (found,) in connection.execute(_SUBTREE, (tid,)))


def looked_up(connection: sqlite3.Connection, node: OneOf) -> list[int]:
    """Keys of the rows with one of the external ids, ascending."""
    condition = range_of(node).upper
    return [
        tid
        for (tid,) in connection.execute(
            f"SELECT e.tid FROM execution e INDEXED BY e_external WHERE {condition.text} "
            "ORDER BY e.tid",
            condition.parameters,
        )
    ]


class References:
    """What `store.resolving.resolve` asks."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def exists(self, execution_id: ExecutionId) -> bool:
        """Whether readers see this execution."""
        tid = tid_at(self._connection, execution_id)
        found = self._connection.execute(
            "SELECT 1 FROM execution WHERE tid = ? AND kind IS NOT NULL", (tid,)
        )
        return found.fetchone() is not None

    def newest_top(self) -> ExecutionId | None:
        """The newest execution of scope `top`."""
        row = self._connection.execute(
            "SELECT e.id FROM tok CROSS JOIN execution e ON e.tid = tok.rowid "
            "WHERE tok MATCH ? ORDER BY tok.rowid DESC LIMIT 1",
            (TOP,),
        ).fetchone()
        return id_text(row[0]) if row else None

    def by_external_id(self, external_id: str) -> list[ExecutionId]:
        """Executions with this external id, newest first."""
        try:
            external_id.encode()
        except UnicodeEncodeError:
            return []
        return self._ids(
            "SELECT e.id FROM execution e INDEXED BY e_external "
            "WHERE e.external_id = ? AND e.kind IS NOT NULL ORDER BY e.tid DESC LIMIT ?",
            external_id,
        )

    def by_ending(self, digits: str) -> list[ExecutionId]:
        """Executions whose id ends so, newest first."""
        found = self._connection.execute(
            "SELECT e.id FROM tok CROSS JOIN execution e ON e.tid = tok.rowid "
            "WHERE tok MATCH ? ORDER BY tok.rowid DESC",
            (tail_token(digits),),
        )
        ids = []
        for (raw,) in found:
            if raw.hex().endswith(digits):
                ids.append(id_text(raw))
                if len(ids) > MAX_CANDIDATES:
                    break
        return ids

    def _ids(self, statement: str, value: str) -> list[ExecutionId]:
        found = self._connection.execute(statement, (value, MAX_CANDIDATES + 1))
        return [id_text(raw) for (raw,) in found]


def _tids(connection: sqlite3.Connection, column: str, tid: int) -> list[int]:
    index = {"parent_tid": "e_parent", "root_tid": "e_root"}[column]
    return [
        found
        for (found,) in connection.execute(
            f"SELECT tid FROM execution INDEXED BY {index} WHERE {column} = ? ORDER BY tid", (tid,)
        )
    ]
