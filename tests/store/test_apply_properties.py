"""The same set of events gives the same file, whatever the order, the batches, the repeats."""

from __future__ import annotations

import itertools
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.drawn_events import IDS, SECOND, STRANGER, TWIN, events, plain_lives
from store.dumps import dump, expected_tokens, missing_values, stored_rows

from execmeta.model.event import Event
from execmeta.model.fold import fold, outcome_of
from execmeta.model.ids import id_bytes, id_text, tid_of
from execmeta.store.sql.apply import Batch, groups_of
from execmeta.store.sql.connection import connect, write_transaction
from execmeta.store.sql.indexing import Indexer
from execmeta.store.sql.lockfile import LockFile
from execmeta.store.sql.rows import Row, json_text, row_to_execution, row_to_fold

Apply = Callable[[Sequence[Sequence[Event]]], Path]
SAID = st.lists(events(), max_size=8) | st.lists(
    plain_lives() | events().map(lambda event: [event]), max_size=4
).map(lambda groups: list(itertools.chain(*groups)))
quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def apply_batches(
    path: Path, batches: Sequence[Sequence[Event]], batch: type[Batch] = Batch
) -> Path:
    connection, lock = connect(path), LockFile(path)
    connection.execute("PRAGMA synchronous = OFF")  # Hundreds of files; none has to last.
    indexer = Indexer(connection)
    for said in batches:
        with write_transaction(connection, lock):
            indexer.begin("1.0")
            batch(connection, indexer).apply(groups_of(said, "")[0])
    connection.close()
    lock.close()
    return path


@pytest.fixture
def fresh_path(tmp_path: Path) -> Callable[[], Path]:
    numbers = itertools.count()
    connect(tmp_path / "empty.db").close()
    return lambda: Path(shutil.copy(tmp_path / "empty.db", tmp_path / f"{next(numbers)}.db"))


def scattered(said: list[Event], rng: random.Random) -> list[list[Event]]:
    """All of them in some order, some twice, in some batches."""
    shuffled = said + (rng.choices(said, k=rng.randrange(4)) if said else [])
    rng.shuffle(shuffled)
    batches: list[list[Event]] = [[]]
    for event in shuffled:
        if rng.random() < 0.5:
            batches.append([])
        batches[-1].append(event)
    return batches


@quick
@given(SAID, st.randoms(use_true_random=False))
def test_order_batches_and_repeats_do_not_matter(
    fresh_path: Callable[[], Path], said: list[Event], rng: random.Random
) -> None:
    at_once = dump(apply_batches(fresh_path(), [said]))

    piecemeal = dump(apply_batches(fresh_path(), scattered(said, rng)))

    assert piecemeal == at_once


@quick
@given(SAID, st.randoms(use_true_random=False))
def test_rows_show_what_the_fold_shows(
    fresh_path: Callable[[], Path], said: list[Event], rng: random.Random
) -> None:
    groups = defaultdict(list)
    for event in said:
        groups[event.execution_id].append(event)
    folded = {name: fold(group).execution(name) for name, group in groups.items()}

    path = apply_batches(fresh_path(), scattered(said, rng))

    shown = {id_text(row.id): view(row) for row in stored_rows(path) if row.kind is not None}
    assert shown == {
        name: json_text(_plain(found)) for name, found in folded.items() if found is not None
    }


def view(row: Row) -> str:
    return json_text(_plain(row_to_execution(row)))


def _plain(shown: Any) -> list[Any]:
    duration = None if shown.duration_s is None else float(shown.duration_s)
    iterator = shown.iterator and [
        shown.iterator.index,
        shown.iterator.count,
        shown.iterator.item,
    ]
    error = shown.error and [shown.error.type, shown.error.message, shown.error.where]
    return [
        *(shown.id, shown.kind, shown.name, shown.status, shown.started_at, shown.root_id),
        *(shown.parent_id, shown.depth, shown.ended_at, duration, shown.attempt),
        *(dict(shown.metadata), dict(shown.attributes), iterator, shown.trace_id),
        *(shown.span_id, shown.external_id, error, dict(shown.sources), shown.flags),
    ]


@quick
@given(SAID, st.randoms(use_true_random=False))
def test_index_and_dictionary_hold_what_the_rows_ask_for(
    fresh_path: Callable[[], Path], said: list[Event], rng: random.Random
) -> None:
    path = apply_batches(fresh_path(), scattered(said, rng))

    assert dump(path)["tokens"] == expected_tokens(path)
    assert missing_values(path) == set()


def test_the_property_catches_a_batch_where_the_last_arrival_wins(tmp_path: Path) -> None:
    class LastArrival(Batch):
        def _join(self, old: Row, events: list[Event]) -> bool:
            state = row_to_fold(old)
            state.outcome = outcome_of(events[-1])
            self._update(old, self._row(state, events[0].execution_id, old.tid, old.id))
            return True

    start = Event("started", IDS[0], (1, 1, 0), SECOND, {"kind": "task", "name": "a"})
    end = Event("finished", IDS[0], (2, 1, 1), 2 * SECOND, {"status": "failed"})
    late = Event("finished", IDS[0], (3, 1, 2), 3 * SECOND, {"status": "lost", "inferred": True})
    at_once = dump(apply_batches(tmp_path / "a.db", [[start, end, late]]))

    wrong = apply_batches(tmp_path / "b.db", [[start], [end], [late]], LastArrival)
    right = apply_batches(tmp_path / "c.db", [[start], [end], [late]])

    assert dump(wrong) != at_once
    assert dump(right) == at_once


def test_ids_that_share_a_key_get_rows_of_their_own(tmp_path: Path) -> None:
    assert tid_of(id_bytes(TWIN)) == tid_of(id_bytes(IDS[0]))
    one, two = (
        Event("started", name, (1, 1, place), SECOND, {"kind": "task", "name": str(place)})
        for place, name in enumerate([IDS[0], TWIN])
    )

    path = apply_batches(tmp_path / "a.db", [[one], [two, one], [two]])

    rows = stored_rows(path)
    assert {id_text(row.id): row.name for row in rows} == {IDS[0]: "0", TWIN: "1"}
    assert len({row.tid for row in rows}) == 2


def test_a_parent_that_never_starts_is_an_unseen_stub(tmp_path: Path) -> None:
    child = Event(
        "started", IDS[0], (1, 1, 0), SECOND, {"kind": "task", "name": "a", "parent": STRANGER}
    )

    path = apply_batches(tmp_path / "a.db", [[child]])

    stub, row = sorted(stored_rows(path), key=lambda row: row.kind is not None)
    assert (id_text(stub.id), stub.kind, stub.fold) == (STRANGER, None, None)
    assert (row.parent_tid, row.root_tid) == (stub.tid, stub.tid)
    assert {tid for _, tid in dump(path)["tokens"]} == {row.tid}
