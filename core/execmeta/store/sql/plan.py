"""Plan: what a bound filter asks of the index, of the columns and of the tree.

Every part is bounded from both sides: the upper bound holds for all matches and perhaps for more,
the lower bound for matches only, and `not` swaps them. Rows are always checked again by the
predicate; a plan that is exact can count without reading rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from execmeta.filters.bound import (
    All,
    AnyOf,
    BoundFilter,
    Compare,
    Contains,
    Exact,
    Glob,
    Has,
    IsNull,
    Not,
    OneOf,
    Path,
    Place,
)
from execmeta.model.execution import Json
from execmeta.model.limits import MAX_TOKENS
from execmeta.store.sql.expression import (
    EVERYTHING,
    NOTHING,
    Expression,
    Word,
    both,
    either,
    without,
    words,
)
from execmeta.store.sql.vocabulary import Vocabulary
from execmeta.store.sql.where import (
    FALSE,
    TRUE,
    Condition,
    conjunction,
    range_of,
)
from execmeta.store.tokens import (
    LETTERS,
    OVERFLOW,
    day_tokens,
    entry_of,
    has_token,
    id_token,
    several_token,
    trace_token,
)

INDEXED_FIELDS: Final = frozenset({"kind", "name", "status"})
"""Fields with index tokens."""
LOOKED_UP: Final = frozenset({"external_id"})
"""Fields with an index of their own."""
MANY_WORDS: Final = 16
"""Words of one comparison from which on opening them all is worth a look at the newest rows."""
_TRACE: Final = re.compile("[0-9a-f]{32}")
MAX_DAYS: Final = 400
"""Longest span of days that is asked of the index."""

_DAY_US: Final = 86_400_000_000
_OVERFLOWN: Final = Word(OVERFLOW)


class Bounds(NamedTuple):
    """Upper and lower bound of a filter in index words; equal where the index alone decides."""

    upper: Expression
    lower: Expression

    @property
    def exact(self) -> bool:
        """Whether the index alone decides."""
        return self.upper == self.lower


UNKNOWN: Final = Bounds(EVERYTHING, NOTHING)


class Between(NamedTuple):
    """Comparisons that one value at `path` must pass together."""

    path: Path
    items: tuple[Compare | Glob, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to find the matches of a filter; `index`, `where` and `place` must all hold."""

    index: Expression = EVERYTHING
    coarse: Expression = EVERYTHING
    """`index` with the presence of a key in the place of many of its values."""
    share: float = 1.0
    """Part of `coarse` that is expected to match, when all values are as frequent."""
    where: Condition = TRUE
    places: tuple[Place, ...] = ()
    """Places in the tree at the top of an AND; each narrows to a known set of rows."""
    lookups: tuple[OneOf, ...] = ()
    """Equalities on `LOOKED_UP` fields at the top of an AND."""
    exact: bool = True
    """`index` and `where` hold for matches only."""

    @property
    def has_set(self) -> bool:
        """The matches are among a set of rows that is known without the index of words."""
        return bool(self.places or self.lookups)

    @property
    def is_empty(self) -> bool:
        """Nothing can match."""
        return self.index == NOTHING or self.where == FALSE


def plan_of(node: BoundFilter, vocabulary: Vocabulary) -> Plan:
    """The plan of a filter, with what the dictionary knows at this moment."""
    items = _factors(node, vocabulary)
    index, coarse, where = [], [], []
    exact, share = True, 1.0
    budget = MAX_TOKENS
    for item in items:
        bounds = bounds_of(item, vocabulary)
        size = len(words(bounds.upper))
        if size > budget:
            bounds, size = UNKNOWN, 0
        budget -= size
        index.append(bounds.upper)
        if size > MANY_WORDS and isinstance(item, Between | Compare | Glob | OneOf):
            coarse.append(_presence(item.path, vocabulary))
            share *= size / max(size, vocabulary.distinct(item.path))
        else:
            coarse.append(bounds.upper)
        if not bounds.exact:
            columns = range_of(All(item.items) if isinstance(item, Between) else item)
            where.append(columns.upper)
            exact = exact and columns.exact
    return Plan(
        index=both(index),
        coarse=both(coarse),
        share=share,
        where=conjunction(where),
        places=tuple(item for item in items if isinstance(item, Place)),
        lookups=tuple(
            item
            for item in items
            if isinstance(item, OneOf) and item.path.space == "field" and item.path.key in LOOKED_UP
        ),
        exact=exact,
    )


