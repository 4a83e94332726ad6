"""JSON shapes are exact, and malformed events are named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from execmeta.codec import (
    UnknownEventError,
    event_from_json,
    event_to_json,
    execution_to_json,
    time_text,
)
from execmeta.errors import EventError
from execmeta.model.event import Event
from execmeta.model.execution import ErrorInfo, Execution, IteratorContext
from execmeta.model.ids import ExecutionId

RUN = ExecutionId("0190a5d0-7c1e-7abc-8def-0123456789ab")


def line(**changes: Any) -> dict[str, Any]:
    body = {"kind": "command", "name": "train", "metadata": {"env": "prod"}}
    shape = event_to_json(Event("started", RUN, (7, 8, 9), 1_000, body))
    return json.loads(json.dumps({**shape, **changes}))


def test_an_event_survives_the_round_trip() -> None:
    assert event_to_json(event_from_json(line())) == {**line(), "o": (7, 8, 9)}


@pytest.mark.parametrize("changes", [{"v": 999}, {"t": "span"}, {"v": None}])
def test_a_newer_line_is_told_apart_from_a_broken_one(changes: dict[str, Any]) -> None:
    with pytest.raises(UnknownEventError, match="kept"):
        event_from_json(line(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"o": [1, 2]}, "three integers"),
        ({"o": [1, 2, -3]}, "three integers"),
        ({"at": "now"}, "microseconds"),
        ({"at": 10**20}, "microseconds"),
        ({"x": "latest"}, "not an execution id"),
        ({"x": "0190a5d0-7c1e-4abc-8def-0123456789ab"}, "UUIDv7"),
        ({"b": {"name": "n"}}, "needs `kind`"),
        ({"b": {"kind": "task", "name": "n", "parent": RUN}}, "own parent"),
        ({"b": {"kind": "task", "name": "n", "status": "done"}}, "`status`"),
        ({"b": {"kind": "task", "name": "n", "iterator": {}}}, "`iterator`"),
        ({"b": {"kind": "task", "name": "n", "trace_id": 5}}, "`trace_id`"),
        ({"b": {"kind": "task", "name": "n", "duration": float("nan")}}, "`duration`"),
        ({"t": "finished", "b": {"status": "running"}}, "ended status"),
    ],
)
def test_a_malformed_event_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EventError, match=message) as caught:
        event_from_json(line(**changes))
    assert not isinstance(caught.value, UnknownEventError)


def test_unknown_fields_of_a_known_event_are_let_through() -> None:
    body = {"kind": "task", "name": "n", "new_in_v2": 1}

    assert event_from_json(line(b=body)).body["new_in_v2"] == 1


def test_the_public_shape_has_every_member_in_order() -> None:
    execution = Execution(
        id=RUN,
        kind="test",
        name="t",
        status="failed",
        started_at=1,
        root_id=RUN,
        iterator=IteratorContext(2, 4, {"user": "Ann"}),
        error=ErrorInfo("ValueError", "no", "t.py:3"),
    )

    shape = execution_to_json(execution)

    assert (
        list(shape)
        == (
            "id external_id parent_id root_id kind name status started_at ended_at duration_s "
            "attempt metadata attributes iterator trace_id span_id error"
        ).split()
    )
    assert shape["iterator"] == {"index": 2, "count": 4, "item": {"user": "Ann"}}
    assert shape["started_at"] == "1970-01-01T00:00:00.000001Z"
    assert json.loads(json.dumps(shape)) == shape


def test_the_last_time_that_python_holds_can_be_shown() -> None:
    assert time_text(253_402_300_799_999_999) == "9999-12-31T23:59:59.999999Z"
