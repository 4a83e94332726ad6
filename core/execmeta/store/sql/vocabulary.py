"""Vocabulary: what the value dictionary knows of a key, and which tokens a range or glob means."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from execmeta.filters.bound import Compare, Glob, Path
from execmeta.filters.glob import glob_matcher, literal_prefix, pieces
from execmeta.model.limits import MAX_TOKENS
from execmeta.model.values import number_of
from execmeta.store.sql.where import is_storable_text
from execmeta.store.tokens import LETTERS, STRING, Entry, id_token

_MAX_STARS: Final = 3
"""SQLite's own GLOB goes back over every star; with more of them ours is safer."""
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Vocabulary:
    """Reads the dictionary of one database; made anew for each query."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._overflow: bool | None = None
        self._complete: dict[str, bool] = {}

    @property
    def overflow(self) -> bool:
        """Whether some executions have more values than the index took in."""
        if self._overflow is None:
            row = self._connection.execute(
                "SELECT value FROM property WHERE name = 'overflow'"
            ).fetchone()
            self._overflow = row is not None and int(row[0]) > 0
        return self._overflow

    @property
    def days(self) -> tuple[int, int] | None:
        """First and last UTC day, since 1970, on which any execution started; None when it is
        not known."""
        row = self._connection.execute("SELECT value FROM property WHERE name = 'days'").fetchone()
        if row is None:
            return None
        first, last = row[0].split()
        return int(first), int(last)

    def complete(self, path: Path) -> bool:
        """Whether the dictionary holds every value at `path`."""
        key = f"{LETTERS[path.space]}:{path.key}"
        known = self._complete.get(key)
        if known is None:
            row = (
                self._connection.execute(
                    "SELECT capped FROM kv_key WHERE key = ?", (key,)
                ).fetchone()
                if is_storable_text(key)
                else None
            )
            known = self._complete[key] = row is None or not row[0]
        return known

    def present(self, path: Path, entries: Iterable[Entry]) -> list[Entry]:
        """Those of the entries of `path` that any execution has ever had."""
        wanted = list(entries)
        if not self.complete(path):
            return wanted
        return [entry for entry in wanted if entry.storable and self._is_stored(entry)]

    def _is_stored(self, entry: Entry) -> bool:
        text = entry.text or ""
        if not (is_storable_text(text) and is_storable_text(entry.key)):
            return False
        found = self._connection.execute(
            "SELECT 1 FROM kv WHERE key = ? AND vtype = ? AND value_text = ?",
            (entry.key, entry.vtype, text),
        )
        return found.fetchone() is not None

    def tokens(self, node: Compare | Glob) -> list[str] | None:
        """Tokens of every value that passes a comparison; None when there are more than
        `limits.MAX_TOKENS` or the dictionary is not complete."""
        if not self.complete(node.path):
            return None
        key = f"{LETTERS[node.path.space]}:{node.path.key}"
        if isinstance(node, Glob):
            found = self._globbed(key, node.pattern)
        elif isinstance(node.bound, str):
            found = self._after(key, node.op, node.bound)
        else:
            found = self._beyond(key, node.op, node.bound)
        tokens: list[str] = []
        for entry in found:
            if len(tokens) == MAX_TOKENS:
                return None
            tokens.append(id_token(entry))
        return tokens

    def _globbed(self, key: str, pattern: str) -> Iterator[int]:
        matches = glob_matcher(pattern)
        prefix = literal_prefix(pattern)
        if not is_storable_text(prefix):
            return
        text = "key = ? AND vtype = ?"
        parameters: list[Any] = [key, STRING]
        if prefix:
            text += " AND value_text >= ?"
            parameters.append(prefix)
            if (behind := _behind(prefix)) is not None:
                text += " AND value_text < ?"
                parameters.append(behind)
        if pattern.count("*") <= _MAX_STARS and is_storable_text(pattern):
            # SQLite's GLOB stops at a NUL character, ours does not.
            text += " AND (value_text GLOB ? OR instr(value_text, char(0)))"
            parameters.append(_sqlite_glob(pattern))
        for entry, value in self._entries(text, parameters):
            if value is not None and matches(value):
                yield entry

    def _after(self, key: str, op: str, bound: str) -> Iterator[int]:
        if is_storable_text(bound):
            text = f"key = ? AND vtype = ? AND value_text {op} ?"
            for entry, _ in self._entries(text, (key, STRING, bound)):
                yield entry

    def _beyond(self, key: str, op: str, bound: int | float) -> Iterator[int]:
        # Rounding to float64 keeps the order, so equality is let in here and settled below.
        text = f"key = ? AND value_num {op[0]}= ?"
        for entry, value in self._entries(text, (key, _float(bound))):
            number = None if value is None else number_of(value)
            if number is not None and _COMPARE[op](number, bound):
                yield entry

    def _entries(self, text: str, parameters: Iterable[Any]) -> Iterator[tuple[int, str | None]]:
        return self._connection.execute(
            f"SELECT id, value_text FROM kv WHERE {text}", tuple(parameters)
        )


def _behind(prefix: str) -> str | None:
    """The least text after all that begin with `prefix`; None when there is none that simple."""
    last = ord(prefix[-1])
    # Neither behind the last code point nor into the surrogates.
    return None if last in (0x10FFFF, 0xD7FF) else prefix[:-1] + chr(last + 1)


def _float(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _sqlite_glob(pattern: str) -> str:
    literal = {"*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(
        text if kind != "text" else "".join(literal.get(char, char) for char in text)
        for kind, text in pieces(pattern)
    )
