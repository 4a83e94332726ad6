"""The predicate by itself: what it needs to know, and what it never does."""

from __future__ import annotations

from typing import Any

import pytest
from conformance.dataset import LABELS, NOW_US, executions, id_of, label_of
from hypothesis import given
from hypothesis import strategies as st

from execmeta.filters.binder import bind_query
from execmeta.filters.bound import Place
from execmeta.filters.targets.predicate import compile_predicate, contains, select
from execmeta.model.execution import Execution
from execmeta.model.ids import ExecutionId

ROWS = executions()


def test_under_needs_a_tree() -> None:
    with pytest.raises(ValueError, match="tree"):
        compile_predicate(Place("under", id_of("dag")))


def test_under_asks_the_store_once_for_each_filter() -> None:
    asked: list[str] = []

    def under(top: ExecutionId) -> Any:
        asked.append(top)
        return lambda execution: execution.root_id == top

    matches = compile_predicate(Place("under", id_of("dag")), under=under)

    assert [label_of(row.id) for row in ROWS if matches(row)] == [
        label for label in LABELS if label.split(".")[0] == "dag"
    ]
    assert asked == [id_of("dag")]


def test_a_list_needs_no_order_and_keeps_its_own() -> None:
    query = bind_query(f"under={id_of('dag')}", now_us=NOW_US)

    found = select(query.filter, ROWS[::-1])

    assert [label_of(row.id) for row in found] == [
        "dag.load",
        "dag.extract.sub.fn",
        "dag.extract.sub",
        "dag.extract",
        "dag",
    ]


def test_below_a_missing_parent_a_list_sees_its_children() -> None:
    query = bind_query(f"under={id_of('dag.extract')}", now_us=NOW_US)

    found = select(query.filter, [row for row in ROWS if label_of(row.id) != "dag.extract"])

    assert [label_of(row.id) for row in found] == ["dag.extract.sub", "dag.extract.sub.fn"]


@pytest.mark.parametrize(
    ("whole", "part", "expected"),
    [
        ({}, {}, True),
        ({"a": 1}, {}, True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": True}, {"a": 1}, False),
        ({"a": None}, {"a": None}, True),
        ({}, {"a": None}, False),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}, True),
        ({"a": [1, 2, 3]}, {"a": [3, 1, 1]}, True),
        ({"a": [1, 2]}, {"a": []}, True),
        ({"a": [1, 2]}, {"a": 1}, False),
        ({"a": [[1, 2], 3]}, {"a": [[2]]}, True),
        ({"a": [[1, 2], 3]}, {"a": [2]}, False),
        ({"a": {}}, {"a": []}, False),
        ({"a": 0.0}, {"a": -0.0}, True),
    ],
)
def test_contains_is_postgresqls(whole: Any, part: Any, expected: bool) -> None:
    assert contains(whole, part) is expected


FOREIGN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
)


@given(
    FOREIGN,
    st.sampled_from(
        ["k=5", "k>5", "k>x", "k~=*a", "k in (true, 1)", "k.a=1", "has(k)", "k is null", "k!=5"]
    ),
)
def test_it_never_raises_whatever_the_data_are(value: Any, text: str) -> None:
    row = Execution(
        id=id_of("web"),
        kind="command",
        name="x",
        status="success",
        started_at=0,
        root_id=id_of("web"),
        metadata={"k": value},
    )

    assert compile_predicate(bind_query(text).filter)(row) in (True, False)
