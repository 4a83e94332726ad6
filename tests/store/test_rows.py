"""A row gives back the state that it was made of, and shows what the state shows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store.drawn_events import IDS, STRANGER, events, plain_lives

from execmeta.model.event import Event
from execmeta.model.fold import Fold, fold
from execmeta.model.ids import id_bytes
from execmeta.store.sql.fresh import ended_row, fresh_row
from execmeta.store.sql.rows import (
    COLUMNS,
    Row,
    fold_to_row,
    json_text,
    row_to_execution,
    row_to_fold,
)

OWN = IDS[0]
TIDS = {name: 100 + place for place, name in enumerate([*IDS, STRANGER])}


def row_of(state: Fold) -> Row:
    start = state.start
    root = start and (start.root_id or start.parent_id)
    return fold_to_row(
        state,
        TIDS[OWN],
        id_bytes(OWN),
        TIDS[start.parent_id] if start and start.parent_id else None,
        TIDS[root] if root and root != OWN else None,
    )


def text(state: Fold) -> str:
    # As text: Python takes 1, 1.0 and True for the same.
    conflict = state.outcome is not None and state.conflict == state.outcome.attempt
    parts = [state.start, state.restart, state.outcome, conflict, sorted(state.flags)]
    return json_text([*parts, sorted(map(json_text, state.edits.values()))])


def own(said: list[Event]) -> list[Event]:
    return [event._replace(execution_id=OWN) for event in said if event.body.get("parent") != OWN]


@settings(deadline=None)
@given(st.lists(events(), max_size=6).map(own))
def test_a_row_gives_its_state_back(said: list[Event]) -> None:
    state = fold(said)

    row = row_of(state)

    assert text(row_to_fold(row, state.edits.values())) == text(state)


@settings(deadline=None)
@given(st.lists(events(), max_size=6).map(own))
def test_a_row_shows_what_the_state_shows(said: list[Event]) -> None:
    state = fold(said)
    shown = state.execution(OWN)

    row = row_of(state)

    assert (row.kind is None) == (shown is None)
    if shown is not None:
        assert repr(row_to_execution(row)) == repr(_sorted_documents(shown))


def _sorted_documents(shown: Any) -> Any:
    def canonical(document: Any) -> Any:
        return json.loads(json_text(document))

    iterator = shown.iterator and replace(shown.iterator, item=canonical(shown.iterator.item))
    return replace(
        shown,
        metadata=canonical(shown.metadata),
        attributes=canonical(shown.attributes),
        sources=canonical(shown.sources),
        iterator=iterator,
        duration_s=None if shown.duration_s is None else float(shown.duration_s),
    )


@settings(deadline=None)
@given(plain_lives().map(own) | st.lists(events(), min_size=1, max_size=2).map(own))
def test_the_short_way_gives_the_row_of_the_fold(said: list[Event]) -> None:
    if not said:
        return
    expected = row_of(fold(said))
    start = next((event for event in said if event.type == "started"), said[0])
    parent, root = start.body.get("parent"), start.body.get("root")

    row = fresh_row(
        said,
        TIDS[OWN],
        id_bytes(OWN),
        TIDS[parent] if parent else None,
        TIDS[root] if root and root != OWN else None,
    )

    assert row is None or row == expected[: len(COLUMNS)]


@settings(deadline=None)
@given(plain_lives().map(own), st.lists(events(), min_size=1, max_size=1).map(own))
def test_the_short_way_to_an_end_gives_the_row_of_the_fold(
    said: list[Event], more: list[Event]
) -> None:
    for end in (said[1:], more):
        if end:
            row = ended_row(row_of(fold(said[:1])), end)
            assert row is None or row == row_of(fold([said[0], *end]))


@pytest.mark.parametrize(
    "said",
    [
        [Event("started", OWN, (1, 1, 0), 5, {"kind": "test", "name": "a"})],
        [
            Event("started", OWN, (1, 1, 0), 5, {"kind": "test", "name": "a", "root": OWN}),
            Event("finished", OWN, (1, 1, 1), 9, {"status": "failed", "duration": 0.5}),
        ],
    ],
)
def test_common_lives_take_the_short_way_and_need_no_fold(said: list[Event]) -> None:
    row = fresh_row(said, 1, id_bytes(OWN), None, None)

    assert row is not None
    assert (row[-1] or "").strip("dr") == ""


def test_a_stub_is_no_execution() -> None:
    with pytest.raises(ValueError, match="stub"):
        row_to_execution(row_of(fold([])))
