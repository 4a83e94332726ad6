"""Fold: the set of an execution's events, joined into one state.

Any order, any duplication, any batching of the same events gives the same state: every part is
the least or greatest element of a total order, or a union (reliability.md §2.4, DESIGN §4.4).

- identity and first metadata: the start of the lowest attempt, smallest order key, wins whole;
- start time: of the highest attempt, smallest order key;
- outcome: greatest (attempt, rank of the status, observed before inferred, order key);
- edits: all are kept; per key the greatest order key counts, always over the start's map;
- flags: union.

Two different facts under one order key are settled by their canonical text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from execmeta.model.clock import Order
from execmeta.model.event import EDITED, FINISHED, STARTED, Event
from execmeta.model.execution import (
    STATUS_RANK,
    ErrorInfo,
    Execution,
    IteratorContext,
    Json,
)
from execmeta.model.history import MetadataChange
from execmeta.model.ids import ExecutionId

ENDED_RANK = 3


class Start(NamedTuple):
    """Identity of an execution as its start told it."""

    attempt: int
    order: Order
    started_at: int
    kind: str
    name: str
    parent_id: str | None
    root_id: str | None
    """None: the parent, or the execution itself where it has none."""
    depth: int
    metadata: dict[str, Json]
    sources: dict[str, str]
    attributes: dict[str, Json]
    iterator: dict[str, Any] | None
    external_id: str | None
    trace_id: str | None
    span_id: str | None
    owner: str


class Restart(NamedTuple):
    """Start time of the highest attempt, kept beside `Start` when that one is of a lower."""

    attempt: int
    order: Order
    started_at: int


class Outcome(NamedTuple):
    """How far it got, and what was learned on the way."""

    attempt: int
    rank: int
    observed: bool
    order: Order
    status: str
    ended_at: int | None
    duration_s: float | None
    attributes: dict[str, Json]
    trace_id: str | None
    span_id: str | None
    error: dict[str, Any] | None


class Edit(NamedTuple):
    """One key of one edit."""

    order: Order
    key: str
    value: Json
    present: bool
    """False: the key was removed."""
    at: int
    by: str


def _text(part: tuple[Any, ...]) -> str:
    # Not `==`: Python takes 1, 1.0 and True for the same, the facts are different.
    return json.dumps(part, sort_keys=True)


class Fold:
    """State of one execution; `add` joins one event into it."""

    __slots__ = ("conflict", "edits", "flags", "outcome", "restart", "start")

    def __init__(self) -> None:
        self.start: Start | None = None
        self.restart: Restart | None = None
        self.outcome: Outcome | None = None
        self.edits: dict[tuple[Order, str], Edit] = {}
        self.flags: set[str] = set()
        self.conflict = 0
        """Attempt in which two observed ends contradicted each other, else 0."""

    def add(self, event: Event) -> bool:
        """Join one event; whether anything changed. The event must be well-formed."""
        if event.type == STARTED:
            return self._add_start(event)
        if event.type == FINISHED:
            return self._add_outcome(outcome_of(event)) | self._add_flags(event)
        if event.type == EDITED:
            changed = [self._add_edit(edit) for edit in edits_of(event)]
            return any(changed)
        raise ValueError(f"event type {event.type!r} is not known")

    def _add_start(self, event: Event) -> bool:
        start = start_of(event)
        changed = False
        mine = self.start
        if (
            mine is None
            or start[:2] < mine[:2]
            or (start[:2] == mine[:2] and _text(start) < _text(mine))
        ):
            self.start = start
            self._note_restart(mine)
            changed = True
        else:
            changed = self._note_restart(start)
        return changed | self._add_outcome(outcome_of(event)) | self._add_flags(event)

    def _note_restart(self, start: Start | None) -> bool:
        if start is None or (self.start is not None and start.attempt <= self.start.attempt):
            return False
        new, old = Restart(start.attempt, start.order, start.started_at), self.restart
        if (
            old is None
            or new.attempt > old.attempt
            or (new.attempt == old.attempt and new[1:] < old[1:])
        ):
            self.restart = new
            return True
        return False

    def _add_outcome(self, new: Outcome) -> bool:
        old = self.outcome
        if old is None:
            self.outcome = new
            return True
        changed = False
        if (
            new.attempt == old.attempt != self.conflict
            and new.rank == old.rank == ENDED_RANK
            and new.observed
            and old.observed
            and new.status != old.status
        ):
            self.conflict = new.attempt
            changed = True
        if new[:4] > old[:4] or (new[:4] == old[:4] and _text(new) > _text(old)):
            self.outcome = new
            return True
        return changed

    def _add_edit(self, edit: Edit) -> bool:
        slot = (edit.order, edit.key)
        old = self.edits.get(slot)
        if old is None or _text(edit) > _text(old):
            self.edits[slot] = edit
            return True
        return False

    def _add_flags(self, event: Event) -> bool:
        flags = event.body.get("flags")
        if not flags or self.flags.issuperset(flags):
            return False
        self.flags.update(flags)
        return True

    def metadata(self) -> dict[str, Json]:
        """The start's map with all edits laid over it in their order."""
        merged = dict(self.start.metadata) if self.start else {}
        for edit in sorted(self.edits.values(), key=lambda edit: (edit.order, edit.key)):
            if edit.present:
                merged[edit.key] = edit.value
            else:
                merged.pop(edit.key, None)
        return merged

    def execution(self, execution_id: ExecutionId, tenant: str = "") -> Execution | None:
        """The execution as readers see it; None while nothing told how it started (a stub)."""
        start, outcome = self.start, self.outcome
        if start is None or outcome is None:
            return None
        latest = self.restart or start
        edited = {edit.key for edit in self.edits.values()}
        flags = set(self.flags)
        if self.conflict == outcome.attempt:
            flags.add("status_conflict")
        duration = duration_of(outcome, latest.started_at)
        if duration is None and outcome.ended_at is not None:
            flags.add("clock_skew")
        return Execution(
            id=execution_id,
            kind=start.kind,
            name=start.name,
            status=outcome.status,
            started_at=latest.started_at,
            root_id=ExecutionId(start.root_id or start.parent_id or execution_id),
            parent_id=ExecutionId(start.parent_id) if start.parent_id else None,
            depth=start.depth,
            ended_at=outcome.ended_at,
            duration_s=duration,
            attempt=max(latest.attempt, outcome.attempt),
            metadata=self.metadata(),
            attributes={**start.attributes, **outcome.attributes},
            iterator=iterator_of(start.iterator),
            trace_id=outcome.trace_id or start.trace_id,
            span_id=outcome.span_id or start.span_id,
            tenant=tenant,
            external_id=start.external_id,
            error=error_of(outcome.error),
            sources={key: by for key, by in start.sources.items() if key not in edited},
            flags=tuple(sorted(flags)),
        )


