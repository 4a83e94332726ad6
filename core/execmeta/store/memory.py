"""MemoryStore: the whole store contract on a dict and a lock; what the other stores must equal."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from execmeta.filters.query import Query
from execmeta.filters.targets.predicate import Predicate, compile_predicate
from execmeta.model.event import EVENT_TYPES, Event
from execmeta.model.execution import Execution
from execmeta.model.fold import ENDED_RANK, Fold, history_of
from execmeta.model.history import MetadataChange
from execmeta.model.ids import ExecutionId, id_bytes, tid_of
from execmeta.model.limits import COUNT_CAP
from execmeta.store.base import Applied, CheckReport, KeyStats, Page, Progress, StoreStats
from execmeta.store.cursors import KEY_BYTES, sign, verify
from execmeta.store.resolving import MAX_CANDIDATES, not_found, resolve
from execmeta.store.tally import MAX_KEY_NAMES, tally
from execmeta.store.tokens import part_of_document


class MemoryStore:
    """Keeps executions in this process only; for tests, dry runs and as the reference."""

    def __init__(self, tenant: str = "") -> None:
        self.url = "memory:"
        self.tenant = tenant
        self._lock = threading.RLock()
        self._folds: dict[ExecutionId, Fold] = {}
        self._tids: dict[ExecutionId, int] = {}
        self._ids: dict[int, ExecutionId] = {}
        self._seen: dict[ExecutionId, Execution | None] = {}
        self._order: list[int] | None = []
        self._segments: dict[str, int] = {}
        self._key = os.urandom(KEY_BYTES)

    def apply(
        self,
        events: Sequence[Event],
        *,
        durable: bool = False,
        segment: tuple[str, int] | None = None,
    ) -> Applied:
        """Merge events into the store; see `Store.apply`. Nothing here survives the process."""
        rejected = []
        touched: dict[ExecutionId, bool] = {}
        with self._lock:
            told = {event.execution_id: self._is_told(event.execution_id) for event in events}
            for index, event in enumerate(events):
                reason = self._refusal(event)
                if reason is not None:
                    rejected.append((index, reason))
                    continue
                state = self._slot(event.execution_id)
                changed = state.add(event)
                touched[event.execution_id] = touched.get(event.execution_id, False) | changed
                for name in ("parent", "root"):
                    if event.body.get(name):
                        self._slot(event.body[name])
            for execution_id, changed in touched.items():
                if changed:
                    state = self._folds[execution_id]
                    self._seen[execution_id] = state.execution(execution_id, self.tenant)
            if segment is not None:
                self._segments[segment[0]] = segment[1]
            created = sum(
                changed and not told[execution_id] for execution_id, changed in touched.items()
            )
        changed_count = sum(touched.values())
        return Applied(
            created=created,
            changed=changed_count - created,
            unchanged=len(touched) - changed_count,
            rejected=tuple(rejected),
        )

    def segments(self) -> dict[str, int]:
        """Name and offset of every segment that was applied in part."""
        with self._lock:
            return dict(self._segments)

    def forget_segment(self, name: str) -> None:
        """Drop the offset of a segment."""
        with self._lock:
            self._segments.pop(name, None)

    def get(self, execution_id: ExecutionId) -> Execution:
        """One execution; raises ExecutionNotFoundError."""
        with self._lock:
            found = self._seen.get(execution_id)
        if found is None:
            raise not_found(execution_id)
        return found

    def resolve(self, ref: str) -> ExecutionId:
        """The id that a reference means; see `Store.resolve`."""
        with self._lock:
            return resolve(_Lookup(self), ref)

    def list(self, query: Query) -> Page:
        """A page of matches, newest or oldest first."""
        with self._lock:
            after = verify(self._key, query, self.tenant)
            matches = self._predicate(query)
            newest = query.sort == "-started"
            found: list[tuple[int, Execution]] = []
            total = hidden = 0
            for tid, execution in self._rows(newest):
                if not matches(execution):
                    continue
                if query.scope == "top" and not execution.is_top:
                    hidden += 1
                    continue
                total += 1
                if (after is None or (tid < after if newest else tid > after)) and len(
                    found
                ) <= query.limit:
                    found.append((tid, execution))
            page = found[: query.limit]
            more = len(found) > len(page)
            return Page(
                executions=tuple(execution for _, execution in page),
                next_cursor=sign(self._key, query, self.tenant, page[-1][0]) if more else None,
                total=min(total, COUNT_CAP),
                total_capped=total > COUNT_CAP,
                hidden_below=min(hidden, COUNT_CAP),
            )

    def count(self, query: Query) -> tuple[int, bool]:
        """Number of matches, and whether it is a lower bound."""
        with self._lock:
            total = sum(1 for _ in islice(self._matches(query), COUNT_CAP + 1))
        return min(total, COUNT_CAP), total > COUNT_CAP

    def children(self, execution_id: ExecutionId) -> tuple[Execution, ...]:
        """Direct children, oldest first."""
        with self._lock:
            return tuple(row for _, row in self._rows(False) if row.parent_id == execution_id)

    def subtree(self, execution_id: ExecutionId, *, limit: int = 100_000) -> tuple[Execution, ...]:
        """The execution and what is below it, oldest first; raises ExecutionNotFoundError."""
        with self._lock:
            self.get(execution_id)
            inside = self._under(execution_id)
            return tuple(islice((row for _, row in self._rows(False) if inside(row)), limit))

    def keys(self, query: Query, *, values: int = 10) -> tuple[KeyStats, ...]:
        """Metadata keys of the matches with their most frequent values."""
        with self._lock:
            rows = list(islice(self._matches(query), COUNT_CAP + 1))
        newest = [row.metadata for row in rows[:COUNT_CAP]]
        return tally(newest, values, len(rows) > COUNT_CAP)

    def key_names(self) -> tuple[str, ...]:
        """Metadata keys known to the store, nested ones by their dotted path, sorted."""
        with self._lock:
            maps = [dict(row.metadata) for _, row in self._rows(True)]
        names = {key[2:] for metadata in maps for key in part_of_document("m", metadata).keys}
        return tuple(sorted(names)[:MAX_KEY_NAMES])

    def history(self, execution_id: ExecutionId) -> tuple[MetadataChange, ...]:
        """Edits in the order in which they count; raises ExecutionNotFoundError."""
        with self._lock:
            self.get(execution_id)
            state = self._folds[execution_id]
            return history_of(state.start.metadata if state.start else {}, state.edits.values())

    def running(self, writer: int) -> tuple[ExecutionId, ...]:
        """Process-owned executions that `writer` started and that have not ended."""
        with self._lock:
            return tuple(
                self._ids[tid]
                for tid in sorted(self._ids)
                if _is_running(self._folds[self._ids[tid]], writer)
            )

    def check(self, progress: Progress | None = None) -> CheckReport:
        """Nothing is derived here, so nothing can be wrong."""
        return CheckReport(self._visible(progress))

    def reindex(self, progress: Progress | None = None) -> int:
        """Nothing is derived here; the number of executions."""
        return self._visible(progress)

    def stats(self) -> StoreStats:
        """Counts; the size is not known."""
        with self._lock:
            edits = sum(len(state.edits) for state in self._folds.values())
        return StoreStats(self._visible(None), edits, 0, "memory")

    def close(self) -> None:
        """Nothing to release."""

    def _refusal(self, event: Event) -> str | None:
        if event.tenant != self.tenant:
            return f"the store holds tenant {self.tenant!a}, the event is of {event.tenant!a}"
        if event.type not in EVENT_TYPES:
            return f"event type {event.type!a} is not known"
        return None

    def _slot(self, execution_id: ExecutionId) -> Fold:
        state = self._folds.get(execution_id)
        if state is None:
            state = self._folds[execution_id] = Fold()
            tid = tid_of(id_bytes(execution_id))
            while tid in self._ids:
                tid += 1
            self._ids[tid] = execution_id
            self._tids[execution_id] = tid
            self._order = None
        return state

    def _is_told(self, execution_id: ExecutionId) -> bool:
        """Whether any event of it was applied; it may have been named as a parent before."""
        state = self._folds.get(execution_id)
        return state is not None and bool(
            state.start or state.outcome or state.edits or state.flags
        )

    def _rows(self, newest: bool) -> Iterator[tuple[int, Execution]]:
        if self._order is None:
            self._order = sorted(self._ids)
        for tid in reversed(self._order) if newest else self._order:
            execution = self._seen.get(self._ids[tid])
            if execution is not None:
                yield tid, execution

    def _predicate(self, query: Query) -> Predicate:
        return compile_predicate(query.filter, under=self._under)

    def _matches(self, query: Query) -> Iterator[Execution]:
        matches = self._predicate(query)
        for _, row in self._rows(True):
            if (query.scope == "all" or row.is_top) and matches(row):
                yield row

    def _under(self, top: ExecutionId) -> Callable[[Execution], bool]:
        parents = {row.id: row.parent_id for _, row in self._rows(False)}

        def inside(row: Execution) -> bool:
            step: ExecutionId | None = row.id
            passed = set()
            while step is not None and step not in passed:
                if step == top:
                    return True
                passed.add(step)  # parents that were told wrongly may form a ring
                step = parents.get(step)
            return False

        return inside

    def _visible(self, progress: Progress | None) -> int:
        with self._lock:
            number = sum(1 for _ in self._rows(True))
        if progress is not None:
            progress(number, number)
        return number


class _Lookup:
    """What references are looked up in."""

    def __init__(self, store: MemoryStore) -> None:
        self._rows = [row for _, row in store._rows(True)]

    def exists(self, execution_id: ExecutionId) -> bool:
        return any(row.id == execution_id for row in self._rows)

    def newest_top(self) -> ExecutionId | None:
        return next((row.id for row in self._rows if row.is_top), None)

    def by_external_id(self, external_id: str) -> Sequence[ExecutionId]:
        return self._first(lambda row: row.external_id == external_id)

    def by_ending(self, digits: str) -> Sequence[ExecutionId]:
        return self._first(lambda row: row.id.replace("-", "").endswith(digits))

    def _first(self, fits: Predicate) -> list[ExecutionId]:
        return [row.id for row in islice(filter(fits, self._rows), MAX_CANDIDATES + 1)]


def _is_running(state: Fold, writer: int) -> bool:
    start, outcome = state.start, state.outcome
    return (
        start is not None
        and outcome is not None
        and start.owner == "process"
        and outcome.order[1] == writer
        and outcome.rank < ENDED_RANK
    )
