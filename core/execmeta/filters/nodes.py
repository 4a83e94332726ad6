"""Nodes: a filter as it was written, names and values still unread.

Equal nodes have the same canonical text; where they stood in the text does not count. Chains
are flat: an `And` holds no `And`, an `Or` no `Or`; `conjunction` and `disjunction` see to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from execmeta.filters.names import Space

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~=", "!~="]
OPERATORS: Final[tuple[Operator, ...]] = ("=", "!=", "<", "<=", ">", ">=", "~=", "!~=")
KEYWORDS: Final = frozenset({"and", "or", "not", "in", "is", "null", "has", "contains"})
"""Lower-case; read in any case. None of them can be a bare name."""


@dataclass(frozen=True, slots=True)
class Value:
    """One literal as text, escapes resolved; only an unquoted one can be a number."""

    text: str
    quoted: bool = False
    column: int = field(default=1, compare=False, repr=False)
    """1-based, in code points; of the opening quote when there is one."""


@dataclass(frozen=True, slots=True)
class Everything:
    """The empty filter. Stands alone, never inside another node."""

    column: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`name op value`. A name is kept with its `meta.` or `attr.`, in NFC."""

    name: str
    op: Operator
    value: Value
    column: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class In:
    """`name [not] in (value, ...)`, at least one value."""

    name: str
    values: tuple[Value, ...]
    negated: bool = False
    column: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Has:
    """`has(name)`."""

    name: str
    column: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IsNull:
    """`name is [not] null`."""

    name: str
    negated: bool = False
    column: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ContainsJson:
    """`meta contains '{...}'`; the object as canonical JSON text (`filters.documents`)."""

    space: Space
    document: str
    column: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ViewRef:
    """`@view`, the name without its `@`."""

    name: str
    column: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """`not item`."""

    item: Node
    column: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """At least two items, none of them an `And`."""

    items: tuple[Node, ...]
    column: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Or:
    """At least two items, none of them an `Or`."""

    items: tuple[Node, ...]
    column: int = field(default=1, compare=False, repr=False)


Term = Comparison | In | Has | IsNull | ContainsJson | ViewRef
Node = Everything | Term | Not | And | Or


def conjunction(items: Iterable[Node]) -> Node:
    """All items joined by `and`, flattened; the item itself when there is one, `Everything`
    when there is none."""
    flat: list[Node] = []
    for item in items:
        if isinstance(item, And):
            flat.extend(item.items)
        elif not isinstance(item, Everything):
            flat.append(item)
    if not flat:
        return Everything()
    return flat[0] if len(flat) == 1 else And(tuple(flat), flat[0].column)


def disjunction(items: Iterable[Node]) -> Node:
    """At least one item, joined by `or` and flattened; `Everything` takes the others in."""
    flat: list[Node] = []
    for item in items:
        if isinstance(item, Everything):
            return item
        if isinstance(item, Or):
            flat.extend(item.items)
        else:
            flat.append(item)
    return flat[0] if len(flat) == 1 else Or(tuple(flat), flat[0].column)


def terms(node: Node) -> Iterator[Term]:
    """Every comparison of a filter, from left to right."""
    match node:
        case And() | Or():
            for item in node.items:
                yield from terms(item)
        case Not():
            yield from terms(node.item)
        case Everything():
            return
        case _:
            yield node
