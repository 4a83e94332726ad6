"""Predicate: a bound filter as a Python function over executions; the reference meaning."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, assert_never

from execmeta.filters.bound import (
    All,
    AnyOf,
    BoundFilter,
    Compare,
    Constant,
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
from execmeta.filters.glob import glob_matcher
from execmeta.filters.paths import explode, hits, hits_inside
from execmeta.model.execution import Execution, Json
from execmeta.model.ids import ExecutionId
from execmeta.model.values import number_of

Predicate = Callable[[Execution], bool]
Under = Callable[[ExecutionId], Predicate]
"""Gives for an id the test "is this execution, or stands below it"."""
_Test = Callable[[Json], bool]

FIELD_VALUES: Final[Mapping[str, Callable[[Execution], Json]]] = {
    "id": lambda execution: execution.id,
    "parent": lambda execution: execution.parent_id,
    "root": lambda execution: execution.root_id,
    "depth": lambda execution: execution.depth,
    "name": lambda execution: execution.name,
    "kind": lambda execution: execution.kind,
    "status": lambda execution: execution.status,
    "started": lambda execution: execution.started_at,
    "ended": lambda execution: execution.ended_at,
    "duration": lambda execution: execution.duration_s,
    "attempt": lambda execution: execution.attempt,
    "external_id": lambda execution: execution.external_id,
    "trace_id": lambda execution: execution.trace_id,
    "span_id": lambda execution: execution.span_id,
    "iterator.index": lambda execution: execution.iterator.index if execution.iterator else None,
    "iterator.count": lambda execution: execution.iterator.count if execution.iterator else None,
    "error.type": lambda execution: execution.error.type if execution.error else None,
    "error.message": lambda execution: execution.error.message if execution.error else None,
    "error.where": lambda execution: execution.error.where if execution.error else None,
}
"""Value of every field by its canonical name; None is missing."""

_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_predicate(bound: BoundFilter, *, under: Under | None = None) -> Predicate:
    """A function that says whether an execution matches. It never raises on any data.

    Args:
        bound: the filter.
        under: how to find out what stands below an execution; `select` knows it for a list.

    Raises:
        ValueError: the filter has `under=` and no `under` was given.
    """
    match bound:
        case Constant():
            value = bound.value
            return lambda execution: value
        case All():
            return _all([compile_predicate(item, under=under) for item in bound.items])
        case AnyOf():
            return _any([compile_predicate(item, under=under) for item in bound.items])
        case Not():
            item = compile_predicate(bound.item, under=under)
            return lambda execution: not item(execution)
        case OneOf():
            return _some(bound.path, _equality(bound.literals))
        case Compare():
            return _some(bound.path, _order(bound))
        case Glob():
            return _some(bound.path, _glob(bound.pattern))
        case Has():
            values = _values(bound.path)
            return lambda execution: len(values(execution)) > 0
        case IsNull():
            values = _values(bound.path)
            return lambda execution: all(value is None for value in values(execution))
        case Contains():
            return _contains(bound)
        case Place():
            return _place(bound, under)
        case _:
            assert_never(bound)


def select(bound: BoundFilter, executions: Iterable[Execution]) -> list[Execution]:
    """The executions of a list that match, in its order; `under=` sees the list's own tree."""
    rows = list(executions)

    def under(top: ExecutionId) -> Predicate:
        inside = {top}
        size = 0
        while len(inside) > size:  # a list has no order: parents may stand behind children
            size = len(inside)
            inside.update(row.id for row in rows if row.parent_id in inside)
        return lambda execution: execution.id in inside

    return list(filter(compile_predicate(bound, under=under), rows))


def _all(items: Sequence[Predicate]) -> Predicate:
    if len(items) == 2:
        first, second = items
        return lambda execution: first(execution) and second(execution)

    def every(execution: Execution) -> bool:
        # A loop, not all(): a generator costs more than the tests.
        for item in items:  # noqa: SIM110
            if not item(execution):
                return False
        return True

    return every


