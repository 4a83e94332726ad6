"""SqlStore: the store contract over a SQLite file; each method is one call into a neighbour.

What only readers need is imported by the first read: a recorder that delivers its events at the
end of a run pays for none of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from execmeta.model.event import Event
from execmeta.model.execution import Execution
from execmeta.model.history import MetadataChange
from execmeta.model.ids import ExecutionId
from execmeta.store.base import Applied, CheckReport, KeyStats, Page, Progress, StoreStats
from execmeta.store.sql.reader import Reader
from execmeta.store.sql.writer import Writer

if TYPE_CHECKING:
    from execmeta.filters.query import Query
    from execmeta.store.sql.reads import Search


class SqlStore:
    """Keeps executions in one SQLite file of one tenant. May be used from several threads and
    after a fork; other processes may read and write the file at the same time."""

    def __init__(self, path: Path, tenant: str = "", *, until: float | None = None) -> None:
        """
        Args:
            until: moment of `time.monotonic` after which a writer waits for no lock.
        """
        self.url = f"sqlite:///{path}"
        self.tenant = tenant
        self._reader = Reader(path)
        self._writer = Writer(path, tenant, until=until)

    def apply(
        self,
        events: Sequence[Event],
        *,
        durable: bool = False,
        segment: tuple[str, int] | None = None,
    ) -> Applied:
        """See `Store.apply`."""
        return self._writer.apply(events, durable=durable, segment=segment)

    def segments(self) -> dict[str, int]:
        """See `Store.segments`."""
        return self._writer.segments()

    def forget_segment(self, name: str) -> None:
        """See `Store.forget_segment`."""
        self._writer.forget_segment(name)

    def get(self, execution_id: ExecutionId) -> Execution:
        """See `Store.get`."""
        from execmeta.store.sql import trees

        with self._reader.snapshot() as connection:
            return trees.get(connection, execution_id, self.tenant)

    def resolve(self, ref: str) -> ExecutionId:
        """See `Store.resolve`."""
        from execmeta.store.resolving import resolve
        from execmeta.store.sql.seek import References

        with self._reader.snapshot() as connection:
            return resolve(References(connection), ref)

    def list(self, query: Query) -> Page:
        """See `Store.list`."""
        with self._search(query) as search:
            return search.page()

    def count(self, query: Query) -> tuple[int, bool]:
        """See `Store.count`."""
        with self._search(query) as search:
            return search.count()

    def children(self, execution_id: ExecutionId) -> tuple[Execution, ...]:
        """See `Store.children`."""
        from execmeta.store.sql import trees

        with self._reader.snapshot() as connection:
            return trees.children(connection, execution_id, self.tenant)

    def subtree(self, execution_id: ExecutionId, *, limit: int = 100_000) -> tuple[Execution, ...]:
        """See `Store.subtree`."""
        from execmeta.store.sql import trees

        with self._reader.snapshot() as connection:
            return trees.subtree(connection, execution_id, limit, self.tenant)

    def keys(self, query: Query, *, values: int = 10) -> tuple[KeyStats, ...]:
        """See `Store.keys`."""
        from execmeta.store.sql import facets

        with self._search(query) as search:
            return facets.keys(search, values)

    def key_names(self) -> tuple[str, ...]:
        """See `Store.key_names`."""
        from execmeta.store.sql import facets

        with self._reader.snapshot() as connection:
            return facets.key_names(connection)

    def history(self, execution_id: ExecutionId) -> tuple[MetadataChange, ...]:
        """See `Store.history`."""
        from execmeta.store.sql import trees

        with self._reader.snapshot() as connection:
            return trees.history(connection, execution_id, self.tenant)

    def running(self, writer: int) -> tuple[ExecutionId, ...]:
        """See `Store.running`."""
        return self._writer.running(writer)

    def check(self, progress: Progress | None = None) -> CheckReport:
        """See `Store.check`."""
        return self._writer.check(progress)

    def reindex(self, progress: Progress | None = None) -> int:
        """See `Store.reindex`."""
        return self._writer.reindex(progress)

    def stats(self) -> StoreStats:
        """See `Store.stats`."""
        from execmeta.store.sql import facets

        with self._reader.snapshot() as connection:
            return facets.stats(connection)

    def close(self) -> None:
        """See `Store.close`."""
        self._reader.close()
        self._writer.close()

    @contextmanager
    def _search(self, query: Query) -> Iterator[Search]:
        from execmeta.store.sql.reads import Search

        with self._reader.snapshot() as connection:
            yield Search.of(connection, query, self.tenant)
