"""Event: one fact about one execution, with an order key; everything that happens is one.

The row of an execution is a fold over the set of its events (`model.fold`). A body holds only
what was said: a key that is absent or None says nothing.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypedDict

from execmeta.model.clock import Order
from execmeta.model.execution import Json
from execmeta.model.ids import ExecutionId

EVENT_VERSION: Final = 1
"""Major version of the line format; a reader keeps lines of a higher one untouched."""

STARTED: Final = "started"
FINISHED: Final = "finished"
EDITED: Final = "edited"
EVENT_TYPES: Final = frozenset({STARTED, FINISHED, EDITED})
"""Types that this release applies. A line of another type stays in the spool and is reported."""


class ErrorBody(TypedDict, total=False):
    """Why it failed; see `ErrorInfo`."""

    type: str
    message: str
    where: str | None


class IteratorBody(TypedDict, total=False):
    """Place in a loop; see `IteratorContext`."""

    index: int
    count: int | None
    item: Json


class StartedBody(TypedDict, total=False):
    """`kind` and `name` are required. With `ended` it tells a whole life in one line."""

    kind: str
    name: str
    parent: str | None
    root: str | None
    depth: int
    attempt: int
    status: str
    """`running` when absent."""
    started: int
    """Microseconds since 1970 UTC; the event's `at` when absent."""
    ended: int
    duration: float
    """Seconds by a monotonic clock; the difference of the times when absent."""
    metadata: dict[str, Json]
    sources: dict[str, str]
    attributes: dict[str, Json]
    iterator: IteratorBody
    external_id: str
    trace_id: str
    span_id: str
    owner: str
    """`process`: it becomes `lost` when the process that recorded it dies. `host`: never."""
    error: ErrorBody
    flags: list[str]


class FinishedBody(TypedDict, total=False):
    """`status` is required and one of the ended ones."""

    status: str
    attempt: int
    ended: int
    duration: float
    attributes: dict[str, Json]
    trace_id: str
    span_id: str
    error: ErrorBody
    flags: list[str]
    inferred: bool
    """Concluded by somebody else, such as `lost`; an observed end wins over it."""


class EditedBody(TypedDict, total=False):
    """New values only; old ones are derived when the history is read."""

    set: dict[str, Json]
    unset: list[str]
    by: str
    """Who edited, as a person reads it."""


class Event(NamedTuple):
    """One fact. Equal events are the same fact."""

    type: str
    execution_id: ExecutionId
    order: Order
    at: int
    """When it was said, microseconds since 1970 UTC, by the wall clock of its process."""
    body: dict[str, Any]
    """StartedBody, FinishedBody or EditedBody, by `type`."""
    tenant: str = ""
