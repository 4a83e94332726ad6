"""Bound filter: names resolved to paths, literals to types, places to ids; what targets compile.

A target (in-memory predicate, SQL, later a trace back end) sees nothing else. Every leaf is
false on a missing value; only `Not` turns that over (DESIGN §2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from execmeta.model.execution import Json
from execmeta.model.ids import ExecutionId

Space = Literal["field", "meta", "attr", "item"]


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value is found.

    `field`: canonical field name (`filters.fields`). `meta`, `attr`: a key, or a dotted way into
    nested JSON: `customer.id` finds the key `customer.id` and `{"customer": {"id": ...}}`; arrays
    on the way and at the end match when any element does. `item`: a way into `iterator.item`,
    empty for the item itself.
    """

    space: Space
    key: str


@dataclass(frozen=True, slots=True)
class Exact:
    """One right-hand side of an equality: it matches when any part that is not None does.

    `5` unquoted has number 5 and text "5"; `true` has boolean and text; a quoted literal has
    text only. `true` is never 1.
    """

    text: str | None = None
    number: int | float | None = None
    boolean: bool | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value at `path` equals one of the literals."""

    path: Path
    literals: tuple[Exact, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """The value at `path` is before or after `bound`.

    A number compares with numbers and with strings that are spelled like one
    (`model.values.number_of`), exactly; text compares with strings by code point. Fields of
    time hold microseconds since 1970 UTC, `duration` seconds.
    """

    path: Path
    op: Literal["<", "<=", ">", ">="]
    bound: int | float | str


@dataclass(frozen=True, slots=True)
class Glob:
    """The string at `path` matches `pattern` from end to end (`filters.glob`)."""

    path: Path
    pattern: str


@dataclass(frozen=True, slots=True)
class Has:
    """Something is present at `path`, null included."""

    path: Path


@dataclass(frozen=True, slots=True)
class IsNull:
    """Nothing is present at `path`, or nothing but null."""

    path: Path


@dataclass(frozen=True, slots=True)
class Contains:
    """PostgreSQL's `@>`: the whole map of `space` contains `document`."""

    space: Literal["meta", "attr"]
    document: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Place:
    """The execution stands at a place of the tree.

    `id` is None when the reference fits nothing: the leaf then matches nothing. `under` is the
    execution itself and everything below it.
    """

    relation: Literal["id", "parent", "root", "under"]
    id: ExecutionId | None


@dataclass(frozen=True, slots=True)
class Constant:
    """Matches all (`True`) or nothing (`False`)."""

    value: bool


@dataclass(frozen=True, slots=True)
class All:
    """Every item matches; at least two items, none of them an `All`."""

    items: tuple[BoundFilter, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one item matches; at least two items, none of them an `AnyOf`."""

    items: tuple[BoundFilter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The item does not match."""

    item: BoundFilter


Leaf = OneOf | Compare | Glob | Has | IsNull | Contains | Place | Constant
BoundFilter = Leaf | All | AnyOf | Not


def all_of(items: Iterable[BoundFilter]) -> BoundFilter:
    """The conjunction of any number of filters, flattened, constants resolved."""
    flat: list[BoundFilter] = []
    for item in items:
        if item == Constant(False):
            return item
        if isinstance(item, All):
            flat.extend(item.items)
        elif item != Constant(True):
            flat.append(item)
    if not flat:
        return Constant(True)
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def any_of(items: Iterable[BoundFilter]) -> BoundFilter:
    """The disjunction of any number of filters, flattened, constants resolved."""
    flat: list[BoundFilter] = []
    for item in items:
        if item == Constant(True):
            return item
        if isinstance(item, AnyOf):
            flat.extend(item.items)
        elif item != Constant(False):
            flat.append(item)
    if not flat:
        return Constant(False)
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def negation(item: BoundFilter) -> BoundFilter:
    """What `item` does not match; a double negation is none."""
    if isinstance(item, Constant):
        return Constant(not item.value)
    return item.item if isinstance(item, Not) else Not(item)
