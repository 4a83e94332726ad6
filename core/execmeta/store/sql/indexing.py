"""Indexing: what rows give to the inverted index and the dictionary, written once per batch.

The index keeps no text, so an entry can be removed only by the exact tokens it was made with:
they are derived again from the stored row, and only the tokens that differ are written.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final, NamedTuple

from execmeta.model.execution import TOP_KINDS
from execmeta.store.sql.dictionary import Dictionary
from execmeta.store.sql.rows import Row
from execmeta.store.tokens import (
    ALL,
    EMPTY,
    MAX_NODES,
    OVERFLOW,
    TOP,
    Entry,
    Part,
    day_token,
    entry_of,
    has_token,
    id_token,
    part_of_document,
    part_of_fields,
    part_of_item,
)

_MAX_CACHED: Final = 50_000
"""Values whose token is remembered per space, about 20 MB when full."""
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


class Parts(NamedTuple):
    """Everything a visible row gives to the index."""

    head: str
    fields: Part
    metadata: Part
    attributes: Part
    item: Part

    @property
    def overflow(self) -> bool:
        """Whether some tokens are missing."""
        return self.metadata.overflow or self.attributes.overflow or self.item.overflow

    @property
    def text(self) -> str:
        """All tokens, separated by spaces."""
        texts = [self.head, self.fields.tokens]
        texts += [part.tokens for part in self[2:] if part is not EMPTY]
        if self.overflow:
            texts.append(OVERFLOW)
        return " ".join(texts)

    @property
    def keys(self) -> Iterable[str]:
        """Dictionary keys that the row has."""
        return chain.from_iterable(part.keys for part in self[1:])

    @property
    def entries(self) -> Iterable[Entry]:
        """Dictionary entries of the row."""
        return chain.from_iterable(part.entries for part in self[1:])


class PartCache:
    """Tokens of documents; remembers those of values and of sets of keys."""

    def __init__(self) -> None:
        self._values: dict[str, dict[Any, tuple[str, Entry]]] = {"m": {}, "a": {}}
        self._keys: dict[str, dict[tuple[str, ...], tuple[str, tuple[str, ...]]]]
        self._keys = {"m": {}, "a": {}}
        self._fields: dict[tuple[str, str, str], Part] = {}
        self._heads: dict[int, str] = {}

    def parts(self, row: tuple[Any, ...], metadata: Any = None, attributes: Any = None) -> Parts:
        """Of a row that is no stub; the documents are read from its text when not given."""
        (_, raw_id, parent_tid, _, kind, name, status, started_at, *_) = row
        day = started_at // 86_400_000_000
        head = self._heads.get(day)
        if head is None:
            head = self._heads[day] = f"{ALL} {day_token(started_at)}"
        if parent_tid is None or kind in TOP_KINDS:
            head += f" {TOP}"
        head += f" t{raw_id.hex()[-6:]}"
        named = (kind, name, status)
        fields = self._fields.get(named)
        if fields is None:
            if len(self._fields) > _MAX_CACHED:
                self._fields.clear()
            fields = self._fields[named] = part_of_fields(kind, name, status)
        text_m, text_a, text_i = row[12], row[13], row[15]
        return Parts(
            head,
            fields,
            self.document("m", text_m, metadata) if text_m else EMPTY,
            self.document("a", text_a, attributes) if text_a else EMPTY,
            part_of_item(json.loads(text_i).get("item")) if text_i else EMPTY,
        )

    def document(self, letter: str, text: str, document: dict[str, Any] | None) -> Part:
        """Part of a document that is stored as `text`."""
        if document is None:
            document = json.loads(text)
        values = self._values[letter]
        tokens: list[str] = []
        entries: list[Entry] = []
        for key, value in document.items():
            kind = type(value)
            # 1, 1.0 and True are one key of a dict.
            slot = (key, value) if kind is str else (key, value, kind)
            found = values.get(slot) if kind in _SCALARS else None
            if found is None:
                if kind not in _SCALARS or len(document) > MAX_NODES:
                    # In the order of the stored text, in which the limit of nodes counts.
                    return part_of_document(letter, json.loads(text))
                if len(values) > _MAX_CACHED:
                    values.clear()
                entry = entry_of(letter, key, value)
                found = values[slot] = (id_token(entry.id), entry)
            tokens.append(found[0])
            entries.append(found[1])
        names = tuple(document)
        present = self._keys[letter].get(names)
        if present is None:
            if len(self._keys[letter]) > 1000:
                self._keys[letter].clear()
            present = self._keys[letter][names] = (
                " ".join(has_token(letter, name) for name in names),
                tuple(f"{letter}:{name}" for name in names),
            )
        tokens.append(present[0])
        return Part(" ".join(tokens), tuple(entries), present[1])


class Indexer:
    """Collects what the rows of one batch change in the derived data, then writes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.dictionary = Dictionary(connection)
        self._cache = PartCache()
        self.reset()

    def reset(self) -> None:
        """Drop what was collected."""
        self._changes: list[tuple[str | None, int, str]] = []
        self._entries: dict[int, Entry] = {}
        self._rows: Counter[str] = Counter()
        self._key_sets: Counter[tuple[str, ...]] = Counter()
        self._overflow = 0

    def forget(self) -> None:
        """Drop what was collected and what was remembered, as after a rollback."""
        self.reset()
        self.dictionary.forget()

    def add(self, row: tuple[Any, ...], metadata: Any = None, attributes: Any = None) -> None:
        """A row that was no visible one before."""
        parts = self._cache.parts(row, metadata, attributes)
        self._changes.append((None, row[0], parts.text))
        seen = self.dictionary.seen
        key_sets = self._key_sets
        for part in parts[1:]:
            if part is not EMPTY:
                key_sets[part.keys] += 1
                for entry in part.entries:
                    if entry.id not in seen:
                        self._entries[entry.id] = entry
        if parts.overflow:
            self._overflow += 1

    def change(self, old: Row, new: Row) -> None:
        """A row that was visible before."""
        before, after = self._cache.parts(old), self._cache.parts(new)
        had, has = set(before.text.split()), set(after.text.split())
        if had == has:
            return
        # Always in pairs: the index counts its rows by them.
        self._changes.append(("delete", new.tid, " ".join(sorted(had - has))))
        self._changes.append((None, new.tid, " ".join(sorted(has - had))))
        self._rows.subtract(before.keys)
        self._rows.update(after.keys)
        seen = self.dictionary.seen
        self._entries.update((entry.id, entry) for entry in after.entries if entry.id not in seen)
        self._overflow += after.overflow - before.overflow

    def write(self) -> None:
        """Write what was collected, inside the caller's transaction."""
        # Ascending: a smaller row id than the last one makes FTS5 flush what it has gathered.
        self._changes.sort(key=lambda change: (change[1], change[0] is None))
        self._connection.executemany(
            "INSERT INTO tok (tok, rowid, t) VALUES (?, ?, ?)", self._changes
        )
        for keys, count in self._key_sets.items():
            for key in keys:
                self._rows[key] += count
        self.dictionary.write(self._entries.values(), self._rows)
        if self._overflow:
            self._connection.execute(
                "INSERT INTO property (name, value) VALUES ('overflow', ?) ON CONFLICT (name) "
                "DO UPDATE SET value = CAST(value AS INTEGER) + CAST(excluded.value AS INTEGER)",
                (str(self._overflow),),
            )
        self.reset()
