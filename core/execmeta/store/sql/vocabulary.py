"""Vocabulary: what the value dictionary knows of a key, and which tokens a range or glob means."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from execmeta.filters.bound import Compare, Glob, Path
from execmeta.filters.glob import glob_matcher, literal_prefix, pieces
from execmeta.model.limits import MAX_TOKENS
from execmeta.model.values import number_of
from execmeta.store.sql.where import is_storable_text
from execmeta.store.tokens import LETTERS, SEVERAL, STRING, Entry, id_token

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
        # A value that no dictionary holds would have made this one incomplete.
        return [
            entry
            for entry in wanted
            if entry.storable and self._holds(entry.key, entry.vtype, entry.text or "")
        ]

    def _holds(self, key: str, vtype: str, text: str) -> bool:
        if not (is_storable_text(text) and is_storable_text(key)):
            return False
        found = self._connection.execute(
            "SELECT 1 FROM kv WHERE key = ? AND vtype = ? AND value_text = ?", (key, vtype, text)
        )
        return found.fetchone() is not None

    def is_single(self, path: Path) -> bool:
        """Whether every execution has at most one scalar at `path`, and nothing else."""
        key = f"{LETTERS[path.space]}:{path.key}"
        return self.complete(path) and not self._holds(key, SEVERAL, "")

    def distinct(self, path: Path) -> int:
        """Number of values that the dictionary holds for `path`."""
        key = f"{LETTERS[path.space]}:{path.key}"
        row = self._connection.execute("SELECT n FROM kv_key WHERE key = ?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def tokens(self, nodes: Sequence[Compare | Glob]) -> list[str] | None:
        """Tokens of every value that passes all comparisons, which are of one path; None when
        there are more than `limits.MAX_TOKENS` or the dictionary is not complete."""
        path = nodes[0].path
        if not self.complete(path):
            return None
        tests = [_test_of(node) for node in nodes]
        if None in tests:
            return []
        key = f"{LETTERS[path.space]}:{path.key}"
        conditions = " AND ".join(test.text for test in tests if test)
        found = self._connection.execute(
            f"SELECT id, value_text FROM kv WHERE key = ? AND {conditions}",
            (key, *(value for test in tests if test for value in test.parameters)),
        )
        tokens: list[str] = []
        for entry, text in found:
            if all(test.passes(text) for test in tests if test):
                if len(tokens) == MAX_TOKENS:
                    return None
                tokens.append(id_token(entry))
        return tokens


class _Test(NamedTuple):
    """A comparison as a condition on the dictionary, and the exact test behind it."""

    text: str
    parameters: tuple[Any, ...]
    passes: Callable[[str], bool]


def _test_of(node: Compare | Glob) -> _Test | None:
    """None when nothing can pass."""
    if isinstance(node, Glob):
        return _glob_test(node.pattern)
    compare, bound, op = _COMPARE[node.op], node.bound, node.op
    if isinstance(bound, str):
        if not is_storable_text(bound):
            return None
        return _Test(f"vtype = ? AND value_text {op} ?", (STRING, bound), lambda text: True)

    def passes(text: str) -> bool:
        number = number_of(text)
        return number is not None and compare(number, bound)

    # Rounding to float64 keeps the order, so equality is let in here and settled by the test.
    return _Test(f"value_num {op[0]}= ?", (_float(bound),), passes)


def _glob_test(pattern: str) -> _Test | None:
    prefix = literal_prefix(pattern)
    if not is_storable_text(prefix):
        return None
    text = "vtype = ?"
    parameters: list[Any] = [STRING]
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
    return _Test(text, tuple(parameters), glob_matcher(pattern))


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