def _any(items: Sequence[Predicate]) -> Predicate:
    def some(execution: Execution) -> bool:
        for item in items:  # noqa: SIM110
            if item(execution):
                return True
        return False

    return some


def _values(path: Path) -> Callable[[Execution], Sequence[Json]]:
    """Everything at a path, arrays whole; empty when it is missing."""
    key = path.key
    match path.space:
        case "meta":
            return lambda execution: hits(execution.metadata, key)
        case "attr":
            return lambda execution: hits(execution.attributes, key)
        case "item":

            def inside(execution: Execution) -> Sequence[Json]:
                place = execution.iterator
                if place is None or place.item is None:
                    return ()
                return hits_inside(place.item, key)

            return inside
        case "field":
            value = FIELD_VALUES[key]
            return lambda execution: () if (found := value(execution)) is None else (found,)
        case _:
            assert_never(path.space)


def _some(path: Path, test: _Test) -> Predicate:
    """Whether a value at `path`, or an element of an array there, passes `test`."""
    if path.space == "field":
        value = FIELD_VALUES[path.key]
        return lambda execution: test(value(execution))
    values = _values(path)

    def some(execution: Execution) -> bool:
        for value in values(execution):
            if isinstance(value, list):
                if any(map(test, explode(value))):
                    return True
            elif test(value):
                return True
        return False

    return some


def _equality(literals: Sequence[Exact]) -> _Test:
    texts = frozenset(literal.text for literal in literals if literal.text is not None)
    # Python compares int and float exactly, and hashes equal numbers alike.
    numbers = frozenset(literal.number for literal in literals if literal.number is not None)
    booleans = frozenset(literal.boolean for literal in literals if literal.boolean is not None)

    def test(value: Json) -> bool:
        if isinstance(value, str):
            return value in texts
        if isinstance(value, bool):
            return value in booleans
        return isinstance(value, int | float) and value in numbers

    return test


def _order(bound: Compare) -> _Test:
    compare, limit = _ORDER[bound.op], bound.bound
    if isinstance(limit, str):
        return lambda value: isinstance(value, str) and compare(value, limit)

    def test(value: Json) -> bool:
        if isinstance(value, str):
            number = number_of(value)
            return number is not None and compare(number, limit)
        if isinstance(value, bool):
            return False
        return isinstance(value, int | float) and compare(value, limit)

    return test


def _glob(pattern: str) -> _Test:
    matches = glob_matcher(pattern)
    return lambda value: isinstance(value, str) and matches(value)


def _contains(bound: Contains) -> Predicate:
    document = bound.document
    if bound.space == "meta":
        return lambda execution: _holds_object(execution.metadata, document)
    return lambda execution: _holds_object(execution.attributes, document)


def _holds_object(whole: Mapping[str, Json], part: Mapping[str, Json]) -> bool:
    return all(key in whole and contains(whole[key], value) for key, value in part.items())


def contains(whole: Json, part: Json) -> bool:
    """PostgreSQL's `whole @> part` for values inside a document.

    >>> contains({"a": [1, {"b": 2, "c": 3}]}, {"a": [{"b": 2.0}]})
    True
    >>> contains([1, 2], 1), contains([[1]], [1]), contains(1, True)
    (False, False, False)
    """
    if isinstance(part, dict):
        return isinstance(whole, dict) and _holds_object(whole, part)
    if isinstance(part, list):
        return isinstance(whole, list) and all(
            any(contains(mine, wanted) for mine in whole) for wanted in part
        )
    if isinstance(part, bool) or isinstance(whole, bool):
        return part is whole
    return not isinstance(whole, dict | list) and whole == part


def _place(bound: Place, under: Under | None) -> Predicate:
    wanted = bound.id
    if wanted is None:
        return lambda execution: False
    match bound.relation:
        case "id":
            return lambda execution: execution.id == wanted
        case "parent":
            return lambda execution: execution.parent_id == wanted
        case "root":
            return lambda execution: execution.root_id == wanted
        case "under":
            if under is None:
                raise ValueError("a filter with under= needs to know the tree")
            return under(wanted)
        case _:
            assert_never(bound.relation)
