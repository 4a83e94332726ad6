"""Store protocol: one unit of work per method, `apply` the only writer of executions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from execmeta.model.event import Event
from execmeta.model.execution import Execution, Json
from execmeta.model.history import MetadataChange
from execmeta.model.ids import ExecutionId

if TYPE_CHECKING:
    # A recorder knows stores and asks them nothing.
    from execmeta.filters.query import Query


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did. Counts of distinct executions, except `rejected`."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    """Executions whose events had all been applied before."""
    rejected: tuple[tuple[int, str], ...] = ()
    """(index into the batch, reason) of events that no store can hold."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, in the query's order."""

    executions: tuple[Execution, ...]
    next_cursor: str | None = None
    """None on the last page. With `scan_truncated` it goes on where the scan stopped."""
    total: int = 0
    total_capped: bool = False
    """`total` is a lower bound: counting stopped at `limits.COUNT_CAP` or at the scan cap."""
    hidden_below: int = 0
    """Matches that the scope hides, capped like `total`."""
    scan_truncated: bool = False
    """`limits.SCAN_CAP` rows were read before the page was full."""


@dataclass(frozen=True, slots=True)
class KeyStats:
    """One metadata key with its most frequent values."""

    key: str
    executions: int
    values: tuple[tuple[Json, int], ...]
    """(value, executions), most frequent first."""
    sampled: bool = False
    """Counted over the newest executions only."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Result of `Store.check`: facts in words; empty `problems` is a healthy store."""

    executions: int
    problems: tuple[str, ...] = ()


Progress = Callable[[int, int], None]
"""Called with (done, total) rows during long work."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Size and shape of a store for `db stats` and `doctor`."""

    executions: int
    edits: int
    size_bytes: int
    schema: str
    """Revision of the schema, `memory` for the memory store."""
    details: Mapping[str, int | str] = field(default_factory=dict)


class Store(Protocol):
    """Keeps executions. Every method may raise `StoreError`; readers see whole events only."""

    url: str
    tenant: str

    def apply(
        self,
        events: Sequence[Event],
        *,
        durable: bool = False,
        segment: tuple[str, int] | None = None,
    ) -> Applied:
        """Merge events into the store in one transaction.

        Events may come twice and in any order, in any batches: the rows are the same
        (`model.fold`).

        Args:
            events: any number; about 500 is a good batch.
            durable: return only when the transaction would survive a power cut. Needed before
                a spool segment is unlinked.
            segment: (segment name, bytes of it that these events complete), kept in the same
                transaction so that a live segment is read on from there.

        Raises:
            StoreUnavailableError: nothing was written; try again later.
        """

    def segments(self) -> dict[str, int]:
        """Name of every segment that was applied in part, with the bytes that are done."""

    def forget_segment(self, name: str) -> None:
        """Drop the offset of a segment that was unlinked."""

    def get(self, execution_id: ExecutionId) -> Execution:
        """One execution. Raises ExecutionNotFoundError, also for a deleted one or a stub."""

    def resolve(self, ref: str) -> ExecutionId:
        """The id that a person means: a full id (it must exist), `latest` (newest of scope
        `top`), an exact external id, or an ending of at least 6 hex digits; in this order.

        Raises:
            ExecutionNotFoundError: nothing fits.
            AmbiguousReferenceError: several fit.
        """

    def list(self, query: Query) -> Page:
        """A page of matches, newest (or oldest) first by id time."""

    def count(self, query: Query) -> tuple[int, bool]:
        """(matches, capped); limit and cursor of the query are ignored."""

    def children(self, execution_id: ExecutionId) -> tuple[Execution, ...]:
        """Direct children, oldest first; empty for an unknown id."""

    def subtree(self, execution_id: ExecutionId, *, limit: int = 100_000) -> tuple[Execution, ...]:
        """The execution and everything below it, oldest first, at most `limit` rows.

        Raises ExecutionNotFoundError.
        """

    def keys(self, query: Query, *, values: int = 10) -> tuple[KeyStats, ...]:
        """Metadata keys of the matches, most frequent first, each with its `values` most
        frequent values; over the newest `limits.COUNT_CAP` matches (`sampled` says so)."""

    def key_names(self) -> tuple[str, ...]:
        """Metadata keys known to the store, sorted; for near-miss proposals. At most 1000."""

    def history(self, execution_id: ExecutionId) -> tuple[MetadataChange, ...]:
        """Edits in the order in which they count, each with the value it replaced.

        Raises ExecutionNotFoundError.
        """

    def running(self, writer: int) -> tuple[ExecutionId, ...]:
        """Process-owned executions that `writer` (the middle of an order key) started and that
        have not ended: candidates for `lost`."""

    def check(self, progress: Progress | None = None) -> CheckReport:
        """Recompute everything derived from the rows and compare. Changes nothing."""

    def reindex(self, progress: Progress | None = None) -> int:
        """Rebuild everything derived from the rows; the number of executions indexed."""

    def stats(self) -> StoreStats:
        """Counts and sizes."""

    def close(self) -> None:
        """Release files and connections; a closed store is not used again."""