def _factors(node: BoundFilter, vocabulary: Vocabulary) -> list[BoundFilter | Between]:
    """The items of a conjunction. Comparisons of one path become one where an execution has one
    value there at most: among several, each might pass another comparison."""
    if not isinstance(node, All):
        return [node]
    factors: list[BoundFilter | Between] = []
    groups: dict[Path, list[Compare | Glob]] = {}
    for item in node.items:
        if isinstance(item, Compare | Glob) and _is_indexed(item.path):
            groups.setdefault(item.path, []).append(item)
        else:
            factors.append(item)
    for path, nodes in groups.items():
        if len(nodes) > 1 and vocabulary.is_single(path):
            factors.append(Between(path, tuple(nodes)))
        else:
            factors += nodes
    return factors


def _is_indexed(path: Path) -> bool:
    return path.space != "field" or path.key in INDEXED_FIELDS


def _presence(path: Path, vocabulary: Vocabulary) -> Expression:
    if path.space == "field":
        return EVERYTHING
    present = Word(has_token(LETTERS[path.space], path.key))
    return either([present, _OVERFLOWN]) if vocabulary.overflow else present


def bounds_of(node: BoundFilter | Between, vocabulary: Vocabulary) -> Bounds:
    """What the index says about a filter."""
    match node:
        case Not():
            inner = bounds_of(node.item, vocabulary)
            return Bounds(without(inner.lower), without(inner.upper))
        case All():
            found = [bounds_of(item, vocabulary) for item in _factors(node, vocabulary)]
            return Bounds(both([b.upper for b in found]), both([b.lower for b in found]))
        case AnyOf():
            found = [bounds_of(item, vocabulary) for item in node.items]
            return Bounds(either([b.upper for b in found]), either([b.lower for b in found]))
        case Contains():
            return _contains(node, vocabulary)
        case Between():
            return _loosened(_compared(node.path, node.items, vocabulary), False, vocabulary)
        case OneOf() | Compare() | Glob() | Has() | IsNull():
            if node.path.space == "field":
                return _field(node, vocabulary)
            return _loosened(_leaf(node, vocabulary), isinstance(node, IsNull), vocabulary)
        case Place() if node.id is None:
            return Bounds(NOTHING, NOTHING)
        case Place():
            return UNKNOWN
        case _:
            constant = EVERYTHING if node.value else NOTHING
            return Bounds(constant, constant)


def _loosened(bounds: Bounds, negative: bool, vocabulary: Vocabulary) -> Bounds:
    """Bounds that also hold for executions whose tokens are not complete."""
    if not vocabulary.overflow:
        return bounds
    lower = both([bounds.lower, without(_OVERFLOWN)]) if negative else bounds.lower
    return Bounds(either([bounds.upper, _OVERFLOWN]), lower)


def _leaf(node: OneOf | Compare | Glob | Has | IsNull, vocabulary: Vocabulary) -> Bounds:
    path = node.path
    letter = LETTERS[path.space]
    present = Word(has_token(letter, path.key))
    match node:
        case OneOf():
            return _exactly(_equal(path, node.literals, vocabulary))
        case Has():
            return _exactly(present)
        case IsNull():
            null = entry_of(letter, path.key, None)
            if not vocabulary.present(path, [null]):
                return _exactly(without(present))
            nulls = Word(id_token(null.id))
            # Among several values at one path a null may stand beside others.
            alone = both([nulls, without(Word(several_token(letter, path.key)))])
            return Bounds(either([without(present), nulls]), either([without(present), alone]))
        case _:
            return _compared(path, (node,), vocabulary)


