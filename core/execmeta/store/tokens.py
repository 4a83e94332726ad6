"""Index tokens: the opaque words under which a store's inverted index finds an execution.

Pure and versioned: what was written with one version is removed from the index by the same one.
A visible execution has

- `a`; `p` when a list of scope `top` shows it; `d<day>` of its start; `t<last 6 hex digits>` of
  its id, so that an ending is found without an index of its own;
- `r<last 15 hex digits>` of its trace id: a B-tree by trace ids would dirty a page for nearly
  every execution;
- `v<hash>` of kind, name and status (space `f`);
- for metadata (`m`), attributes (`a`) and the iterator's item (`i`), at every dotted path:
  `h<hash>` for presence and `v<hash>` for each typed value, arrays element by element;
- `x` when a document has over `MAX_NODES` nodes: its tokens are then not complete.

All ways to spell a dotted path (`a.b` then `c`, `a` then `b.c`) join to one text, so one token
serves them all. Source: storage.md §2, with 60 bits per hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from execmeta.model.limits import MAX_VALUE_CHARS, MIN_REFERENCE_DIGITS
from execmeta.model.values import number_of

TOKENS_VERSION: Final = "1"
"""Changes when any token changes; a store with another one needs `db reindex`."""

ALL: Final = "a"
TOP: Final = "p"
OVERFLOW: Final = "x"
LETTERS: Final = {"field": "f", "meta": "m", "attr": "a", "item": "i"}
"""Space of a bound path to the letter in tokens and dictionary keys."""
MAX_NODES: Final = 256
"""Values and containers of one document that get tokens; more make the row `x`."""

STRING: Final = "s"
NUMBER: Final = "n"
BOOLEAN: Final = "b"
NULL: Final = "z"
SEVERAL: Final = "o"
"""An object or array stands at the path, or the path leads to more than one value. A key whose
dictionary has no entry of this type holds one scalar in every execution that has it."""

_DAY_US: Final = 86_400_000_000
_NUMBER_BEGINS: Final = frozenset("-0123456789")


class Entry(NamedTuple):
    """One typed value at one path: a row of the value dictionary."""

    id: int
    """60 bits; the value's token is `v` and this number in 15 hex digits."""
    key: str
    """`<space letter>:<path>`."""
    vtype: str
    """`STRING`, `NUMBER`, `BOOLEAN`, `NULL` or `SEVERAL`."""
    text: str | None
    """The string, the number in shortest form, `true` or `false`; None for the other types and
    for a string of over 1000 characters, which no dictionary holds."""
    number: float | None
    """Of a number, and of a string that spells one."""

    @property
    def storable(self) -> bool:
        """Whether glob and range can be answered from a dictionary with this entry."""
        return self.text is not None or self.vtype != STRING


class Part(NamedTuple):
    """What one document, or the fields, give to the index."""

    tokens: str
    """Separated by spaces, each once."""
    entries: tuple[Entry, ...]
    keys: tuple[str, ...]
    """Dictionary keys that are present, each once."""
    overflow: bool = False


EMPTY: Final = Part("", (), ())


