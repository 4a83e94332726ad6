"""Everything that a SQLite file holds of executions, to compare two files."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from execmeta.store.sql.parts import PartCache
from execmeta.store.sql.rows import SELECT_ROW, Row
from execmeta.store.tokens import part_of_document, part_of_fields, part_of_item


def stored_rows(path: Path) -> list[Row]:
    """All rows by key."""
    with sqlite3.connect(path) as connection:
        return [Row._make(row) for row in connection.execute(f"{SELECT_ROW} ORDER BY e.tid")]


def stored_tokens(path: Path) -> set[tuple[str, int]]:
    """(token, row) of the whole inverted index."""
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'tok', 'instance')"
        )
        return set(connection.execute("SELECT term, doc FROM words"))


def expected_tokens(path: Path) -> set[tuple[str, int]]:
    """(token, row) that the rows ask for."""
    cache = PartCache()
    return {
        (token, row.tid)
        for row in stored_rows(path)
        if row.kind is not None
        for token in cache.parts(row).text.split()
    }


def dump(path: Path) -> dict[str, Any]:
    """Rows, edits, tokens and counts: the same for the same set of events."""
    with sqlite3.connect(path) as connection:
        edits = connection.execute("SELECT * FROM edit").fetchall()
        counts = connection.execute(
            'SELECT key, "rows" FROM kv_key WHERE "rows" <> 0 ORDER BY key'
        ).fetchall()
        overflow = connection.execute(
            "SELECT CAST(value AS INTEGER) FROM property WHERE name = 'overflow'"
        ).fetchone()
    return {
        "rows": stored_rows(path),
        "edits": edits,
        "tokens": stored_tokens(path),
        "keys": counts,
        "overflow": overflow[0] if overflow else 0,
    }


def missing_values(path: Path) -> set[tuple[str, str, str | None]]:
    """(key, type, text) of values that rows have and the dictionary has not."""
    wanted = {
        (entry.key, entry.vtype, entry.text or "")
        for row in stored_rows(path)
        if row.kind is not None
        for part in (
            part_of_fields(row.kind, row.name or "", row.status or ""),
            part_of_document("m", json.loads(row.metadata or "{}")),
            part_of_document("a", json.loads(row.attributes or "{}")),
            part_of_item(json.loads(row.iterator or "{}").get("item")),
        )
        for entry in part.entries
    }
    with sqlite3.connect(path) as connection:
        return wanted - set(connection.execute("SELECT key, vtype, value_text FROM kv"))
