"""Where: what a filter says about the columns of an execution, as SQL conditions.

Every condition is a bound: the upper one holds for every match and perhaps for more, the lower
one for matches only. Where both are the same, SQL alone decides. Conditions name the table `e`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from execmeta.filters.bound import (
    All,
    AnyOf,
    BoundFilter,
    Compare,
    Constant,
    Glob,
    Has,
    IsNull,
    Not,
    OneOf,
    Place,
)
from execmeta.model.execution import TOP_KINDS
from execmeta.model.ids import id_bytes
from execmeta.model.limits import MAX_INT, MIN_INT

NUMBERS: Final = {
    "depth": "e.depth",
    "attempt": "e.attempt",
    "started": "e.started_at",
    "ended": "e.ended_at",
    "duration": "e.duration_s",
}
TEXTS: Final = {
    "kind": "e.kind",
    "name": "e.name",
    "status": "e.status",
    "external_id": "e.external_id",
}
DIGITS: Final = {"trace_id": "e.trace_id", "span_id": "e.span_id"}
"""Columns of bytes that a filter sees as hex digits."""
INSIDE: Final = {
    "iterator.index": "e.iterator",
    "iterator.count": "e.iterator",
    "error.type": "e.error",
    "error.message": "e.error",
    "error.where": "e.error",
}
"""JSON columns: SQL sees only whether they are there."""


class Condition(NamedTuple):
    """A piece of SQL with its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


class Range(NamedTuple):
    """Upper and lower bound of a filter; equal where SQL alone decides."""

    upper: Condition
    lower: Condition

    @property
    def exact(self) -> bool:
        """Whether SQL alone decides."""
        return self.upper == self.lower


TRUE: Final = Condition("1")
FALSE: Final = Condition("0")
IS_TOP: Final = Condition(
    f"(e.parent_tid IS NULL OR e.kind IN ({', '.join('?' * len(TOP_KINDS))}))",
    tuple(sorted(TOP_KINDS)),
)
"""What a list of scope `top` shows."""
IS_BELOW: Final = Condition(f"NOT {IS_TOP.text}", IS_TOP.parameters)
ALWAYS: Final = Range(TRUE, TRUE)
NEVER: Final = Range(FALSE, FALSE)
UNKNOWN: Final = Range(TRUE, FALSE)


def range_of(node: BoundFilter) -> Range:
    """What the columns say about a filter."""
    match node:
        case Constant():
            return ALWAYS if node.value else NEVER
        case Not():
            inner = range_of(node.item)
            return Range(_not(inner.lower), _not(inner.upper))
        case All():
            ranges = [range_of(item) for item in node.items]
            return Range(
                conjunction([item.upper for item in ranges]),
                conjunction([item.lower for item in ranges]),
            )
        case AnyOf():
            ranges = [range_of(item) for item in node.items]
            return Range(
                _disjunction([item.upper for item in ranges]),
                _disjunction([item.lower for item in ranges]),
            )
        case OneOf() | Compare() | Glob() | Has() | IsNull() if node.path.space == "field":
            return _field(node, node.path.key)
        case Place() if node.id is None:
            return NEVER
        case Place() if node.relation == "id":
            return _exactly("e.id = ?", id_bytes(node.id or ""))
        case _:
            return UNKNOWN


def conjunction(items: list[Condition]) -> Condition:
    """All of the conditions."""
    if FALSE in items:
        return FALSE
    return _joined([item for item in items if item != TRUE], " AND ", TRUE)


def _disjunction(items: list[Condition]) -> Condition:
    if TRUE in items:
        return TRUE
    return _joined([item for item in items if item != FALSE], " OR ", FALSE)


def _joined(items: list[Condition], word: str, empty: Condition) -> Condition:
    if len(items) < 2:
        return items[0] if items else empty
    return Condition(
        f"({word.join(item.text for item in items)})",
        tuple(value for item in items for value in item.parameters),
    )


def _not(item: Condition) -> Condition:
    if item == TRUE:
        return FALSE
    # `IS NOT TRUE`, not `NOT`: a comparison with NULL is false here, so its opposite is true.
    return TRUE if item == FALSE else Condition(f"({item.text} IS NOT TRUE)", item.parameters)


def _exactly(text: str, *parameters: Any) -> Range:
    condition = Condition(text, parameters)
    return Range(condition, condition)


def _field(node: OneOf | Compare | Glob | Has | IsNull, name: str) -> Range:
    if name in ("parent", "root", "id"):
        column = "e.parent_tid" if name == "parent" else "e.tid"
    else:
        column = NUMBERS.get(name) or TEXTS.get(name) or DIGITS.get(name) or INSIDE.get(name, "")
    if not column:
        return UNKNOWN
    if isinstance(node, Has | IsNull):
        there = Condition(f"{column} IS NOT NULL")
        have = Range(there, FALSE if name in INSIDE else there)
        return have if isinstance(node, Has) else Range(_not(have.lower), _not(have.upper))
    if name in NUMBERS:
        return _number(node, column)
    if name in TEXTS:
        return _text(node, column)
    if name in DIGITS and isinstance(node, OneOf):
        return _digits(node, column)
    return Range(Condition(f"{column} IS NOT NULL"), FALSE)


def _number(node: OneOf | Compare | Glob, column: str) -> Range:
    if isinstance(node, Compare):
        if isinstance(node.bound, str):
            return NEVER
        return _exactly(f"{column} {node.op} ?", _storable(node.bound))
    if isinstance(node, OneOf):
        numbers = [item.number for item in node.literals if item.number is not None]
        fitting = [number for number in numbers if _storable(number) == number]
        return _one_of(column, fitting)
    return NEVER


def _text(node: OneOf | Compare | Glob, column: str) -> Range:
    if isinstance(node, OneOf):
        texts = [item.text for item in node.literals if item.text is not None]
        return _one_of(column, [text for text in texts if is_storable_text(text)])
    if isinstance(node, Compare) and isinstance(node.bound, str) and is_storable_text(node.bound):
        # SQLite compares UTF-8 bytes, whose order is that of the code points.
        return _exactly(f"{column} {node.op} ?", node.bound)
    return Range(Condition(f"{column} IS NOT NULL"), FALSE)


def _digits(node: OneOf, column: str) -> Range:
    found = []
    for item in node.literals:
        text = item.text or ""
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            continue
        if raw.hex() == text:  # the digits that readers see are lower case, without spaces
            found.append(raw)
    return _one_of(column, found)


def _one_of(column: str, values: list[Any]) -> Range:
    if not values:
        return NEVER
    marks = ", ".join("?" * len(values))
    return _exactly(f"{column} IN ({marks})", *values)


def _storable(number: int | float) -> int | float:
    """The number, or for an integer that SQLite cannot hold the float beyond all that it can."""
    if isinstance(number, int) and not MIN_INT <= number <= MAX_INT:
        return float("inf") if number > 0 else float("-inf")
    return number


def is_storable_text(text: str) -> bool:
    """Whether SQLite can be asked for it: not with half a surrogate pair, which no row holds."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