def _digest(text: str) -> str:
    """15 hex digits of a hash. Shorter words of a larger base would take Python three times as
    long to spell, and the index keeps a word once per segment."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()[:15]


def has_token(letter: str, path: str) -> str:
    """Token of every execution in which something is present at `path`."""
    return f"h{_digest(f'{letter}:{path}')}"


def value_token(letter: str, path: str, value: str | int | float | bool | None) -> str:
    """Token of every execution with this typed value at `path`; 5 and 5.0 are one value."""
    return f"v{_digest(_spelling(letter, path, value))}"


def several_token(letter: str, path: str) -> str:
    """Token of every execution with more or other than one scalar at `path`."""
    return id_token(_several(letter, path).id)


def id_token(entry_id: int) -> str:
    """Token of a dictionary entry."""
    return f"v{entry_id:015x}"


def day_token(at_us: int) -> str:
    """Token of the UTC day of a time in microseconds since 1970."""
    return f"d{at_us // _DAY_US}"


def day_tokens(first_us: int, last_us: int) -> Iterable[str]:
    """Tokens of all days from one time to another, both included."""
    return (f"d{day}" for day in range(first_us // _DAY_US, last_us // _DAY_US + 1))


def tail_token(digits: str) -> str:
    """Token of the last 6 of at least 6 hex digits, which may be a whole id.

    >>> tail_token("0190a5d0-7c1e-7abc-8def-0123456789ab")
    't6789ab'
    """
    return f"t{digits[-MIN_REFERENCE_DIGITS:]}"


def trace_token(trace_id: str) -> str:
    """Token of every execution of a trace, by the part of its id that W3C wants random.

    >>> trace_token("4bf92f3577b34da6a3ce929d0e0e4736")
    'r3ce929d0e0e4736'
    """
    return f"r{trace_id[-15:]}"


def number_text(number: int | float) -> str:
    """One text per number: 5 and 5.0 are `5`, -0.0 is `0`."""
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    return repr(number)


def entry_of(
    letter: str, path: str, value: str | int | float | bool | None, token: str | None = None
) -> Entry:
    """The dictionary entry of a scalar; `token` is its token where that is at hand."""
    key = f"{letter}:{path}"
    spelling = _spelling(letter, path, value)
    vtype, text = spelling[len(key) + 1], spelling[len(key) + 2 :] or None
    number: int | float | None = None
    if isinstance(value, str):
        text = value if len(value) <= MAX_VALUE_CHARS else None
        if text and text[0] in _NUMBER_BEGINS:
            number = number_of(text)
    elif vtype == NUMBER:
        number = value
    digits = token[1:] if token else _digest(spelling)
    return Entry(int(digits, 16), key, vtype, text, _float(number))


def _spelling(letter: str, path: str, value: str | int | float | bool | None) -> str:
    """What is hashed: place, type and value, one text per value."""
    if isinstance(value, str):
        return f"{letter}:{path}\0s{value}"
    if value is None:
        return f"{letter}:{path}\0z"
    if isinstance(value, bool):
        return f"{letter}:{path}\0b{'true' if value else 'false'}"
    return f"{letter}:{path}\0n{number_text(value)}"


def _several(letter: str, path: str) -> Entry:
    key = f"{letter}:{path}"
    return Entry(int(_digest(f"{key}\0o"), 16), key, SEVERAL, None, None)


def _float(number: int | float | None) -> float | None:
    if number is None:
        return None
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def part_of_document(letter: str, document: dict[str, Any]) -> Part:
    """What metadata (`m`) or attributes (`a`) give to the index."""
    walk = _Walk(letter)
    for key, value in document.items():
        walk.visit(key, value, hit=True)
    return walk.part()


def part_of_item(item: Any) -> Part:
    """What an iterator's item gives; the item itself stands at the empty path."""
    if item is None:
        return EMPTY
    walk = _Walk("i")
    walk.visit("", item, hit=True)
    return walk.part()


def part_of_fields(kind: str, name: str, status: str) -> Part:
    """What the fields with tokens of their own give."""
    entries = (
        entry_of("f", "kind", kind),
        entry_of("f", "name", name),
        entry_of("f", "status", status),
    )
    tokens = " ".join(id_token(entry.id) for entry in entries)
    return Part(tokens, entries, tuple(entry.key for entry in entries))


class _Walk:
    """Collects the nodes of one document."""

    def __init__(self, letter: str) -> None:
        self._letter = letter
        self._nodes = 0
        self._paths: set[str] = set()
        self._entries: dict[int, Entry] = {}

    def visit(self, path: str, value: Any, *, hit: bool) -> None:
        """Take in a value. `hit`: a path ends at it; else it is an element of an array that
        stands there, which comparisons see and presence does not."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            return
        if hit:
            if path in self._paths:
                self._add(_several(self._letter, path))
            self._paths.add(path)
        if isinstance(value, dict):
            self._add(_several(self._letter, path))
            for key, inner in value.items():
                # `or not key`: the empty path is the item's own, never that of an empty name.
                inside = f"{path}.{key}" if path or not key else key
                self.visit(inside, inner, hit=True)
        elif isinstance(value, list):
            self._add(_several(self._letter, path))
            for inner in value:
                self.visit(path, inner, hit=False)
        elif hit or value is not None:
            # A null inside an array is compared with by nothing, and `is null` sees the array.
            self._add(entry_of(self._letter, path, value))

    def _add(self, entry: Entry) -> None:
        self._entries[entry.id] = entry

    def part(self) -> Part:
        """What was collected."""
        tokens = [has_token(self._letter, path) for path in sorted(self._paths)]
        tokens += [id_token(entry_id) for entry_id in self._entries]
        keys = tuple(f"{self._letter}:{path}" for path in sorted(self._paths))
        return Part(" ".join(tokens), tuple(self._entries.values()), keys, self._nodes > MAX_NODES)
