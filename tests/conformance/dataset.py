"""Dataset: the executions that every target of the filter language is asked about.

Built from `started` events, so that a store holds exactly what `executions()` gives. Labels name
executions in the table of cases; a label's part before the last point is its parent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from conformance.dataset_rows import ROWS

from execmeta.errors import AmbiguousReferenceError, ExecutionNotFoundError
from execmeta.model.event import STARTED, Event
from execmeta.model.execution import Execution
from execmeta.model.fold import fold
from execmeta.model.ids import ExecutionId

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def us(text: str) -> int:
    """Microseconds since 1970 UTC of an ISO time, UTC where it names no offset."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    span = moment - EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


NOW_US: Final = us("2026-02-10T12:00:00")
"""What `now` is in every case; a Tuesday noon."""
UNKNOWN_ID: Final = "01900000-0000-7000-8000-00000000dead"
"""A well-formed id that no execution has."""

LABELS: Final = tuple(ROWS)

_TAILS: Final = {"twin1": "aaaa00beef01", "twin2": "bbbb00beef01"}
"""Last 12 digits where they are not the running number: two ids with one ending."""


@cache
def id_of(label: str) -> ExecutionId:
    """The id of a label: its start time, and a tail that no other label has."""
    number = LABELS.index(label) + 1
    milliseconds = us(ROWS[label][0]) // 1000
    digits = f"{milliseconds:012x}7{number:03x}8{0:03x}{_TAILS.get(label, f'c0de00{number:06x}')}"
    return ExecutionId(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")


def label_of(execution_id: str) -> str:
    """The label of an id."""
    return next(label for label in LABELS if id_of(label) == execution_id)


def events() -> list[Event]:
    """One `started` event for each execution, parents first."""
    return [_event(number, label) for number, label in enumerate(LABELS, 1)]


def _event(number: int, label: str) -> Event:
    text, seconds, status, kind, name, rest = ROWS[label]
    started = us(text)
    body: dict[str, Any] = {
        "kind": kind,
        "name": name,
        "status": status,
        "started": started,
        "owner": "host",
        **rest,
    }
    above = label.split(".")[:-1]
    if above:
        body |= {"parent": id_of(".".join(above)), "root": id_of(above[0]), "depth": len(above)}
    if seconds is not None:
        body["ended"] = started + round(seconds * 1_000_000)
    return Event(STARTED, id_of(label), (number, 1, number), started, body)


def executions() -> list[Execution]:
    """Every execution as a reader sees it, parents first."""
    found = [fold([event]).execution(event.execution_id) for event in events()]
    return [execution for execution in found if execution is not None]


def resolve(ref: str) -> ExecutionId:
    """`Store.resolve` over the dataset, for targets that are no store: full ids and endings."""
    ids = [id_of(label) for label in LABELS]
    fitting = [each for each in ids if each.replace("-", "").endswith(ref.replace("-", ""))]
    if not fitting:
        raise ExecutionNotFoundError(f"no execution ends in {ref}")
    if len(fitting) > 1:
        raise AmbiguousReferenceError(f"several executions end in {ref}", fitting[::-1])
    return fitting[0]
