"""Fetch: rows by key, decoded into executions and nothing more than that."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

from execmeta.model.execution import Execution
from execmeta.model.fold import error_of, iterator_of
from execmeta.model.ids import ExecutionId
from execmeta.store.sql.where import TRUE, Condition

_SELECT: Final = (
    "SELECT e.tid, e.id, p.id, r.id, e.kind, e.name, e.status, e.started_at, e.ended_at, "
    "e.duration_s, e.attempt, e.depth, e.metadata, e.attributes, e.sources, e.iterator, e.error, "
    "e.flags, e.external_id, e.trace_id, e.span_id "
    "FROM json_each(?) j CROSS JOIN execution e ON e.tid = j.value "
    "LEFT JOIN execution p ON p.tid = e.parent_tid LEFT JOIN execution r ON r.tid = e.root_tid "
    "WHERE e.kind IS NOT NULL"
)
_KEYS: Final = (
    "SELECT e.tid FROM json_each(?) j CROSS JOIN execution e ON e.tid = j.value "
    "WHERE e.kind IS NOT NULL"
)


def fetch(
    connection: sqlite3.Connection,
    tids: Sequence[int],
    where: Condition = TRUE,
    tenant: str = "",
) -> Iterator[tuple[int, Execution]]:
    """(key, execution) of the visible rows among `tids` that fulfil `where`, in that order."""
    found = connection.execute(
        _SELECT if where == TRUE else f"{_SELECT} AND {where.text}",
        (json.dumps(tids), *where.parameters),
    )
    for row in found:
        yield row[0], _execution(row, tenant)


def passing(connection: sqlite3.Connection, tids: Sequence[int], where: Condition) -> int:
    """Number of the visible rows among `tids` that fulfil `where`."""
    row = connection.execute(
        f"SELECT count(*) FROM ({_KEYS} AND {where.text})", (json.dumps(tids), *where.parameters)
    ).fetchone()
    return int(row[0])


def _execution(row: tuple[Any, ...], tenant: str) -> Execution:
    (
        _,
        raw_id,
        parent_id,
        root_id,
        kind,
        name,
        status,
        started_at,
        ended_at,
        duration_s,
        attempt,
        depth,
        metadata,
        attributes,
        sources,
        iterator,
        error,
        flags,
        external_id,
        trace_id,
        span_id,
    ) = row
    own = _text(raw_id)
    return Execution(
        own,
        kind,
        name,
        status,
        started_at,
        _text(root_id) if root_id else own,
        _text(parent_id) if parent_id else None,
        depth,
        ended_at,
        duration_s,
        attempt,
        _loads(metadata) if metadata else {},
        _loads(attributes) if attributes else {},
        iterator_of(_loads(iterator)) if iterator else None,
        trace_id.hex() if trace_id else None,
        span_id.hex() if span_id else None,
        tenant,
        external_id,
        error_of(_loads(error)) if error else None,
        _loads(sources) if sources else {},
        tuple(_loads(flags)) if flags else (),
    )


def _text(raw: bytes) -> ExecutionId:
    # `ids.id_text` without the call: three of these for each row of a page.
    digits = raw.hex()
    return ExecutionId(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")


_loads: Final = json.JSONDecoder().decode
