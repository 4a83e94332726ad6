"""Indexing: what rows give to the inverted index and the dictionary, written once per batch.

The index keeps no text, so an entry can be removed only by the exact tokens it was made with:
they are derived again from the stored row, and only the tokens that differ are written.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, NamedTuple, cast

from execmeta.model.execution import TOP_KINDS
from execmeta.store.sql.dictionary import Dictionary
from execmeta.store.sql.rows import SELECT_ROW, Row
from execmeta.store.sql.sealing import Sealer
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
    value_token,
)

_MAX_CACHED: Final = 50_000
"""Values whose token is remembered per space, about 12 MB when full."""
_MAX_KEY_SETS: Final = 1_000
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """The names in one flat document; compared by identity, as it is counted by."""

    tokens: str
    """Of presence, separated by spaces."""
    names: tuple[str, ...]
    """In the dictionary."""


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


def named_fields(row: tuple[Any, ...]) -> dict[str, Any]:
    """The fields with tokens of their own."""
    return {"kind": row[4], "name": row[5], "status": row[6]}


class PartCache:
    """Tokens of documents; remembers those of values and of sets of keys."""

    def __init__(self) -> None:
        self._values: dict[str, dict[tuple[str, Any], str]] = {"m": {}, "a": {}, "f": {}}
        self._key_sets: dict[str, dict[tuple[str, ...], KeySet]] = {"m": {}, "a": {}, "f": {}}
        self._days: dict[int, str] = {}

    def head(self, row: tuple[Any, ...]) -> str:
        """Tokens of what is neither a field by name nor in a document."""
        _, raw_id, parent_tid, _, kind, _, _, started_at, *_ = row
        number = started_at // _DAY_US
        day = self._days.get(number)
        if day is None:
            day = self._days[number] = f"{ALL} {day_token(started_at)}"
        top = f" {TOP}" if parent_tid is None or kind in TOP_KINDS else ""
        return f"{day}{top} t{raw_id[-3:].hex()}"

    def flat(self, letter: str, document: dict[str, Any]) -> tuple[list[str], KeySet] | None:
        """Tokens of the values, in their order, and the keys of a document without containers;
        None for one with containers or with too many keys."""
        values = self._values[letter]
        try:
            found = [values.get(item) for item in document.items()]
        except TypeError:  # A list or an object has no hash.
            return None
        names = tuple(document)
        keys = self._key_sets[letter].get(names)
        if keys is None:
            if len(names) > MAX_NODES:
                return None
            if len(self._key_sets[letter]) > _MAX_KEY_SETS:
                self._key_sets[letter].clear()
            keys = self._key_sets[letter][names] = KeySet(
                # Every execution has the fields.
                "" if letter == "f" else " ".join(has_token(letter, name) for name in names),
                tuple(f"{letter}:{name}" for name in names),
            )
        if None in found:
            if len(values) > _MAX_CACHED:
                values.clear()
            for place, item in enumerate(document.items()):
                if found[place] is None:
                    found[place] = token = value_token(letter, *item)
                    # A dict takes 1, 1.0 and True for one key: those are computed every time.
                    if isinstance(item[1], str) or item[1] not in (0, 1):
                        values[item] = token
        return cast("list[str]", found), keys

    def parts(self, row: tuple[Any, ...]) -> Parts:
        """Of a row that is no stub."""
        text_m, text_a, text_i = row[12], row[13], row[15]
        return Parts(
            self.head(row),
            part_of_fields(row[4], row[5], row[6]),
            self._part("m", text_m),
            self._part("a", text_a),
            part_of_item(json.loads(text_i).get("item")) if text_i else EMPTY,
        )

    def _part(self, letter: str, text: str | None) -> Part:
        if text is None:
            return EMPTY
        document = json.loads(text)
        flat = self.flat(letter, document)
        if flat is None:
            return part_of_document(letter, document)
        tokens, keys = flat
        entries = tuple(entry_of(letter, *item) for item in document.items())
        return Part(" ".join([*tokens, keys.tokens]), entries, keys.names)


class Indexer:
    """Collects what the rows of one batch change in the derived data, then writes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.dictionary = Dictionary(connection)
        self._cache = PartCache()
        self._sealer = Sealer(connection, self._tokens_at)
        self._span: tuple[int, int] | None = None
        """Days that property `days` covers for sure."""
        self.reset()

    def reset(self) -> None:
        """Drop what was collected."""
        self._changes: list[tuple[str | None, int, str]] = []
        self._values: dict[str, tuple[str, str, Any]] = {}
        """Token to (space letter, path, value) of scalars that may be new."""
        self._entries: dict[str, Entry] = {}
        self._rows: Counter[str] = Counter()
        self._key_sets: Counter[KeySet] = Counter()
        self._overflow = 0
        self._starts: list[int] = []

    def forget(self) -> None:
        """Drop what was collected and what was remembered, as after a rollback."""
        self.reset()
        self._span = None
        self.dictionary.forget()

    def add_fresh(
        self, row: tuple[Any, ...], metadata: dict[str, Any], attributes: dict[str, Any]
    ) -> None:
        """A row seen for the first time, with the documents that its text was made of."""
        cache, seen = self._cache, self.dictionary.seen
        documents = [("f", named_fields(row))]
        if metadata:
            documents.append(("m", metadata))
        if attributes:
            documents.append(("a", attributes))
        flats = [cache.flat(letter, document) for letter, document in documents]
        if row[15] is not None or None in flats:
            self.add(row)
            return
        texts = [cache.head(row)]
        for place, flat in zip(documents, flats, strict=True):
            assert flat is not None  # noqa: S101  (looked for above)
            tokens, keys = flat
            if not seen.issuperset(tokens):
                self._note_values(*place, tokens)
            texts += tokens
            texts.append(keys.tokens)
            self._key_sets[keys] += 1
        self._changes.append((None, row[0], " ".join(texts)))
        self._starts.append(row[7])

    def _note_values(self, letter: str, document: dict[str, Any], tokens: list[str]) -> None:
        for token, item in zip(tokens, document.items(), strict=True):
            if token not in self.dictionary.seen:
                self._values[token] = (letter, *item)

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
            self._change_head(old, new)
            return
        before, after = self._cache.parts(old), self._cache.parts(new)
        self._replace(new, before.text, after.text)
        self._rows.subtract(before.keys)
        self._rows.update(after.keys)
        self._entries.update((id_token(entry.id), entry) for entry in after.entries)
        self._overflow += after.overflow - before.overflow

    def _change_head(self, old: Row, new: Row) -> None:
        """A row whose documents stay as they are."""
        texts = []
        for row in (old, new):
            named = named_fields(row)
            tokens, _ = cast(Any, self._cache.flat("f", named))
            texts.append(f"{self._cache.head(row)} {' '.join(tokens)}")
        self._note_values("f", named, tokens)
        self._replace(new, *texts)

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
        for token, value in self._values.items():
            self._entries[token] = entry_of(*value)
        for keys, count in self._key_sets.items():
            for key in keys.names:
                self._rows[key] += count
        self.dictionary.write(self._entries, self._rows)
        if self._overflow:
            self._connection.execute(
                "INSERT INTO property (name, value) VALUES ('overflow', ?) ON CONFLICT (name) "
                "DO UPDATE SET value = CAST(value AS INTEGER) + CAST(excluded.value AS INTEGER)",
                (str(self._overflow),),
            )
        if self._starts:
            self._write_days(min(self._starts) // _DAY_US, max(self._starts) // _DAY_US)
        self._sealer.follow(self._changes)
        self.reset()

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
