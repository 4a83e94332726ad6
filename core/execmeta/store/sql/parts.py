"""Parts: which tokens, keys and dictionary entries a stored row gives to the index."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, NamedTuple, cast

from execmeta.model.execution import TOP_KINDS
from execmeta.store.tokens import (
    ALL,
    EMPTY,
    MAX_NODES,
    OVERFLOW,
    TOP,
    Entry,
    Part,
    day_token,
    has_token,
    part_of_document,
    part_of_item,
    trace_token,
    value_token,
)

_MAX_CACHED: Final = 50_000
"""Values whose token is remembered per space, about 12 MB when full."""
_MAX_KEY_SETS: Final = 1_000
DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """The names in one flat document; compared by identity, as it is counted by."""

    tokens: str
    """Of presence, separated by spaces."""
    names: tuple[str, ...]
    """In the dictionary."""


FIELDS: Final = KeySet("", ("f:kind", "f:name", "f:status"))
"""What every execution has, so that its presence needs no token."""


class Parts(NamedTuple):
    """Everything a visible row gives to the index."""

    head: str
    """Tokens of the fields."""
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
        texts = [self.head]
        texts += [part.tokens for part in self[1:] if part is not EMPTY]
        if self.overflow:
            texts.append(OVERFLOW)
        return " ".join(texts)

    @property
    def keys(self) -> Iterable[str]:
        """Dictionary keys that the row has."""
        return chain(FIELDS.names, *(part.keys for part in self[1:]))

    @property
    def entries(self) -> Iterable[Entry]:
        """Dictionary entries of what stands in containers; those of fields and of plain values
        are in `PartCache.noted`, unless they were remembered."""
        return chain.from_iterable(part.entries for part in self[1:])


class PartCache:
    """Tokens of documents; remembers those of values and of sets of keys."""

    def __init__(self) -> None:
        self._values: dict[str, dict[tuple[str, Any], str]] = {"m": {}, "a": {}, "f": {}}
        self._key_sets: dict[str, dict[tuple[str, ...], KeySet]] = {"m": {}, "a": {}}
        self._named: dict[tuple[str, str, str], str] = {}
        self._days: dict[int, str] = {}
        self.noted: dict[str, tuple[str, str, Any]] = {}
        """Token to (space letter, path, value) of scalars that were not remembered."""

    def forget(self) -> None:
        """Remember no value, so that each is noted anew."""
        for values in self._values.values():
            values.clear()
        self._named.clear()
        self.noted.clear()

    def head(self, row: tuple[Any, ...]) -> str:
        """Tokens of the fields."""
        _, raw_id, parent_tid, _, kind, name, status, started_at, *_ = row
        number = started_at // DAY_US
        day = self._days.get(number)
        if day is None:
            day = self._days[number] = f"{ALL} {day_token(started_at)}"
        named = self._named.get((kind, name, status))
        if named is None:
            if len(self._named) > _MAX_CACHED:
                self._named.clear()
            document = {"kind": kind, "name": name, "status": status}
            named = self._named[kind, name, status] = " ".join(self._tokens("f", document))
        top = f" {TOP}" if parent_tid is None or kind in TOP_KINDS else ""
        trace = f" {trace_token(row[19].hex())}" if row[19] else ""
        return f"{day}{top} t{raw_id[-3:].hex()}{trace} {named}"

    def flat(self, letter: str, document: dict[str, Any]) -> tuple[list[str], KeySet] | None:
        """Tokens of the values, in their order, and the keys of a document without containers;
        None for one with containers or with too many keys."""
        names = tuple(document)
        keys = self._key_sets[letter].get(names)
        if keys is None:
            if len(names) > MAX_NODES:
                return None
            if len(self._key_sets[letter]) > _MAX_KEY_SETS:
                self._key_sets[letter].clear()
            keys = self._key_sets[letter][names] = KeySet(
                " ".join(has_token(letter, name) for name in names),
                tuple(f"{letter}:{name}" for name in names),
            )
        try:
            return self._tokens(letter, document), keys
        except TypeError:  # A list or an object has no hash.
            return None

    def _tokens(self, letter: str, document: dict[str, Any]) -> list[str]:
        values = self._values[letter]
        found = [values.get(item) for item in document.items()]
        if None in found:
            if len(values) > _MAX_CACHED:
                values.clear()
            for place, item in enumerate(document.items()):
                if found[place] is None:
                    found[place] = token = value_token(letter, *item)
                    self.noted[token] = (letter, *item)
                    # A dict takes 1, 1.0 and True for one key: those are computed every time.
                    if isinstance(item[1], str) or item[1] not in (0, 1):
                        values[item] = token
        return cast("list[str]", found)

    def parts(self, row: tuple[Any, ...]) -> Parts:
        """Of a row that is no stub."""
        text_m, text_a, text_i = row[12], row[13], row[15]
        return Parts(
            self.head(row),
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
        return Part(" ".join([*tokens, keys.tokens]), (), keys.names)
