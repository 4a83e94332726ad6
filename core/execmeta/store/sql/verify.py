"""Verify: what is derived from the rows, computed anew, to be compared or to replace what is there.

Tokens, dictionary and counts can all be made from table `execution` alone. `check` makes them in
a temporary file and compares; `reindex` puts them in the place of the old ones, in one
transaction, so that a killed one leaves the old index.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from execmeta.model.ids import id_text, tid_of
from execmeta.store.base import CheckReport, Progress
from execmeta.store.sql.connection import SCHEMA_FILE
from execmeta.store.sql.indexing import Indexer
from execmeta.store.sql.rows import COLUMNS
from execmeta.store.sql.sealing import block_problems, forget_blocks
from execmeta.store.tokens import TOKENS_VERSION

_CHUNK: Final = 5_000
_MAX_PROBLEMS: Final = 100
_NOTHING: Final[Progress] = lambda done, total: None  # noqa: E731
_PAIRS: Final = "SELECT term, doc FROM temp.words"
_STRAY: Final = {
    "parent": "SELECT e.id FROM execution e LEFT JOIN execution p ON p.tid = e.parent_tid "
    "WHERE e.parent_tid IS NOT NULL AND p.tid IS NULL LIMIT 5",
    "root": "SELECT e.id FROM execution e LEFT JOIN execution r ON r.tid = e.root_tid "
    "WHERE e.root_tid IS NOT NULL AND r.tid IS NULL LIMIT 5",
}


def check(connection: sqlite3.Connection, progress: Progress | None = None) -> CheckReport:
    """Compare everything derived with what the rows ask for; changes nothing.

    About 40 s per million executions. Others may read and write meanwhile.
    """
    problems = [
        f"The file is damaged: {text}"
        for (text,) in connection.execute(f"PRAGMA quick_check({_MAX_PROBLEMS})")
        if text != "ok"
    ]
    damage = _index_damage(connection)
    if damage:
        problems.append(damage)
    connection.execute("BEGIN")
    try:
        with tempfile.TemporaryDirectory(prefix="execmeta-check-") as folder:
            expected = sqlite3.connect(Path(folder) / "expected.db", isolation_level=None)
            expected.execute("PRAGMA synchronous = OFF")
            expected.executescript(SCHEMA_FILE.read_text(encoding="utf-8"))
            expected.execute("BEGIN")
            executions, wrong = _derive(connection, Indexer(expected), progress or _NOTHING)
            problems += wrong
            problems += _tree_problems(connection)
            if not damage:
                problems += _token_problems(connection, expected)
                problems += block_problems(connection)
            problems += _dictionary_problems(connection, expected)
            expected.close()
    finally:
        connection.execute("ROLLBACK")
    return CheckReport(executions, tuple(problems[:_MAX_PROBLEMS]))


def _index_damage(connection: sqlite3.Connection) -> str | None:
    # Within a transaction that is taken back: the command counts as a write.
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("INSERT INTO tok (tok) VALUES ('integrity-check')")
    except sqlite3.DatabaseError as error:
        return f"The search index is damaged inside ({error}); run `execmeta db reindex`."
    finally:
        connection.execute("ROLLBACK")
    return None


def reindex(connection: sqlite3.Connection, progress: Progress | None = None) -> int:
    """Replace everything derived, inside the caller's transaction; the number of executions.

    About 20 s per million executions, in which nobody else can write.
    """
    execute = connection.execute
    row = execute("SELECT value FROM property WHERE name = 'index'").fetchone()
    number = int(str(row[0]).partition(".")[2] or 0) + 1 if row else 1
    execute("INSERT INTO tok (tok) VALUES ('delete-all')")
    for statement in (
        "DELETE FROM kv",
        "DELETE FROM kv_key",
        "DELETE FROM property WHERE name IN ('overflow', 'days')",
    ):
        execute(statement)
    forget_blocks(connection)
    execute("REPLACE INTO property VALUES ('index', ?)", (f"{TOKENS_VERSION}.{number}",))
    executions, _ = _derive(connection, Indexer(connection), progress or _NOTHING)
    return executions


def _derive(
    source: sqlite3.Connection, indexer: Indexer, progress: Progress
) -> tuple[int, list[str]]:
    """Feed all visible rows to an indexer; their number, and what is wrong with them."""
    (total,) = source.execute("SELECT count(*) FROM execution WHERE kind IS NOT NULL").fetchone()
    problems: list[str] = []
    done = 0
    for rows in _chunks(source):
        for row in rows:
            try:
                documents = [json.loads(text) if text else {} for text in row[12:14]]
                indexer.add_fresh(row, *documents)
            except (ValueError, TypeError, AttributeError) as error:
                problems.append(f"Execution {_id(row[1])} cannot be read ({error}).")
            if row[0] != tid_of(row[1]) and not _displaced(source, row):
                problems.append(f"Execution {_id(row[1])} stands under a key of another one.")
        indexer.write()
        done += len(rows)
        progress(done, total)
    if not done:
        progress(0, total)
    return done, problems


def _chunks(source: sqlite3.Connection) -> Iterator[list[tuple[Any, ...]]]:
    statement = (
        f"SELECT {', '.join(COLUMNS)} FROM execution WHERE tid > ? AND kind IS NOT NULL "
        f"ORDER BY tid LIMIT {_CHUNK}"
    )
    last = -1
    while rows := source.execute(statement, (last,)).fetchall():
        last = rows[-1][0]
        yield rows


def _displaced(source: sqlite3.Connection, row: tuple[Any, ...]) -> bool:
    """Whether every key from its own to the one that it has is taken."""
    first = tid_of(row[1])
    (taken,) = source.execute(
        "SELECT count(*) FROM execution WHERE tid >= ? AND tid < ?", (first, row[0])
    ).fetchone()
    return bool(0 < row[0] - first == taken)


def _tree_problems(connection: sqlite3.Connection) -> Iterator[str]:
    for place, statement in _STRAY.items():
        for (raw,) in connection.execute(statement):
            yield f"The {place} of execution {_id(raw)} is missing."
    (stray,) = connection.execute(
        "SELECT count(DISTINCT tid) FROM edit WHERE tid NOT IN (SELECT tid FROM execution)"
    ).fetchone()
    if stray:
        yield f"Edits of {stray} executions belong to no execution."
    (hidden,) = connection.execute(
        "SELECT count(DISTINCT d.tid) FROM edit d JOIN execution e USING (tid) WHERE e.fold IS NULL"
    ).fetchone()
    if hidden:
        yield f"Edits of {hidden} executions are not counted in their metadata."


def _token_problems(stored: sqlite3.Connection, expected: sqlite3.Connection) -> Iterator[str]:
    for connection in (stored, expected):
        connection.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(main, tok, instance)"
        )
    missing = extra = 0
    examples: set[int] = set()
    for there, (_, tid) in _differences(stored.execute(_PAIRS), expected.execute(_PAIRS)):
        extra += there
        missing += not there
        if len(examples) < 3:
            examples.add(tid)
    if missing or extra:
        yield (
            f"The search index lacks {missing} entries and has {extra} that no execution asks "
            f"for (rows {', '.join(map(str, sorted(examples)))}); run `execmeta db reindex`."
        )


def _differences(
    stored: sqlite3.Cursor, expected: sqlite3.Cursor
) -> Iterator[tuple[bool, tuple[str, int]]]:
    """(True, pair) for what only `stored` has, (False, pair) for what only `expected` has; both
    give their pairs in the same order."""
    while True:
        have, want = stored.fetchmany(_CHUNK), expected.fetchmany(_CHUNK)
        if have != want:
            break
        if not have:
            return
    haves, wants = _chained(have, stored), _chained(want, expected)
    one, other = next(haves, None), next(wants, None)
    while one is not None or other is not None:
        if one == other:
            one, other = next(haves, None), next(wants, None)
        elif other is None or (one is not None and _place(one) < _place(other)):
            yield True, one  # type: ignore[misc]  # other is None or one is not
            one = next(haves, None)
        else:
            yield False, other
            other = next(wants, None)


def _chained(first: list[Any], rest: sqlite3.Cursor) -> Iterator[tuple[str, int]]:
    yield from first
    yield from rest


def _place(pair: tuple[str, int]) -> tuple[bytes, int]:
    return pair[0].encode(), pair[1]


def _dictionary_problems(stored: sqlite3.Connection, expected: sqlite3.Connection) -> Iterator[str]:
    facts = 'SELECT key, n, capped, "rows" FROM kv_key'
    known = {key: rest for key, *rest in stored.execute(facts)}
    wanted = {key: rest for key, *rest in expected.execute(facts)}
    counts = dict(stored.execute("SELECT key, count(*) FROM kv GROUP BY key"))
    for key in sorted(known.keys() | wanted.keys()):
        n, capped, rows = known.get(key, (0, 0, 0))
        _, must_cap, has = wanted.get(key, (0, 0, 0))
        if rows != has:
            yield f"The dictionary says that {rows} executions have {key[2:]!a}; it is {has}."
        if n != counts.get(key, 0):
            yield f"The dictionary counts {n} values of {key[2:]!a}; it has {counts.get(key, 0)}."
        if must_cap and not capped:
            yield f"The dictionary takes the values of {key[2:]!a} for complete; they are not."
        if not capped and has:
            lacking = _lacking(stored, expected, key)
            if lacking:
                yield f"The dictionary lacks {lacking} values of {key[2:]!a}."
    overflow = "SELECT CAST(value AS INTEGER) FROM property WHERE name = 'overflow'"
    one, other = (c.execute(overflow).fetchone() or (0,) for c in (stored, expected))
    if one != other:
        yield f"{other[0]} executions have more values than the index takes in; noted {one[0]}."


def _lacking(stored: sqlite3.Connection, expected: sqlite3.Connection, key: str) -> int:
    """Number of values of a key that executions have and the dictionary has not."""
    statement = "SELECT vtype, value_text, id FROM kv WHERE key = ? ORDER BY vtype, value_text"
    have, want = stored.execute(statement, (key,)), expected.execute(statement, (key,))
    lacking = 0
    held: Any = next(have, None)
    while chunk := list(islice(want, _CHUNK)):
        for entry in chunk:
            while held is not None and _value_place(held) < _value_place(entry):
                held = next(have, None)
            lacking += held != entry
    return lacking


def _value_place(entry: tuple[str, str, int]) -> tuple[str, bytes]:
    return entry[0], entry[1].encode()


def _id(raw: Any) -> str:
    return id_text(raw) if isinstance(raw, bytes) and len(raw) == 16 else ascii(raw)
