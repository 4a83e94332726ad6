"""Indexing: what rows give to the inverted index and the dictionary, written once per batch.

The index keeps no text, so an entry can be removed only by the exact tokens it was made with:
they are derived again from the stored row, and only the tokens that differ are written.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from execmeta.store.sql.dictionary import Dictionary
from execmeta.store.sql.parts import DAY_US, FIELDS, KeySet, PartCache
from execmeta.store.sql.rows import SELECT_ROW, Row
from execmeta.store.sql.sealing import Sealer
from execmeta.store.tokens import Entry, entry_of, id_token


class Indexer:
    """Collects what the rows of one batch change in the derived data, then writes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._dictionary = Dictionary(connection)
        self._cache = PartCache()
        self._sealer = Sealer(connection, self._tokens_at)
        self._generation = ""
        self._span: tuple[int, int] | None = None
        """Days that property `days` covers for sure."""
        self._reset()

    def begin(self, generation: str) -> None:
        """Start a transaction; forgets what a rebuild since the last one may have taken away.

        Args:
            generation: another text after each rebuild, read inside the transaction.
        """
        if generation != self._generation:
            self.forget()
            self._generation = generation

    def forget(self) -> None:
        """Drop what was collected and what was remembered, as after a rollback."""
        self._reset()
        self._span = None
        self._generation = ""
        self._cache.forget()
        self._dictionary.forget()

    def _reset(self) -> None:
        self._changes: list[tuple[str | None, int, str]] = []
        self._entries: dict[str, Entry] = {}
        self._rows: Counter[str] = Counter()
        self._key_sets: Counter[KeySet] = Counter()
        self._overflow = 0
        self._starts: list[int] = []
        self._cache.noted.clear()

    def add_fresh(
        self, row: tuple[Any, ...], metadata: dict[str, Any], attributes: dict[str, Any]
    ) -> None:
        """A row seen for the first time, with the documents that its text was made of."""
        cache = self._cache
        texts = [cache.head(row)]
        counted = [FIELDS]
        for letter, document in (("m", metadata), ("a", attributes)):
            if document:
                flat = cache.flat(letter, document)
                if flat is None:
                    self.add(row)
                    return
                texts += flat[0]
                texts.append(flat[1].tokens)
                counted.append(flat[1])
        if row[15] is not None:
            self.add(row)
            return
        for keys in counted:
            self._key_sets[keys] += 1
        self._changes.append((None, row[0], " ".join(texts)))
        self._starts.append(row[7])

    def add(self, row: tuple[Any, ...]) -> None:
        """A row that was no visible one before."""
        parts = self._cache.parts(row)
        self._changes.append((None, row[0], parts.text))
        self._starts.append(row[7])
        self._rows.update(parts.keys)
        self._entries.update((id_token(entry.id), entry) for entry in parts.entries)
        self._overflow += parts.overflow

    def change(self, old: Row, new: Row) -> None:
        """A row that was visible before."""
        if (old[12], old[13], old[15]) == (new[12], new[13], new[15]):
            self._replace(new, self._cache.head(old), self._cache.head(new))
            return
        before, after = self._cache.parts(old), self._cache.parts(new)
        self._replace(new, before.text, after.text)
        self._rows.subtract(before.keys)
        self._rows.update(after.keys)
        self._entries.update((id_token(entry.id), entry) for entry in after.entries)
        self._overflow += after.overflow - before.overflow

    def _replace(self, new: Row, before: str, after: str) -> None:
        had, has = set(before.split()), set(after.split())
        if had != has:
            # Always in pairs: the index counts its rows by them.
            self._changes.append(("delete", new.tid, " ".join(sorted(had - has))))
            self._changes.append((None, new.tid, " ".join(sorted(has - had))))
            self._starts.append(new.started_at or 0)

    def write(self) -> None:
        """Write what was collected, inside the caller's transaction."""
        # Ascending: a smaller row id than the last one makes FTS5 flush what it has gathered.
        self._changes.sort(key=lambda change: (change[1], change[0] is None))
        many = self._connection.executemany
        if any(change[0] for change in self._changes):
            many("INSERT INTO tok (tok, rowid, t) VALUES (?, ?, ?)", self._changes)
        else:
            # To bind a None is slow.
            added = [change[1:] for change in self._changes]
            many("INSERT INTO tok (rowid, t) VALUES (?, ?)", added)
        seen = self._dictionary.seen
        for token, value in self._cache.noted.items():
            if token not in seen:
                self._entries[token] = entry_of(*value, token)
        for keys, count in self._key_sets.items():
            for name in keys.names:
                self._rows[name] += count
        self._dictionary.write(self._entries, self._rows)
        if self._overflow:
            self._connection.execute(
                "INSERT INTO property (name, value) VALUES ('overflow', ?) ON CONFLICT (name) "
                "DO UPDATE SET value = CAST(value AS INTEGER) + CAST(excluded.value AS INTEGER)",
                (str(self._overflow),),
            )
        if self._starts:
            self._write_days(min(self._starts) // DAY_US, max(self._starts) // DAY_US)
        self._sealer.follow(self._changes)
        self._reset()

    def _tokens_at(self, tids: Sequence[int]) -> Iterator[str]:
        marks = ", ".join("?" * len(tids))
        for row in self._connection.execute(f"{SELECT_ROW} WHERE e.tid IN ({marks})", tids):
            yield self._cache.parts(row).text

    def _write_days(self, first: int, last: int) -> None:
        """Widen property `days`, the first and last UTC day with a start."""
        if self._span and self._span[0] <= first and last <= self._span[1]:
            return
        row = self._connection.execute("SELECT value FROM property WHERE name = 'days'").fetchone()
        known = [int(day) for day in row[0].split()] if row else []
        first, last = min([first, *known]), max([last, *known])
        self._connection.execute(
            "REPLACE INTO property (name, value) VALUES ('days', ?)", (f"{first} {last}",)
        )
        self._span = first, last
