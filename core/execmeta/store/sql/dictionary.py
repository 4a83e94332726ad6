"""Dictionary: every typed value once per key, so that glob, range and `not` become tokens.

`kv` holds the values, found by key, type and text: their `id` only makes the token, and a B-tree
by that would double the cost of a new value. `kv_key` holds per key how many values there are,
whether collecting stopped (`capped`) and how many executions have the key (`rows`; that of
`f:status` is the number of all visible executions). Entries of values that no execution has any
more stay until `db reindex`. Source: storage.md §2.1.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from execmeta.store.tokens import Entry, id_token

MAX_VALUES: Final = 200_000
"""Values collected per key: a key with more is no candidate for glob and range by dictionary."""
_MAX_SEEN: Final = 200_000
"""Entries remembered per connection, about 16 MB."""


class Dictionary:
    """Keeps `kv` and `kv_key` of one connection up to date, without reading values back."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.seen: set[str] = set()
        """Tokens of entries that are stored for sure."""
        self._capped: set[str] = set()

    def forget(self) -> None:
        """Trust nothing that was remembered, as after a rollback."""
        self.seen.clear()
        self._capped.clear()

    def write(self, entries: Mapping[str, Entry], rows: Mapping[str, int]) -> None:
        """Store entries that may be new, and change the number of executions per key.

        Args:
            entries: token to entry.
            rows: dictionary key to executions that have it now and had it not before, or minus.
        """
        if len(self.seen) > _MAX_SEEN:
            self.seen.clear()
        found: dict[str, list[Entry]] = defaultdict(list)
        for token, entry in entries.items():
            if token not in self.seen and entry.key not in self._capped:
                found[entry.key].append(entry)
        for key, values in found.items():
            self._write_values(key, values)
        self._connection.executemany(
            'INSERT INTO kv_key (key, "rows") VALUES (?, ?) '
            'ON CONFLICT (key) DO UPDATE SET "rows" = "rows" + excluded."rows"',
            [(key, change) for key, change in rows.items() if change],
        )

    def _write_values(self, key: str, values: list[Entry]) -> None:
        execute = self._connection.execute
        row = execute("SELECT n, capped FROM kv_key WHERE key = ?", (key,)).fetchone()
        count, capped = row or (0, 0)
        storable = [entry for entry in values if entry.storable]
        full = count + len(storable) > MAX_VALUES
        if full:
            # Exact near the limit, where some of them are stored already.
            storable = [entry for entry in storable if not self._is_stored(entry)]
            storable = storable[: MAX_VALUES - count]
        added = 0
        if storable and not capped:
            # One with a number and one without: to bind a None is slow.
            many = self._connection.executemany
            insert = "INSERT OR IGNORE INTO kv (id, key, vtype, value_text"
            numbers = [
                (*entry[:3], entry.text or "", entry.number)
                for entry in storable
                if entry.number is not None
            ]
            texts = [(*entry[:3], entry.text or "") for entry in storable if entry.number is None]
            added = many(f"{insert}, value_num) VALUES (?, ?, ?, ?, ?)", numbers).rowcount
            added += many(f"{insert}) VALUES (?, ?, ?, ?)", texts).rowcount
            self.seen.update(id_token(entry.id) for entry in storable)
        stop = capped or len(storable) < len(values)
        if added or stop > capped or row is None:
            execute(
                "INSERT INTO kv_key (key, n, capped) VALUES (?, ?, ?) ON CONFLICT (key) "
                "DO UPDATE SET n = n + excluded.n, capped = max(capped, excluded.capped)",
                (key, added, int(stop)),
            )
        if stop:
            self._capped.add(key)

    def _is_stored(self, entry: Entry) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM kv WHERE key = ? AND vtype = ? AND value_text = ?",
            (entry.key, entry.vtype, entry.text or ""),
        )
        return found.fetchone() is not None
