"""The table of cases, asked of the in-memory predicate and of the oracle that tests judge it by."""

from __future__ import annotations

import pytest
from conformance.cases import ANSWERS, CASES, ERRORS, Case, expected_ids
from conformance.dataset import NOW_US, events, executions, label_of, resolve
from conformance.oracle import Oracle

from execmeta.codec import event_from_json, event_to_json
from execmeta.errors import FilterError
from execmeta.filters.binder import bind, bind_query
from execmeta.filters.parser import parse
from execmeta.filters.printer import to_text
from execmeta.filters.targets.predicate import select

EXECUTIONS = executions()
NEEDS_IDS = "places"
"""The oracle knows full ids only."""


def labels(ids: frozenset[str]) -> list[str]:
    return sorted(map(label_of, ids))


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.text[:60])
def test_predicate_selects_what_the_case_says(case: Case) -> None:
    query = bind_query(case.text, now_us=NOW_US, resolver=resolve)

    found = frozenset(each.id for each in select(query.filter, EXECUTIONS))

    assert labels(found) == labels(expected_ids(case))


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.text[:60])
def test_canonical_text_means_the_same(case: Case) -> None:
    node = parse(case.text)

    again = parse(to_text(node))

    assert again == node
    assert bind(again, now_us=NOW_US, resolver=resolve) == bind(
        node, now_us=NOW_US, resolver=resolve
    )


@pytest.mark.parametrize(
    "case", [case for case in ANSWERS if case.section != NEEDS_IDS], ids=lambda case: case.text[:60]
)
def test_oracle_agrees_with_the_case(case: Case) -> None:
    found = frozenset(each.id for each in Oracle(EXECUTIONS, NOW_US).select(parse(case.text)))

    assert labels(found) == labels(expected_ids(case))


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case.text[:60])
def test_error_names_column_and_code(case: Case) -> None:
    with pytest.raises(FilterError) as caught:
        bind_query(case.text, now_us=NOW_US, resolver=resolve)

    assert (caught.value.column, caught.value.code) == (case.column, case.code)
    assert caught.value.text == case.text


def test_the_table_is_large_and_has_no_case_twice() -> None:
    texts = [case.text for case in CASES]

    assert len(texts) >= 170
    assert len(set(texts)) == len(texts)


def test_the_dataset_is_what_a_store_accepts() -> None:
    for event in events():
        assert event_from_json(event_to_json(event)) == event

    assert len({each.id for each in EXECUTIONS}) == len(EXECUTIONS) >= 30
