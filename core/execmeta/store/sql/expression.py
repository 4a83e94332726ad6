"""Expression: and, or and not over index words; what a filter becomes for the index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from execmeta.store.tokens import ALL


@dataclass(frozen=True, slots=True)
class Word:
    """The executions under one index token."""

    token: str


@dataclass(frozen=True, slots=True)
class Both:
    """What every item has; everything without items. Made by `both`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """What any item has; nothing without items. Made by `either`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """Everything but the item. Made by `without`."""

    item: Expression


Expression = Word | Both | Either | Without

EVERYTHING: Final = Both(())
NOTHING: Final = Either(())


def both(items: Iterable[Expression]) -> Expression:
    """The intersection, flat and without repetitions."""
    flat: dict[Expression, None] = {}
    for item in items:
        flat.update(dict.fromkeys(item.items if isinstance(item, Both) else (item,)))
    if NOTHING in flat or any(isinstance(item, Without) and item.item in flat for item in flat):
        return NOTHING
    return next(iter(flat)) if len(flat) == 1 else Both(tuple(flat))


def either(items: Iterable[Expression]) -> Expression:
    """The union, flat and without repetitions."""
    flat: dict[Expression, None] = {}
    for item in items:
        flat.update(dict.fromkeys(item.items if isinstance(item, Either) else (item,)))
    if EVERYTHING in flat or any(isinstance(item, Without) and item.item in flat for item in flat):
        return EVERYTHING
    return next(iter(flat)) if len(flat) == 1 else Either(tuple(flat))


def without(item: Expression) -> Expression:
    """The complement."""
    if isinstance(item, Without):
        return item.item
    if item == EVERYTHING:
        return NOTHING
    return EVERYTHING if item == NOTHING else Without(item)


def words(expression: Expression) -> set[str]:
    """Every token in an expression."""
    match expression:
        case Word():
            return {expression.token}
        case Without():
            return words(expression.item)
        case Both() | Either():
            return set().union(*map(words, expression.items))


def match_text(expression: Expression) -> str:
    """The expression in FTS5's query syntax, whose NOT is binary; not for `NOTHING`.

    >>> match_text(both([Word("v1"), Word("v2"), without(Word("v3"))]))
    '((v1 AND v2) NOT v3)'
    """
    match expression:
        case Word():
            return expression.token
        case Without():
            return f"({ALL} NOT {match_text(expression.item)})"
        case Either():
            return _joined(expression.items, " OR ")
        case Both():
            missing = [item.item for item in expression.items if isinstance(item, Without)]
            present = [item for item in expression.items if not isinstance(item, Without)]
            text = _joined(present, " AND ") if present else ALL
            return f"({text} NOT {_joined(missing, ' OR ')})" if missing else text


def _joined(items: Sequence[Expression], operator: str) -> str:
    text = operator.join(map(match_text, items))
    return text if len(items) == 1 else f"({text})"