def _compared(path: Path, nodes: Sequence[Compare | Glob], vocabulary: Vocabulary) -> Bounds:
    tokens = vocabulary.tokens(nodes)
    if tokens is not None:
        return _exactly(either(map(Word, tokens)))
    if path.space == "field":
        return UNKNOWN
    return Bounds(Word(has_token(LETTERS[path.space], path.key)), NOTHING)


def _field(node: OneOf | Compare | Glob | Has | IsNull, vocabulary: Vocabulary) -> Bounds:
    name = node.path.key
    if name in INDEXED_FIELDS:
        match node:
            case OneOf():
                return _exactly(_equal(node.path, node.literals, vocabulary))
            case Compare() | Glob():
                return _compared(node.path, (node,), vocabulary)
            case _:
                return _exactly(EVERYTHING if isinstance(node, Has) else NOTHING)
    if name == "trace_id" and isinstance(node, OneOf):
        texts = [item.text for item in node.literals if item.text and _TRACE.fullmatch(item.text)]
        # Not exact: the token has a part of the digits.
        return Bounds(either(Word(trace_token(text)) for text in texts), NOTHING)
    if name == "started" and isinstance(node, Compare) and isinstance(node.bound, int):
        return _days(node.op, node.bound, vocabulary)
    return UNKNOWN


def _equal(path: Path, literals: Sequence[Exact], vocabulary: Vocabulary) -> Expression:
    letter = LETTERS[path.space]
    entries = dict.fromkeys(
        entry_of(letter, path.key, value)
        for literal in literals
        for value in (literal.text, literal.number, literal.boolean)
        if value is not None and value not in (float("inf"), float("-inf"))
    )
    return either(Word(id_token(entry.id)) for entry in vocabulary.present(path, entries))


def _days(op: str, bound: int, vocabulary: Vocabulary) -> Bounds:
    """Days of a time window. Only the day of `bound` itself is not whole."""
    span = vocabulary.days
    if span is None:
        return UNKNOWN
    first, last = span
    if op in ("<", "<="):
        edge = bound if op == "<=" else bound - 1
        upper, lower = (first, edge // _DAY_US), (first, (edge + 1) // _DAY_US - 1)
    else:
        edge = bound if op == ">=" else bound + 1
        upper, lower = (edge // _DAY_US, last), ((edge - 1) // _DAY_US + 1, last)
    return Bounds(_span(upper, span, EVERYTHING), _span(lower, span, NOTHING))


def _span(days: tuple[int, int], known: tuple[int, int], too_many: Expression) -> Expression:
    first, last = max(days[0], known[0]), min(days[1], known[1])
    if (first, last) == known:
        return EVERYTHING
    if last - first >= MAX_DAYS:
        return too_many
    return either(map(Word, day_tokens(first * _DAY_US, last * _DAY_US)))


def _contains(node: Contains, vocabulary: Vocabulary) -> Bounds:
    letter = LETTERS[node.space]
    needed: list[Expression] = []

    def visit(path: str, value: Json) -> None:
        if isinstance(value, dict):
            needed.append(Word(has_token(letter, path)))
            for key, inner in value.items():
                visit(f"{path}.{key}" if path or not key else key, inner)
        elif isinstance(value, list):
            needed.append(Word(has_token(letter, path)))
            for inner in value:
                visit(path, inner)
        elif value is None:
            needed.append(Word(has_token(letter, path)))
        else:
            needed.append(Word(id_token(entry_of(letter, path, value).id)))

    for key, value in node.document.items():
        visit(key, value)
    if not needed:
        return Bounds(EVERYTHING, EVERYTHING)
    upper = both(needed)
    if len(words(upper)) > MAX_TOKENS:
        return UNKNOWN
    return _loosened(Bounds(upper, NOTHING), False, vocabulary)


def _exactly(expression: Expression) -> Bounds:
    return Bounds(expression, expression)
