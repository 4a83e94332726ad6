"""The predicate means what DESIGN §2 says, on any filter and any executions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from conformance.oracle import Oracle
from conformance.strategies import NOW_US, VIEWS, executions, filters
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from execmeta.filters import bound as b
from execmeta.filters.binder import bind
from execmeta.filters.nodes import Node
from execmeta.filters.targets.predicate import select
from execmeta.model.execution import Execution

Select = Callable[[b.BoundFilter, Sequence[Execution]], list[Execution]]


def disagreement(node: Node, rows: list[Execution], chosen: Select = select) -> bool:
    bound = bind(node, now_us=NOW_US, views=VIEWS)
    return chosen(bound, rows) != Oracle(rows, NOW_US, VIEWS).select(node)


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(filters(), executions())
def test_predicate_and_oracle_select_the_same_executions(node: Node, rows: list[Execution]) -> None:
    bound = bind(node, now_us=NOW_US, views=VIEWS)

    assert select(bound, rows) == Oracle(rows, NOW_US, VIEWS).select(node)


def missing_is_different(bound: b.BoundFilter, rows: Sequence[Execution]) -> list[Execution]:
    """A wrong predicate: `!=` holds where the key is missing."""
    return select(_without(b.Has, bound), rows)


def numbers_are_text(bound: b.BoundFilter, rows: Sequence[Execution]) -> list[Execution]:
    """A wrong predicate: a number is compared by its spelling."""
    return select(_spelled(bound), rows)


def _without(leaf: type, bound: b.BoundFilter) -> b.BoundFilter:
    if isinstance(bound, b.All | b.AnyOf):
        joined = b.all_of if isinstance(bound, b.All) else b.any_of
        return joined(_without(leaf, item) for item in bound.items)
    if isinstance(bound, b.Not):
        return b.negation(_without(leaf, bound.item))
    return b.Constant(True) if isinstance(bound, leaf) else bound


def _spelled(bound: b.BoundFilter) -> b.BoundFilter:
    if isinstance(bound, b.All | b.AnyOf):
        joined = b.all_of if isinstance(bound, b.All) else b.any_of
        return joined(map(_spelled, bound.items))
    if isinstance(bound, b.Not):
        return b.negation(_spelled(bound.item))
    if isinstance(bound, b.Compare):
        return b.Compare(bound.path, bound.op, str(bound.bound))
    return bound


@pytest.mark.parametrize("wrong", [missing_is_different, numbers_are_text])
def test_a_wrong_predicate_is_caught(wrong: Select) -> None:
    try:
        find(
            st.tuples(filters(2), executions(2)),
            lambda drawn: disagreement(drawn[0], drawn[1], wrong),
            settings=settings(
                max_examples=5_000,
                database=None,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    except NoSuchExample:
        pytest.fail(f"{wrong.__name__} was not caught")
