"""The store contract, asked of every store."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from execmeta.errors import (
    AmbiguousReferenceError,
    ExecutionNotFoundError,
    QueryError,
)
from execmeta.filters.binder import bind_query
from execmeta.filters.query import Query
from execmeta.model.event import EDITED, FINISHED, STARTED, Event
from execmeta.model.execution import Execution
from execmeta.model.ids import ExecutionId
from execmeta.model.limits import COUNT_CAP
from execmeta.store.base import Applied, Store
from execmeta.store.cursors import now_of

START_US = 1_770_000_000_000_000
"""2026-02-02T02:40:00Z"""
UNKNOWN = ExecutionId("01900000-0000-7000-8000-00000000dead")
WRITER = 77


def id_of(number: int, tail: int | None = None) -> ExecutionId:
    """Ids a second apart, in the order of their numbers."""
    digits = f"{START_US // 1000 + number * 1000:012x}7000{0x8000:04x}"
    digits += f"{number if tail is None else tail:012x}"
    return ExecutionId(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")


def started(number: int, parent: int | None = None, **body: Any) -> Event:
    at = START_US + number * 1_000_000
    body = {"kind": "test", "name": f"run {number}", "metadata": {"n": number}, **body}
    if parent is not None:
        body = {"parent": id_of(parent), "root": id_of(parent), "depth": 1, **body}
    return Event(STARTED, id_of(number), (number + 1, WRITER, 1), at, body)


def finished(number: int, status: str = "success", **body: Any) -> Event:
    at = START_US + number * 1_000_000 + 500_000
    return Event(FINISHED, id_of(number), (number + 1, WRITER, 2), at, {"status": status, **body})


def edited(number: int, stamp: int, *, unset: Sequence[str] = (), **values: Any) -> Event:
    body = {"set": values, "unset": list(unset), "by": "ada"}
    return Event(EDITED, id_of(number), (stamp, 5, 1), START_US + stamp, body)


def numbers(executions: Sequence[Execution]) -> list[int]:
    return [int(execution.name.split()[1]) for execution in executions]


def ask(text: str = "", **query: Any) -> Query:
    return replace(bind_query(text, scope="all"), **query)


class TestApply:
    def test_start_and_end_make_one_execution(self, store: Store) -> None:
        applied = store.apply(
            [started(1), finished(1, "failed", error={"type": "E", "message": "m"})]
        )

        assert applied == Applied(created=1)
        execution = store.get(id_of(1))
        assert (execution.status, execution.duration_s, execution.metadata) == (
            "failed",
            0.5,
            {"n": 1},
        )
        assert execution.error is not None
        assert execution.error.type == "E"

    def test_a_whole_life_in_one_event(self, store: Store) -> None:
        store.apply([started(1, status="success", ended=START_US + 3_000_000, duration=1.25)])

        assert (store.get(id_of(1)).status, store.get(id_of(1)).duration_s) == ("success", 1.25)

    def test_the_same_events_again_change_nothing(self, store: Store) -> None:
        events = [started(1), finished(1), edited(1, 50, n=2)]
        store.apply(events)
        before = store.get(id_of(1))

        assert store.apply(events) == Applied(unchanged=1)
        assert store.apply([events[1], events[1]]) == Applied(unchanged=1)
        assert store.get(id_of(1)) == before

    def test_every_order_and_batching_gives_the_same(
        self, make_store: Callable[[str], Store]
    ) -> None:
        events = [
            started(1, parent=0),
            finished(1, "failed"),
            edited(1, 50, n=5, owner="ada"),
            edited(1, 60, unset=["n"]),
            started(1, attempt=2, started=START_US + 9_000_000, metadata={"n": 99}),
        ]
        results = set()
        for turn, order in enumerate(itertools.permutations(events)):
            if turn % 10:
                continue
            for kind in ("memory", "sqlite"):
                store = make_store(kind)
                for event in order if turn % 20 else [order]:
                    store.apply(list(event) if turn % 20 == 0 else [event])  # type: ignore[call-overload]
                results.add(repr(store.get(id_of(1))))
                store.close()

        assert len(results) == 1

    def test_counts_what_it_did(self, store: Store) -> None:
        store.apply([started(1), started(2)])

        applied = store.apply([started(3), finished(1), started(2)])

        assert applied == Applied(created=1, changed=1, unchanged=1)

    def test_rejects_what_no_store_can_hold_and_keeps_the_rest(self, store: Store) -> None:
        odd = started(1)._replace(type="recorded")
        foreign = started(2)._replace(tenant="acme")

        applied = store.apply([odd, started(3), foreign])

        assert applied.created == 1
        assert [index for index, _ in applied.rejected] == [0, 2]
        assert "recorded" in applied.rejected[0][1]
        assert numbers(store.list(Query()).executions) == [3]

    def test_durable_and_segment_offset(self, store: Store) -> None:
        store.apply([started(1)], durable=True, segment=("a.seg", 100))
        store.apply([], segment=("b.seg", 7))
        store.apply([finished(1)], segment=("a.seg", 250))

        assert store.segments() == {"a.seg": 250, "b.seg": 7}

        store.forget_segment("a.seg")
        store.forget_segment("never seen")

        assert store.segments() == {"b.seg": 7}

    def test_threads_lose_nothing(self, store: Store) -> None:
        def write(first: int) -> None:
            for number in range(first, first + 40, 4):
                store.apply([started(number), finished(number)])
                store.list(Query(limit=5))

        threads = [threading.Thread(target=write, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert store.list(Query()).total == 40


class TestStubs:
    def test_an_end_without_a_start_is_hidden(self, store: Store) -> None:
        store.apply([finished(1), edited(2, 50, n=1)])

        assert store.list(Query()).executions == ()
        assert store.count(Query()) == (0, False)
        for number in (1, 2):
            with pytest.raises(ExecutionNotFoundError):
                store.get(id_of(number))
            with pytest.raises(ExecutionNotFoundError):
                store.history(id_of(number))

        store.apply([started(1)])

        assert store.get(id_of(1)).status == "success"

    def test_a_parent_that_was_never_seen_is_hidden(self, store: Store) -> None:
        store.apply([started(2, parent=1)])

        assert store.get(id_of(2)).parent_id == id_of(1)
        assert numbers(store.list(Query()).executions) == [2]
        assert numbers(store.children(id_of(1))) == [2]
        with pytest.raises(ExecutionNotFoundError):
            store.get(id_of(1))
        with pytest.raises(ExecutionNotFoundError):
            store.subtree(id_of(1))

        store.apply([started(1, kind="session")])

        assert numbers(store.subtree(id_of(1))) == [1, 2]


class TestTree:
    @pytest.fixture
    def tree(self, store: Store) -> Store:
        """1 > (2 > 4, 3), and 5 alone; told children first."""
        events = [
            started(5),
            started(4, parent=2, root=id_of(1), depth=2),
            started(3, parent=1),
            started(2, parent=1),
            started(1, kind="session"),
        ]
        for event in events:
            store.apply([event])
        return store

    def test_children_are_oldest_first(self, tree: Store) -> None:
        assert numbers(tree.children(id_of(1))) == [2, 3]
        assert tree.children(id_of(5)) == ()
        assert tree.children(UNKNOWN) == ()

    def test_subtree_is_oldest_first_with_its_top(self, tree: Store) -> None:
        assert numbers(tree.subtree(id_of(1))) == [1, 2, 3, 4]
        assert numbers(tree.subtree(id_of(2))) == [2, 4]
        assert numbers(tree.subtree(id_of(1), limit=2)) == [1, 2]

    def test_places_in_filters(self, tree: Store) -> None:
        def found(text: str) -> list[int]:
            query = bind_query(text, resolver=tree.resolve)
            return numbers(tree.list(query).executions)

        one, two = id_of(1), id_of(2)
        assert found(f"under={one}") == [4, 3, 2, 1]
        assert found(f"under={two}") == [4, 2]
        assert found(f"root={one}") == [4, 3, 2, 1]
        assert found(f"root={two}") == []
        assert found(f"parent={one}") == [3, 2]
        assert found(f"parent={one} n=3") == [3]
        assert found(f"not parent={one}") == [5, 4, 1]
        assert found(f"under={two} or n=5") == [5, 4, 2]
        assert found(f"under={one} not under={two}") == [3, 1]
        assert found(f"under={UNKNOWN}") == []
        assert found(f"id={two}") == [2]

    def test_a_ring_of_parents_ends(self, store: Store) -> None:
        store.apply([started(1, parent=2), started(2, parent=1)])

        assert numbers(store.subtree(id_of(1))) == [1, 2]
        query = bind_query(f"under={id_of(2)}", resolver=store.resolve)
        assert numbers(store.list(query).executions) == [2, 1]


class TestScope:
    @pytest.fixture
    def mixed(self, store: Store) -> Store:
        store.apply(
            [
                started(1, kind="session"),
                started(2, parent=1),
                started(3, parent=1, kind="command"),
                started(4, parent=1, kind="function", metadata={"n": 4, "odd": True}),
            ]
        )
        return store

    def test_top_shows_what_has_no_parent_or_is_a_run_of_its_own(self, mixed: Store) -> None:
        page = mixed.list(Query(scope="top"))

        assert numbers(page.executions) == [3, 1]
        assert (page.total, page.hidden_below) == (2, 2)
        assert mixed.count(Query(scope="top")) == (2, False)

    def test_all_shows_everything_and_hides_nothing(self, mixed: Store) -> None:
        page = mixed.list(Query(scope="all"))

        assert numbers(page.executions) == [4, 3, 2, 1]
        assert (page.total, page.hidden_below) == (4, 0)

    def test_what_is_hidden_is_counted_where_nothing_shows(self, mixed: Store) -> None:
        page = mixed.list(replace(bind_query("odd=true"), scope="top"))

        assert (page.executions, page.total, page.hidden_below) == ((), 0, 1)


class TestPages:
    @pytest.fixture
    def ten(self, store: Store) -> Store:
        store.apply([started(number) for number in (3, 9, 1, 5, 7, 0, 8, 2, 6, 4)])
        return store

    @pytest.mark.parametrize("sort", ["-started", "started"])
    @pytest.mark.parametrize("text", ["", "n>=0", "name~=run*", "depth=0"])
    def test_pages_hold_each_execution_once_in_order(
        self, ten: Store, sort: str, text: str
    ) -> None:
        query = ask(text, sort=sort, limit=4)
        seen: list[int] = []
        sizes = []
        while True:
            page = ten.list(query)
            seen += numbers(page.executions)
            sizes.append(len(page.executions))
            assert (page.total, page.total_capped) == (10, False)
            if page.next_cursor is None:
                break
            query = replace(query, cursor=page.next_cursor)

        assert seen == sorted(range(10), reverse=sort == "-started")
        assert sizes == [4, 4, 2]

    def test_a_page_that_is_just_full_is_the_last(self, ten: Store) -> None:
        assert ten.list(ask(limit=10)).next_cursor is None
        assert ten.list(ask("n<5", limit=5)).next_cursor is None

    def test_new_executions_do_not_shift_pages(self, ten: Store) -> None:
        first = ten.list(ask(limit=4))

        ten.apply([started(20), finished(9)])
        second = ten.list(ask(limit=4, cursor=first.next_cursor))

        assert numbers(first.executions) == [9, 8, 7, 6]
        assert numbers(second.executions) == [5, 4, 3, 2]

    def test_same_time_order_is_stable(self, store: Store) -> None:
        same = [
            started(1, name=f"run {tail}")._replace(execution_id=id_of(1, tail))
            for tail in range(8)
        ]
        for event in same:
            store.apply([event])
        query = ask(limit=3)
        seen: list[int] = []
        while True:
            page = store.list(query)
            seen += numbers(page.executions)
            if page.next_cursor is None:
                break
            query = replace(query, cursor=page.next_cursor)

        assert seen == [7, 6, 5, 4, 3, 2, 1, 0]
        for tail in range(8):
            assert store.get(id_of(1, tail)).name == f"run {tail}"

    @pytest.mark.parametrize(
        "change",
        [
            {"text": "n=1"},
            {"scope": "top"},
            {"sort": "started"},
            {"cursor": "AAAA"},
            {"cursor": ""},
            {"cursor": "not base64 \u20ac"},
            {"cursor": "A" * 5000},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_cursor_of_another_list_is_refused(self, ten: Store, change: dict[str, Any]) -> None:
        cursor = ten.list(ask(limit=4)).next_cursor

        with pytest.raises(QueryError, match=r"first page|again") as caught:
            ten.list(ask(limit=4, **{"cursor": cursor, **change}))

        assert caught.value.code == "invalid_cursor"

    def test_a_changed_cursor_is_refused(self, ten: Store) -> None:
        cursor = ten.list(ask(limit=4)).next_cursor
        assert cursor is not None
        for at in range(0, len(cursor) - 1, 5):
            other = "A" if cursor[at] != "A" else "B"
            changed = cursor[:at] + other + cursor[at + 1 :]

            with pytest.raises(QueryError) as caught:
                ten.list(ask(limit=4, cursor=changed))

            assert caught.value.code == "invalid_cursor"

    def test_a_cursor_of_another_store_is_refused(self, make_store: Callable[[str], Store]) -> None:
        stores = [make_store(kind) for kind in ("memory", "memory", "sqlite", "sqlite")]
        for store in stores:
            store.apply([started(number) for number in range(5)])
        cursors = [store.list(ask(limit=2)).next_cursor for store in stores]
        for store, cursor in zip(stores, cursors[1:] + cursors[:1], strict=True):
            with pytest.raises(QueryError) as caught:
                store.list(ask(limit=2, cursor=cursor))
            assert caught.value.code == "invalid_cursor"

    def test_a_cursor_keeps_the_moment_of_the_first_page(self, ten: Store) -> None:
        now_us = START_US + 60_000_000
        query = replace(bind_query("started>now-1h", now_us=now_us, scope="all"), limit=4)
        cursor = ten.list(query).next_cursor
        assert cursor is not None

        assert now_of(cursor) == now_us
        later = bind_query("started>now-1h", now_us=now_us + 5, scope="all")
        with pytest.raises(QueryError, match="moment"):
            ten.list(replace(later, limit=4, cursor=cursor))
        again = bind_query("started>now-1h", now_us=now_of(cursor) or 0, scope="all")
        assert len(ten.list(replace(again, limit=4, cursor=cursor)).executions) == 4

    def test_totals_stop_at_the_cap(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        events = [started(number, parent=0) for number in range(1, COUNT_CAP + 3)]
        for begin in range(0, len(events), 1000):
            store.apply(events[begin : begin + 1000])

        page = store.list(Query(limit=1))
        hidden = store.list(Query(scope="top", limit=1))

        assert (page.total, page.total_capped) == (COUNT_CAP, True)
        assert store.count(Query()) == (COUNT_CAP, True)
        assert store.count(ask("n>2")) == (COUNT_CAP, False)
        assert hidden.hidden_below == COUNT_CAP


class TestResolve:
    @pytest.fixture
    def named(self, store: Store) -> Store:
        store.apply(
            [
                started(1, kind="session", external_id="job-1"),
                started(2, parent=1, external_id="job-2"),
                started(3, external_id="job-2"),
                started(4, parent=1)._replace(execution_id=id_of(4, 0xABCDEF012345)),
                started(5, external_id="abcdef012345"),
                started(6, parent=1)._replace(execution_id=id_of(6, 0x777777012345)),
                started(7, parent=99),
            ]
        )
        return store

    def test_full_id_in_any_spelling(self, named: Store) -> None:
        assert named.resolve(id_of(1)) == id_of(1)
        assert named.resolve(id_of(1).replace("-", "").upper()) == id_of(1)

    def test_latest_is_the_newest_of_scope_top(self, named: Store) -> None:
        assert named.resolve("latest") == id_of(5)

    def test_external_id_comes_before_an_ending(self, named: Store) -> None:
        assert named.resolve("job-1") == id_of(1)
        assert named.resolve("abcdef012345") == id_of(5)

    def test_ending_of_at_least_six_digits(self, named: Store) -> None:
        assert named.resolve("CDEF012345") == id_of(4, 0xABCDEF012345)
        assert named.resolve("8000-abcdef012345") == id_of(4, 0xABCDEF012345)
        with pytest.raises(ExecutionNotFoundError, match="at least 6"):
            named.resolve("12345")

    def test_several_answers_are_named_newest_first(self, named: Store) -> None:
        with pytest.raises(AmbiguousReferenceError) as by_external_id:
            named.resolve("job-2")
        with pytest.raises(AmbiguousReferenceError) as by_ending:
            named.resolve("012345")

        assert by_external_id.value.candidates == (id_of(3), id_of(2))
        assert by_ending.value.candidates == (
            id_of(6, 0x777777012345),
            id_of(4, 0xABCDEF012345),
        )

    @pytest.mark.parametrize(
        "ref", [UNKNOWN, "", "nothing", "ffffff", "\ud800", "a\0b", id_of(99), "9" * 5000]
    )
    def test_nothing_fits(self, named: Store, ref: str) -> None:
        with pytest.raises(ExecutionNotFoundError):
            named.resolve(ref)

    def test_latest_of_an_empty_store(self, store: Store) -> None:
        with pytest.raises(ExecutionNotFoundError, match="no execution yet"):
            store.resolve("latest")

    def test_stubs_are_no_answer(self, store: Store) -> None:
        store.apply([started(2, parent=1), finished(3)])

        for ref in (id_of(1), id_of(3), id_of(1)[-12:], id_of(3)[-12:]):
            with pytest.raises(ExecutionNotFoundError):
                store.resolve(ref)


class TestMetadata:
    def test_history_tells_old_and_new(self, store: Store) -> None:
        store.apply([started(1, metadata={"a": 1, "b": None})])
        store.apply([edited(1, 70, a=3)])
        store.apply([edited(1, 50, a=2, c=True), edited(1, 60, unset=["b", "z"])])

        changes = store.history(id_of(1))

        assert [(c.key, c.had_old, c.old, c.has_new, c.new) for c in changes] == [
            ("a", True, 1, True, 2),
            ("c", False, None, True, True),
            ("b", True, None, False, None),
            ("z", False, None, False, None),
            ("a", True, 2, True, 3),
        ]
        assert {c.by for c in changes} == {"ada"}
        assert store.get(id_of(1)).metadata == {"a": 3, "c": True}

    def test_edits_are_found_and_old_values_are_not(self, store: Store) -> None:
        store.apply([started(1, metadata={"env": "dev", "gone": 1}), started(2)])
        store.apply([edited(1, 50, env="prod", unset=["gone"])])

        assert numbers(store.list(ask("env=prod")).executions) == [1]
        assert store.list(ask("env=dev")).executions == ()
        assert store.list(ask("has(gone)")).executions == ()
        assert numbers(store.list(ask("not has(gone)")).executions) == [2, 1]

    def test_history_without_edits(self, store: Store) -> None:
        store.apply([started(1)])

        assert store.history(id_of(1)) == ()
        with pytest.raises(ExecutionNotFoundError):
            store.history(UNKNOWN)

    def test_keys_with_their_most_frequent_values(self, store: Store) -> None:
        store.apply(
            [
                started(1, metadata={"env": "prod", "n": 5}),
                started(2, metadata={"env": "prod", "n": 5.0}),
                started(3, metadata={"env": "dev", "n": "5", "deep": {"a": [1]}}),
                started(4, metadata={"env": "test"}),
            ]
        )

        stats = store.keys(Query(), values=2)

        assert [(s.key, s.executions, s.sampled) for s in stats] == [
            ("env", 4, False),
            ("n", 3, False),
            ("deep", 1, False),
        ]
        assert stats[0].values == (("prod", 2), ("dev", 1))
        assert stats[1].values == ((5, 2), ("5", 1))
        assert stats[2].values == (({"a": [1]}, 1),)
        assert [s.key for s in store.keys(ask("env=test"))] == ["env"]
        assert store.keys(ask("env=none")) == ()

    def test_key_names_are_those_in_use(self, store: Store) -> None:
        assert store.key_names() == ()

        store.apply([started(1, metadata={"b": 1, "a": {"x": 1}, "gone": 1})])
        store.apply([edited(1, 50, c=2, unset=["gone"])])

        assert store.key_names() == ("a", "a.x", "b", "c")


class TestRunning:
    def test_names_what_a_writer_left_running(self, store: Store) -> None:
        store.apply(
            [
                started(1),
                started(2),
                finished(2),
                started(3, owner="host"),
                started(4)._replace(order=(9, 8, 1)),
                finished(5)._replace(order=(9, WRITER, 1)),
                started(6, status="queued"),
            ]
        )

        assert store.running(WRITER) == (id_of(1), id_of(6))
        assert store.running(8) == (id_of(4),)
        assert store.running(9) == ()


class TestUpkeep:
    def test_a_healthy_store_has_no_problems(self, store: Store) -> None:
        seen: list[tuple[int, int]] = []
        store.apply([started(1), started(2, parent=1), finished(9), edited(1, 50, n=2)])

        report = store.check(lambda done, total: seen.append((done, total)))

        assert (report.executions, report.problems) == (2, ())
        assert seen[-1][0] == seen[-1][1]

    def test_reindex_changes_no_answer(self, store: Store) -> None:
        store.apply([started(1), started(2, parent=1), edited(1, 50, n="x")])
        before = store.list(ask("n=x or n=2"))

        assert store.reindex() == 2
        assert store.list(ask("n=x or n=2")) == before
        assert store.check().problems == ()

    def test_stats_count_executions_and_edits(self, store: Store) -> None:
        store.apply([started(1), started(2, parent=3), edited(1, 50, n=2, m=3)])

        stats = store.stats()

        assert (stats.executions, stats.edits) == (2, 2)
        assert stats.size_bytes >= 0
        assert stats.schema


class TestReaders:
    def test_empty_store(self, store: Store) -> None:
        page = store.list(Query())

        assert (page.executions, page.next_cursor, page.total) == ((), None, 0)
        assert store.count(Query()) == (0, False)
        assert store.keys(Query()) == ()
        with pytest.raises(ExecutionNotFoundError) as caught:
            store.get(UNKNOWN)
        assert UNKNOWN in str(caught.value)
        assert caught.value.exit_code == 1

    def test_tenant_is_on_every_execution(self, store: Store) -> None:
        store.apply([started(1)])

        assert store.get(id_of(1)).tenant == store.tenant == ""
