"""Facets: which metadata keys there are, and what they hold most often."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from execmeta.model.limits import COUNT_CAP
from execmeta.store.base import KeyStats, StoreStats
from execmeta.store.sql.reads import Search
from execmeta.store.tally import MAX_KEY_NAMES, tally


def keys(search: Search, values: int) -> tuple[KeyStats, ...]:
    """Metadata keys of the newest matches with their most frequent values."""
    newest, more = search.newest(COUNT_CAP)
    return tally((execution.metadata for execution in newest), values, more)


def key_names(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Metadata keys that any execution has, nested ones by their dotted path, sorted."""
    found = connection.execute(
        'SELECT substr(key, 3) FROM kv_key WHERE key >= ? AND key < ? AND "rows" > 0 '
        "ORDER BY key LIMIT ?",
        ("m:", "m;", MAX_KEY_NAMES),
    )
    return tuple(name for (name,) in found)


def stats(connection: sqlite3.Connection) -> StoreStats:
    """Counts and sizes; executions by the dictionary, which `check` compares with the rows."""
    value = _value(connection)
    return StoreStats(
        executions=value("SELECT \"rows\" FROM kv_key WHERE key = 'f:status'"),
        edits=value("SELECT count(*) FROM edit"),
        size_bytes=value("PRAGMA page_count") * value("PRAGMA page_size"),
        schema=str(connection.execute("SELECT version_num FROM execmeta_version").fetchone()[0]),
        details={
            "keys": value("SELECT count(*) FROM kv_key WHERE key >= 'm:' AND key < 'm;'"),
            "values": value("SELECT coalesce(sum(n), 0) FROM kv_key"),
            "sqlite": sqlite3.sqlite_version,
        },
    )


def _value(connection: sqlite3.Connection) -> Callable[[str], int]:
    def value(statement: str) -> int:
        row = connection.execute(statement).fetchone()
        return int(row[0]) if row else 0

    return value
