"""The fold gives one state for one set of events, whatever way they arrive."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execmeta.model.event import Event
from execmeta.model.fold import Fold, edits_of, fold, history_of
from execmeta.model.ids import ExecutionId

RUN = ExecutionId("0190a5d0-7c1e-7abc-8def-0123456789ab")
PARENT = ExecutionId("0190a5d0-7c1e-7abc-8def-0123456789aa")
SECOND = 1_000_000


def started(stamp: int = 1, writer: int = 1, seq: int = 0, **body: Any) -> Event:
    body = {"kind": "command", "name": "train", **body}
    return Event("started", RUN, (stamp, writer, seq), stamp * SECOND, body)


def finished(stamp: int = 2, writer: int = 1, seq: int = 1, **body: Any) -> Event:
    body = {"status": "success", **body}
    return Event("finished", RUN, (stamp, writer, seq), stamp * SECOND, body)


def edited(stamp: int = 3, writer: int = 1, seq: int = 2, **body: Any) -> Event:
    return Event("edited", RUN, (stamp, writer, seq), stamp * SECOND, body)


def view(events: list[Event]) -> Any:
    state = fold(events)
    history = history_of(state.start.metadata if state.start else {}, state.edits.values())
    # As text: Python takes 1, 1.0 and True for the same. The order of keys means nothing.
    shown = state.execution(RUN)
    told = [shown and asdict(shown), [asdict(change) for change in history]]
    return json.dumps(told, sort_keys=True)


ORDERS = st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(0, 3))
VALUES = st.sampled_from([0, 1, 1.0, True, "1", None])
STATUSES = st.sampled_from(["running", "success", "failed", "skipped", "cancelled", "lost"])


@st.composite
def events(draw: st.DrawFn) -> Event:
    order = draw(ORDERS)
    at = draw(st.integers(0, 5)) * SECOND
    attempt = draw(st.integers(1, 3))
    flags = draw(st.lists(st.sampled_from(["truncated", "sanitized"]), max_size=1))
    kind = draw(st.sampled_from(["started", "finished", "edited"]))
    body: dict[str, Any]
    if kind == "started":
        body = {
            "kind": draw(st.sampled_from(["task", "test"])),
            "name": draw(st.sampled_from(["a", "b"])),
            "attempt": attempt,
            "status": draw(STATUSES),
            "metadata": draw(st.dictionaries(st.sampled_from("kl"), VALUES)),
            "attributes": draw(st.dictionaries(st.sampled_from("xy"), st.integers(0, 1))),
            "flags": flags,
        }
    elif kind == "finished":
        body = {
            "status": draw(STATUSES.filter(lambda status: status != "running")),
            "attempt": attempt,
            "attributes": draw(st.dictionaries(st.sampled_from("xy"), st.integers(0, 1))),
            "inferred": draw(st.booleans()),
            "flags": flags,
        }
    else:
        body = {
            "set": draw(st.dictionaries(st.sampled_from("kl"), VALUES)),
            "unset": draw(st.lists(st.sampled_from("mn"), max_size=1)),
            "by": draw(st.sampled_from(["ann", "bob"])),
        }
    return Event(kind, RUN, order, at, body)


@given(st.lists(events(), max_size=8), st.randoms(use_true_random=False))
def test_order_and_duplication_do_not_matter(said: list[Event], rng: random.Random) -> None:
    again = said + rng.choices(said, k=3) if said else []
    rng.shuffle(again)

    assert view(again) == view(said)


@given(st.lists(events(), max_size=8))
def test_adding_what_was_added_before_changes_nothing(said: list[Event]) -> None:
    state = fold(said)

    changed = [state.add(event) for event in said]

    assert not any(changed)


def test_the_property_catches_a_last_arrival_wins_fold() -> None:
    class LastArrival(Fold):
        def _add_outcome(self, new: Any) -> bool:
            self.outcome = new
            return True

    said = [started(), finished(2), finished(3, status="failed")]
    forwards, backwards = LastArrival(), LastArrival()
    for event in said:
        forwards.add(event)
    for event in reversed(said):
        backwards.add(event)

    assert forwards.execution(RUN) != backwards.execution(RUN)
    assert view(said) == view(said[::-1])


def test_one_line_can_tell_a_whole_life() -> None:
    whole = fold([started(1, status="failed", ended=4 * SECOND, duration=2.5)]).execution(RUN)

    assert whole is not None
    assert (whole.status, whole.ended_at, whole.duration_s) == ("failed", 4 * SECOND, 2.5)


def test_nothing_is_shown_before_the_start_is_known() -> None:
    assert fold([finished(), edited(set={"k": 1})]).execution(RUN) is None


def test_the_smallest_start_of_an_attempt_wins_whole() -> None:
    early = started(1, name="early", metadata={"a": 1})
    late = started(2, name="late", metadata={"b": 2})

    shown = fold([late, early]).execution(RUN)

    assert shown is not None
    assert (shown.name, shown.metadata, shown.started_at) == ("early", {"a": 1}, SECOND)


def test_a_higher_attempt_adds_status_and_times_but_never_metadata() -> None:
    first = started(1, attempt=1, metadata={"a": 1})
    second = started(5, attempt=2, metadata={"b": 2})
    end = finished(6, attempt=2, status="failed")

    shown = fold([end, second, finished(2), first]).execution(RUN)

    assert shown is not None
    assert (shown.metadata, shown.attempt, shown.status) == ({"a": 1}, 2, "failed")
    assert (shown.started_at, shown.duration_s) == (5 * SECOND, 1.0)


def test_an_observed_end_wins_over_a_later_inferred_one() -> None:
    lost = finished(9, status="lost", inferred=True)

    for said in ([started(), finished(), lost], [lost, started(), finished()]):
        shown = fold(said).execution(RUN)
        assert shown is not None
        assert (shown.status, shown.flags) == ("success", ())


def test_two_observed_ends_that_differ_are_flagged() -> None:
    shown = fold([started(), finished(2), finished(3, status="failed")]).execution(RUN)

    assert shown is not None
    assert (shown.status, shown.flags) == ("failed", ("status_conflict",))


def test_an_end_before_the_start_has_no_duration_and_a_flag() -> None:
    shown = fold([started(5), finished(2)]).execution(RUN)

    assert shown is not None
    assert (shown.duration_s, shown.flags) == (None, ("clock_skew",))


def test_edits_lie_over_the_start_even_when_it_arrives_later() -> None:
    said = [
        edited(0, set={"env": "prod"}, unset=["old"]),
        started(1, metadata={"old": 1, "env": "x"}),
    ]

    shown = fold(said).execution(RUN)

    assert shown is not None
    assert shown.metadata == {"env": "prod"}


def test_an_edited_key_is_the_users_own() -> None:
    begin = started(metadata={"a": 1, "b": 2}, sources={"a": "env", "b": f"inherited:{PARENT}"})

    shown = fold([begin, edited(set={"a": 5})]).execution(RUN)

    assert shown is not None
    assert shown.sources == {"b": f"inherited:{PARENT}"}


def test_history_gives_the_replaced_value_of_every_key() -> None:
    first = edited(3, set={"env": "prod"}, by="ann")
    second = edited(4, set={"env": "dev"}, unset=["team"], by="bob")

    changes = history_of({"team": "x"}, edits_of(second) + edits_of(first))

    assert [(c.key, c.had_old, c.old, c.has_new, c.new, c.by) for c in changes] == [
        ("env", False, None, True, "prod", "ann"),
        ("env", True, "prod", True, "dev", "bob"),
        ("team", True, "x", False, None, "bob"),
    ]


def test_a_finish_may_add_attributes_and_trace() -> None:
    begin = started(attributes={"git.sha": "1"})
    end = finished(attributes={"pytest.passed": 3}, trace_id="ab" * 16)

    shown = fold([begin, end]).execution(RUN)

    assert shown is not None
    assert shown.attributes == {"git.sha": "1", "pytest.passed": 3}
    assert shown.trace_id == "ab" * 16


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="span"):
        Fold().add(Event("span", RUN, (1, 1, 1), 0, {}))
