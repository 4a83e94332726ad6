"""Trees: single executions, what is below them, and the history of their metadata."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from execmeta.model.execution import Execution
from execmeta.model.fold import history_of
from execmeta.model.history import MetadataChange
from execmeta.model.ids import ExecutionId
from execmeta.store.resolving import not_found
from execmeta.store.sql import seek
from execmeta.store.sql.apply import row_with_edits
from execmeta.store.sql.fetch import fetch
from execmeta.store.sql.rows import SELECT_ROW, Row

_PIECE: Final = 4_096


def get(connection: sqlite3.Connection, execution_id: ExecutionId, tenant: str) -> Execution:
    """One execution; raises ExecutionNotFoundError."""
    return _visible(connection, execution_id, tenant)[1]


def children(
    connection: sqlite3.Connection, execution_id: ExecutionId, tenant: str
) -> tuple[Execution, ...]:
    """Direct children, oldest first."""
    tid = seek.tid_at(connection, execution_id)
    if tid is None:
        return ()
    return _all(connection, seek.children(connection, tid), tenant)


def subtree(
    connection: sqlite3.Connection, execution_id: ExecutionId, limit: int, tenant: str
) -> tuple[Execution, ...]:
    """The execution and everything below it, oldest first; raises ExecutionNotFoundError."""
    tid, _ = _visible(connection, execution_id, tenant)
    return _all(connection, seek.subtree(connection, tid), tenant, limit)


def history(
    connection: sqlite3.Connection, execution_id: ExecutionId, tenant: str
) -> tuple[MetadataChange, ...]:
    """Edits in the order in which they count; raises ExecutionNotFoundError."""
    tid, _ = _visible(connection, execution_id, tenant)
    found = connection.execute(f"{SELECT_ROW} WHERE e.tid = ?", (tid,)).fetchone()
    state = row_with_edits(connection, Row._make(found))
    return history_of(state.start.metadata if state.start else {}, state.edits.values())


def _visible(
    connection: sqlite3.Connection, execution_id: ExecutionId, tenant: str
) -> tuple[int, Execution]:
    tid = seek.tid_at(connection, execution_id)
    if tid is not None:
        for found in fetch(connection, [tid], tenant=tenant):
            return found
    raise not_found(execution_id)


def _all(
    connection: sqlite3.Connection, tids: Sequence[int], tenant: str, limit: int = -1
) -> tuple[Execution, ...]:
    found: list[Execution] = []
    for begin in range(0, len(tids), _PIECE):
        if 0 <= limit <= len(found):
            break
        piece = tids[begin : begin + _PIECE]
        found.extend(execution for _, execution in fetch(connection, piece, tenant=tenant))
    return tuple(found if limit < 0 else found[:limit])
