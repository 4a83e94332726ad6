"""Recorder: what a program calls when an execution starts, ends or is edited; never raises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from execmeta.model.clock import HybridClock
from execmeta.model.execution import ErrorInfo, IteratorContext, Json
from execmeta.model.ids import ExecutionId, new_id
from execmeta.recording.context import Context
from execmeta.recording.counters import Counters

if TYPE_CHECKING:
    from execmeta.settings import Settings


class Shipped(NamedTuple):
    """What `Recorder.close` achieved."""

    stored: int
    """Events that the store has now."""
    left: int
    """Events that stay in the spool for the next command to deliver."""
    reason: str | None = None
    """Why some stayed, in words for the user; None when none did."""


class Recorder:
    """Records executions of this process into its spool segment.

    Nothing is opened before the first event. No method raises, whatever happens to disk, store or
    hooks: `counters` says what was lost and why (KeyboardInterrupt and SystemExit pass through).
    Any thread may call it, a forked child too.
    """

    def __init__(
        self, settings: Settings, *, clock: HybridClock | None = None, plugins: object | None = None
    ) -> None:
        self.settings = settings
        self.counters = Counters()
        self._clock = clock or HybridClock()

    def start(
        self,
        kind: str,
        name: str,
        *,
        metadata: Mapping[str, Json] | None = None,
        sources: Mapping[str, str] | None = None,
        attributes: Mapping[str, Json] | None = None,
        parent: Context | None = None,
        iterator: IteratorContext | None = None,
        external_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        attempt: int = 1,
        owner: str = "process",
        execution_id: ExecutionId | None = None,
        started_at: int | None = None,
    ) -> Context:
        """Record that an execution runs now; the context that its children get.

        Args:
            metadata: what was said about this execution; the parent's keys are added below it.
            sources: key to `env`, `config` or `adapter`; a key not listed is the user's.
            attempt: from 1; a repeated one of the same `execution_id`.
            owner: `process`: it becomes `lost` when this process dies; `host`: it never does.
            started_at: microseconds since 1970 UTC, now by default.
        """
        found = execution_id or new_id(started_at)
        root = parent.root_id if parent else found
        return Context(found, root, parent.depth + 1 if parent else 0, kind)

    def finish(
        self,
        execution_id: ExecutionId,
        status: str,
        *,
        attempt: int = 1,
        ended_at: int | None = None,
        duration_s: float | None = None,
        attributes: Mapping[str, Json] | None = None,
        error: ErrorInfo | None = None,
        flags: Iterable[str] = (),
        trace_id: str | None = None,
        span_id: str | None = None,
    ) -> None:
        """Record how an execution ended: `success`, `failed`, `skipped` or `cancelled`."""

    def complete(
        self,
        kind: str,
        name: str,
        *,
        status: str,
        metadata: Mapping[str, Json] | None = None,
        sources: Mapping[str, str] | None = None,
        attributes: Mapping[str, Json] | None = None,
        parent: Context | None = None,
        iterator: IteratorContext | None = None,
        external_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        attempt: int = 1,
        owner: str = "process",
        execution_id: ExecutionId | None = None,
        started_at: int | None = None,
        ended_at: int | None = None,
        duration_s: float | None = None,
        error: ErrorInfo | None = None,
        flags: Iterable[str] = (),
    ) -> ExecutionId:
        """Record a whole life in one line: start and end are known together."""
        return execution_id or new_id(started_at)

    def edit(
        self,
        execution_id: ExecutionId,
        set: Mapping[str, Json] | None = None,
        unset: Iterable[str] = (),
        by: str = "",
    ) -> None:
        """Record a change of metadata after the start; kept for ever as history."""

    def close(self, timeout_s: float | None = None) -> Shipped:
        """Deliver this process' own events in line, within `timeout_s` (0.5 s by default).

        What cannot be delivered stays in the spool. A closed recorder may be used again.
        """
        return Shipped(0, 0)
