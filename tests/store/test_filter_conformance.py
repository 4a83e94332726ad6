"""Every store selects, orders, counts and pages as the predicate does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conformance.cases import ANSWERS, Case, expected_ids
from conformance.dataset import NOW_US, events, executions, label_of
from conformance.strategies import NOW_US as DRAWN_NOW_US
from conformance.strategies import VIEWS
from conformance.strategies import events as drawn_events
from conformance.strategies import filters as drawn_filters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execmeta.filters.binder import bind, bind_query
from execmeta.filters.nodes import Node
from execmeta.filters.query import Query
from execmeta.filters.targets.predicate import select
from execmeta.model.event import EDITED, FINISHED, Event
from execmeta.model.execution import STATUSES
from execmeta.store.base import Store
from execmeta.store.memory import MemoryStore
from execmeta.store.opening import open_store
from execmeta.store.sql import plan as plans
from execmeta.store.sql import sealing

KINDS = ("memory", "sqlite")


@pytest.fixture(scope="module", params=KINDS)
def full_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store of each kind with the table's executions."""
    folder = tmp_path_factory.mktemp("conformance")
    store = open_store("memory:" if request.param == "memory" else f"sqlite:///{folder}/s.db")
    store.apply(events())
    yield store
    store.close()


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.text[:60])
def test_store_selects_what_the_case_says(full_store: Store, case: Case) -> None:
    query = bind_query(case.text, now_us=NOW_US, resolver=full_store.resolve, scope="all")

    page = full_store.list(query)

    found = {label_of(execution.id) for execution in page.executions}
    assert sorted(found) == sorted(map(label_of, expected_ids(case)))
    assert full_store.count(query) == (len(found), False)


@pytest.mark.parametrize("scope", ["top", "all"])
@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.text[:60])
def test_sqlite_gives_the_page_that_memory_gives(
    sqlite_and_memory: tuple[Store, Store], case: Case, scope: str
) -> None:
    sqlite, memory = sqlite_and_memory
    query = bind_query(case.text, now_us=NOW_US, resolver=memory.resolve)
    query = replace(query, scope=scope, limit=5)

    for sort in ("-started", "started"):
        mine, reference = (
            list(pages(store, replace(query, sort=sort))) for store in (sqlite, memory)
        )

        assert [page.executions for page in mine] == [page.executions for page in reference]
        assert mine[0].total == reference[0].total
        assert mine[0].hidden_below == reference[0].hidden_below


@pytest.fixture(scope="module")
def sqlite_and_memory(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Store, Store]]:
    sqlite = open_store(f"sqlite:///{tmp_path_factory.mktemp('pages')}/s.db")
    memory = open_store("memory:")
    for store in (sqlite, memory):
        store.apply(events())
    yield sqlite, memory
    sqlite.close()


def pages(store: Store, query: Query) -> Iterator:  # type: ignore[type-arg]
    """All pages of a list."""
    while True:
        page = store.list(query)
        yield page
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)


def test_memory_holds_what_the_table_holds() -> None:
    store = MemoryStore()
    store.apply(events())

    found = store.list(Query(limit=1000)).executions

    assert {each.id: each for each in found} == {each.id: each for each in executions()}


# ------------------------------------------------------------------------------- any data at all


