"""Recorder: what a program calls when an execution starts, ends or is edited; never raises."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Iterable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from execmeta.codec import event_text
from execmeta.errors import StoreUnavailableError
from execmeta.hooks.manager import Plugins
from execmeta.model.clock import HybridClock, wall_us
from execmeta.model.event import EDITED, FINISHED, STARTED, Event
from execmeta.model.execution import ErrorInfo, IteratorContext, Json
from execmeta.model.ids import ExecutionId, id_text, new_id
from execmeta.recording.context import Context
from execmeta.recording.counters import Counters
from execmeta.recording.drafts import Draft, Drafter, Started
from execmeta.recording.environment import environment_attributes
from execmeta.recording.notices import Notices
from execmeta.recording.outbox import Outbox, warn
from execmeta.recording.shipper import ship
from execmeta.spool.lines import to_line
from execmeta.spool.paths import Place, places
from execmeta.store.base import Store
from execmeta.store.opening import label_of, open_store

if TYPE_CHECKING:
    from execmeta.settings import Settings

MEMORY: Final = "memory:"
"""URL of a store that would forget everything at once: events stay in the spool."""
MAX_WARNINGS: Final = 20
"""Different warnings of one recorder."""
MAX_OPEN: Final = 100_000
"""Executions of which a recorder remembers that they are running."""

_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


class Shipped(NamedTuple):
    """What `Recorder.close` achieved."""

    stored: int
    """Events of this process that the store has now."""
    left: int
    """Events that are not in the store, and wait for the next command to deliver them."""
    reason: str | None = None
    """Why some are left, in words for the user; None when none is."""


class Recorder:
    """Records executions of this process into its spool segment.

    Nothing is opened before the first event. No method raises an `Exception`, whatever happens to
    disk, store or hooks: `counters` says what was lost and why. What is none (KeyboardInterrupt,
    SystemExit, the time-outs that test runners and schedulers raise from signal handlers) belongs
    to the program and passes. Any thread may call it, a forked child too.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: HybridClock | None = None,
        plugins: Plugins | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock or HybridClock()
        plugins = plugins or Plugins(blocked=settings.plugins.blocked)
        self._drafter = Drafter(settings, plugins, self._note, self._surroundings, self._mind_name)
        self._notices = Notices(plugins)
        self._outbox = Outbox(self._places, _new_wid(), lambda: label_of(settings.store))
        self._warned: set[str] = set()
        self._reset()
        _recorders.add(self)

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._seq = count(1)
        self._open: set[ExecutionId] = set()
        self._facts: dict[str, Json] | None = None
        self._notices.clear()

    @property
    def counters(self) -> Counters:
        """What became of this process' events."""
        return self._outbox.counters

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
        draft = Draft(
            kind=kind,
            name=name,
            execution_id=execution_id,
            parent=parent,
            metadata=metadata,
            sources=sources,
            attributes=attributes,
            iterator=iterator,
            external_id=external_id,
            trace_id=trace_id,
            span_id=span_id,
            attempt=attempt,
            owner=owner,
            started_at=started_at,
        )
        try:
            started, hlc = self._started(draft)
            if started.stays_open and len(self._open) < MAX_OPEN:
                self._open.add(started.id)
            return started.context(hlc)
        except Exception as failure:  # this execution is lost, and counted
            self._fail(failure)
            found = _spare_id()
            return Context(found, found)

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
        """Record how an execution ended: `success`, `failed`, `skipped` or `cancelled`.

        Args:
            ended_at: microseconds since 1970 UTC, now by default.
            duration_s: seconds by a monotonic clock; the difference of the times by default.
        """
        try:
            self._mind_fork()
            body = self._drafter.finished(
                status,
                attempt=attempt,
                ended_at=ended_at,
                duration_s=duration_s,
                attributes=attributes,
                error=error,
                flags=flags,
                trace_id=trace_id,
                span_id=span_id,
            )
            self._emit(FINISHED, execution_id, wall_us(), body)
            self._open.discard(execution_id)
        except Exception as failure:  # this end is lost, and counted
            self._fail(failure)

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
        draft = Draft(
            kind=kind,
            name=name,
            execution_id=execution_id,
            parent=parent,
            metadata=metadata,
            sources=sources,
            attributes=attributes,
            iterator=iterator,
            external_id=external_id,
            trace_id=trace_id,
            span_id=span_id,
            attempt=attempt,
            owner=owner,
            started_at=started_at,
            status=status,
            ended_at=ended_at,
            duration_s=duration_s,
            error=error,
            flags=flags,
        )
        try:
            return self._started(draft)[0].id
        except Exception as failure:  # this execution is lost, and counted
            self._fail(failure)
            return _spare_id()

    def edit(
        self,
        execution_id: ExecutionId,
        set: Mapping[str, Json] | None = None,
        unset: Iterable[str] = (),
        by: str = "",
    ) -> None:
        """Record a change of metadata after the start; kept for ever as history.

        Args:
            set: new values; `unset`: keys to remove. `by`: who edits, as a person reads it.
        """
        try:
            self._mind_fork()
            body = self._drafter.edited(set or {}, unset, by)
            if body is not None:
                self._emit(EDITED, execution_id, wall_us(), body)
        except Exception as failure:  # this edit is lost, and counted
            self._fail(failure)

    def close(self, timeout_s: float | None = None) -> Shipped:
        """Deliver this process' own events in line, within `timeout_s` seconds.

        That is the setting `exit_timeout`, 0.5, by default (promise P3 of reliability.md). What
        cannot be delivered stays in the spool, and with a time-out of 0 everything does. A
        closed recorder may be used again. Executions that are still open then will be called lost,
        unless their end is recorded later.
        """
        try:
            self._mind_fork()
            return self._close(self.settings.exit_timeout if timeout_s is None else timeout_s)
        except Exception as failure:  # the events stay in the spool, for the next command
            reason = _reason_of(failure)
            self._outbox.fault(reason)
            return Shipped(self.counters.stored, self.counters.spooled, reason)

    def _close(self, timeout_s: float) -> Shipped:
        load = self._outbox.hand_over()
        counters = self.counters
        if not load.segments and not load.memory:
            return Shipped(counters.stored, counters.spooled)
        shipment = ship(load, self._open_store, timeout_s=timeout_s, unlink=not self._open)
        if shipment.undelivered:
            self._outbox.take_back(shipment.undelivered)
        self._outbox.settle(
            stored=shipment.stored,
            quarantined=shipment.quarantined,
            from_memory=shipment.from_memory,
        )
        if shipment.reason is not None:
            self._outbox.fault(shipment.reason)
        return Shipped(counters.stored, counters.spooled, shipment.reason)

    def _started(self, draft: Draft) -> tuple[Started, int]:
        """Write a start event; it and its stamp."""
        self._mind_fork()
        if draft.parent is not None:
            # So that no child is older than its parent, whatever the clocks say.
            self._clock.observe(draft.parent.hlc)
        started = self._drafter.started(draft)
        whole = draft.ended_at is not None
        return started, self._emit(STARTED, started.id, started.at, started.body, whole=whole)

    def _emit(
        self, kind: str, execution_id: ExecutionId, at: int, body: str, *, whole: bool = False
    ) -> int:
        """Write one event; the stamp it got."""
        hlc = self._clock.tick()
        if self.settings.disabled:
            return hlc
        order = (hlc, self._outbox.wid, next(self._seq))
        self._outbox.put(to_line(event_text(kind, execution_id, order, at, body)))
        if self._notices.wanted(whole):
            self._tell(Event(kind, execution_id, order, at, json.loads(body)))
        return hlc

    def _tell(self, event: Event) -> None:
        try:
            self._notices.tell(event)
        except Exception as failure:  # plug-ins do not learn of this event; it is on disk
            self._outbox.fault(_reason_of(failure))

    def _fail(self, failure: Exception) -> None:
        reason = _reason_of(failure)
        self._outbox.drop(reason)
        self._warn(f"An event was not recorded: {reason}")

    def _note(self, reason: str, number: int) -> None:
        self._outbox.fault(reason, number)
        self._warn(f"Some of what was to be recorded was left out: {reason}")

    def _mind_name(self, key: str) -> None:
        # Only where there is metadata; most of it costs this once per process.
        from execmeta.filters.fields import catalogue

        if catalogue().resolve(key).path.space != "meta":
            self._warn(
                f"The metadata key {key!a} is also the name of a field. In a filter, write "
                f"meta.{key} for the key."
            )

    def _warn(self, text: str) -> None:
        if text in self._warned or len(self._warned) >= MAX_WARNINGS:
            return
        self._warned.add(text)
        warn(text)

    def _surroundings(self) -> Mapping[str, Json]:
        if self._facts is None:
            self._facts = environment_attributes()
        return self._facts

    def _mind_fork(self) -> None:
        # Also where Python's own fork hooks did not run: uWSGI forks from C (R9).
        if os.getpid() != self._pid:
            self._become_child()

    def _become_child(self) -> None:
        self._outbox.after_fork(_new_wid())
        self._reset()

    def _places(self) -> tuple[Place, ...]:
        return places(os.environ, self.settings.spool)

    def _open_store(self, until: float) -> Store:
        if self.settings.store == MEMORY:
            raise StoreUnavailableError("a memory store ends with this process")
        return open_store(self.settings.store, until=until)


def _new_wid() -> int:
    # 63 bits: what both databases hold as an integer.
    return int.from_bytes(os.urandom(8), "big") >> 1


def _spare_id() -> ExecutionId:
    """An id for what was not recorded, so that the caller can go on."""
    try:
        return new_id()
    except Exception:  # lost: its uniqueness, where the system gives no random bytes
        return id_text((wall_us() // 1000 << 80 | 0x7 << 76 | 0b10 << 62).to_bytes(16, "big"))


def _reason_of(failure: Exception) -> str:
    """The error in one short line; counters and logs must stay small."""
    return ascii(f"{type(failure).__name__}: {failure}")[1:-1][:200]


def _become_children() -> None:
    for recorder in list(_recorders):
        if recorder._pid != os.getpid():
            recorder._become_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_become_children)
