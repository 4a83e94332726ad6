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

from execmeta.store.tokens import STRING, Entry

MAX_VALUES: Final = 200_000
"""Values collected per key: a key with more is no candidate for glob and range by dictionary."""
_MAX_SEEN: Final = 200_000
"""Entries remembered per connection, about 16 MB."""


class Dictionary:
    """Keeps `kv` and `kv_key` of one connection up to date, without reading values back."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.seen: set[str] = set()
        """Tokens of entries that are stored, or were too many or too long to be."""
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
        seen, capped = self.seen, self._capped
        found: dict[str, list[Entry]] = defaultdict(list)
        for token, entry in entries.items():
            if token not in seen and entry.key not in capped:
                found[entry.key].append(entry)
        for key, values in found.items():
            self._write_values(key, values)
        seen.update(entries)
        self._connection.executemany(
            'INSERT INTO kv_key (key, "rows") VALUES (?, ?) '
            'ON CONFLICT (key) DO UPDATE SET "rows" = "rows" + excluded."rows"',
            [(key, change) for key, change in rows.items() if change],
        )

    def _write_values(self, key: str, values: list[Entry]) -> None:
        """Store entries of one key; stop collecting for it when one of them has no place."""
        execute = self._connection.execute
        row = execute("SELECT n, capped FROM kv_key WHERE key = ?", (key,)).fetchone()
        count, capped = row or (0, 0)
        wanted = [entry for entry in values if entry.text is not None or entry.vtype != STRING]
        stop = bool(capped) or len(wanted) < len(values)
        if count + len(wanted) > MAX_VALUES:
            # Exact near the limit, where some of them are stored already.
            wanted = [entry for entry in wanted if not self._is_stored(entry)]
            stop = stop or count + len(wanted) > MAX_VALUES
            wanted = wanted[: MAX_VALUES - count]
        added = 0 if capped else self._insert(wanted)
        if added or stop > capped or row is None:
            execute(
                "INSERT INTO kv_key (key, n, capped) VALUES (?, ?, ?) ON CONFLICT (key) "
                "DO UPDATE SET n = n + excluded.n, capped = max(capped, excluded.capped)",
                (key, added, int(stop)),
            )
        if stop:
            self._capped.add(key)

    def _insert(self, entries: list[Entry]) -> int:
        """Store entries of one key that may be stored already; how many were not."""
        # In the order of the B-tree; those without a number apart, as to bind a None is slow.
        entries.sort(key=lambda entry: (entry.vtype, entry.text or ""))
        plain = [(*entry[:3], entry.text or "") for entry in entries if entry.number is None]
        numbered = [entry for entry in entries if entry.number is not None]
        many = self._connection.executemany
        insert = "INSERT OR IGNORE INTO kv (id, key, vtype, value_text"
        added: int = many(f"{insert}) VALUES (?, ?, ?, ?)", plain).rowcount
        added += many(f"{insert}, value_num) VALUES (?, ?, ?, ?, ?)", numbered).rowcount
        return added

    def _is_stored(self, entry: Entry) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM kv WHERE key = ? AND vtype = ? AND value_text = ?",
            (entry.key, entry.vtype, entry.text or ""),
        )
        return found.fetchone() is not None