EDITED_TO = st.sampled_from(
    (None, True, 5, 5.0, "5", "prod", "", -0.0, 2**63 - 1, [], [None], [1, ["a"]], {"b": {"c": 5}})
)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Event]]:
    """Events of a forest with ends and edits, in any order, in any batches, some of them twice."""
    starts = draw(drawn_events())
    told = list(starts)
    for number, start in enumerate(draw(st.lists(st.sampled_from(starts), max_size=4))):
        order = (100 + draw(st.integers(0, 3)), number, 1)
        if draw(st.booleans()):
            body = {
                "set": draw(st.dictionaries(st.sampled_from(("k", "env", "a.b")), EDITED_TO)),
                "unset": draw(st.lists(st.sampled_from(("k", "b")), max_size=1)),
            }
            told.append(Event(EDITED, start.execution_id, order, start.at, body))
        else:
            body = {
                "status": draw(
                    st.sampled_from([s for s in STATUSES if s not in ("queued", "running")])
                ),
                "attempt": draw(st.integers(1, 2)),
                "ended": start.at + draw(st.sampled_from((-1, 0, 7_000_000))),
            }
            told.append(Event(FINISHED, start.execution_id, order, start.at, body))
    told += draw(st.lists(st.sampled_from(told), max_size=2))
    told = draw(st.permutations(told))
    cuts = sorted(draw(st.lists(st.integers(0, len(told)), max_size=3)))
    edges = itertools.pairwise([0, *cuts, len(told)])
    return [told[begin:end] for begin, end in edges if begin < end]


def differences(store: Store, batches: list[list[Event]], node: Node) -> str | None:
    """In what a store and the predicate differ; None when they agree."""
    memory = MemoryStore()
    for batch in batches:
        store.apply(batch)
        memory.apply(batch)
    everyone = memory.list(Query(limit=1000)).executions
    held = store.list(Query(limit=1000)).executions
    if held != everyone:
        return f"rows: {held} instead of {everyone}"
    bound = bind(node, now_us=DRAWN_NOW_US, resolver=memory.resolve, views=VIEWS)
    wanted = select(bound, everyone)
    for scope in ("all", "top"):
        shown = [each for each in wanted if scope == "all" or each.is_top]
        query = Query(filter=bound, scope=scope, limit=1000)
        page = store.list(query)
        if list(page.executions) != shown:
            return f"{scope}: {page.executions} instead of {shown}"
        if (page.total, page.hidden_below) != (
            len(shown),
            len(wanted) - len(shown) if scope == "top" else 0,
        ):
            return f"{scope}: total {page.total}, hidden {page.hidden_below}"
        if store.count(query) != (len(shown), False):
            return f"{scope}: count {store.count(query)}"
        oldest = store.list(replace(query, sort="started"))
        if list(oldest.executions) != shown[::-1]:
            return f"{scope}: oldest first {oldest.executions}"
    return None


@pytest.mark.parametrize("rows", [sealing.BLOCK_ROWS, 2, 1], ids="blocks of {}".format)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=histories(), node=drawn_filters(), frequent=st.sampled_from((0.05, 0.5, 0.9)))
def test_sql_and_predicate_select_the_same_in_the_same_order(
    rows: int,
    batches: list[list[Event]],
    node: Node,
    frequent: float,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('any')}/s.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "BLOCK_ROWS", rows)
        patch.setattr(sealing, "FREQUENT", frequent)
        try:
            assert differences(store, batches, node) is None
            if rows < 10:
                assert store.check().problems == ()
        finally:
            store.close()


def test_a_not_on_the_wrong_bound_is_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Negative control: the comparison above sees a plan whose `not` leaves matches out."""
    right = plans.bounds_of

    def wrong(node, vocabulary):  # type: ignore[no-untyped-def]
        if isinstance(node, plans.Not):
            inner = wrong(node.item, vocabulary)
            return plans.Bounds(plans.without(inner.upper), plans.without(inner.lower))
        return right(node, vocabulary)

    query = bind_query('not meta contains \'{"customer":{"id":7}}\'', scope="all")
    caught = []
    for name, bounds_of in (("right", right), ("wrong", wrong)):
        monkeypatch.setattr(plans, "bounds_of", bounds_of)
        store = open_store(f"sqlite:///{tmp_path}/{name}.db")
        store.apply(events())
        found = {each.id for each in store.list(query).executions}
        wanted = {each.id for each in select(query.filter, executions())}
        caught.append(found != wanted)
        store.close()

    assert caught == [False, True]