def fold(events: Iterable[Event]) -> Fold:
    """All events of one execution, joined."""
    state = Fold()
    for event in events:
        state.add(event)
    return state


def history_of(base: dict[str, Json], edits: Iterable[Edit]) -> tuple[MetadataChange, ...]:
    """Edits in the order in which they count, with the values that they replaced; `base` is the
    map that the start told."""
    current = dict(base)
    changes = []
    for edit in sorted(edits, key=lambda edit: (edit.order, edit.key)):
        changes.append(
            MetadataChange(
                at=edit.at,
                order=edit.order,
                by=edit.by,
                key=edit.key,
                new=edit.value if edit.present else None,
                has_new=edit.present,
                old=current.get(edit.key),
                had_old=edit.key in current,
            )
        )
        if edit.present:
            current[edit.key] = edit.value
        else:
            current.pop(edit.key, None)
    return tuple(changes)


def start_of(event: Event) -> Start:
    """Identity that a `started` event tells."""
    get = event.body.get
    return Start(
        attempt=get("attempt") or 1,
        order=event.order,
        started_at=event.at if (started := get("started")) is None else started,
        kind=event.body["kind"],
        name=event.body["name"],
        parent_id=get("parent"),
        root_id=get("root"),
        depth=get("depth") or (1 if get("parent") else 0),
        metadata=get("metadata") or {},
        sources=get("sources") or {},
        attributes=get("attributes") or {},
        iterator=get("iterator"),
        external_id=get("external_id"),
        trace_id=get("trace_id"),
        span_id=get("span_id"),
        owner=get("owner") or "process",
    )


def outcome_of(event: Event) -> Outcome:
    """Outcome that a `started` or `finished` event tells; attributes, ids and error of a start
    that carries no end belong to its identity."""
    get = event.body.get
    status = get("status") or "running"
    rank = STATUS_RANK[status]
    ended = rank == ENDED_RANK
    finished = event.type == FINISHED
    return Outcome(
        attempt=get("attempt") or 1,
        rank=rank,
        observed=not get("inferred"),
        order=event.order,
        status=status,
        ended_at=(event.at if (at := get("ended")) is None else at) if ended else None,
        duration_s=get("duration") if ended else None,
        attributes=(get("attributes") or {}) if finished else {},
        trace_id=get("trace_id") if finished else None,
        span_id=get("span_id") if finished else None,
        error=get("error"),
    )


def edits_of(event: Event) -> list[Edit]:
    """The keys of an `edited` event, one `Edit` each."""
    body, order, at = event.body, event.order, event.at
    by = body.get("by") or ""
    edits = [
        Edit(order, key, value, True, at, by) for key, value in (body.get("set") or {}).items()
    ]
    edits += [Edit(order, key, None, False, at, by) for key in body.get("unset") or ()]
    return edits


def duration_of(outcome: Outcome, started_at: int) -> float | None:
    """Seconds from start to end, by the monotonic clock where the event carries it; None when
    it has not ended or ended before it started (a clock stepped back)."""
    if outcome.ended_at is None:
        return None
    if outcome.duration_s is not None:
        return outcome.duration_s
    span = outcome.ended_at - started_at
    return span / 1_000_000 if span >= 0 else None


def iterator_of(body: dict[str, Any] | None) -> IteratorContext | None:
    """Place in a loop from its wire form."""
    if not body:
        return None
    return IteratorContext(body["index"], body.get("count"), body.get("item"))


def error_of(body: dict[str, Any] | None) -> ErrorInfo | None:
    """Error from its wire form."""
    if not body:
        return None
    return ErrorInfo(body.get("type") or "", body.get("message") or "", body.get("where"))
