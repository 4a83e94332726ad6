"""Writer: the writing side of a SQLite store, everything that `SqlStore` does not read itself.

    writer = Writer(path)                     # opens nothing yet
    writer.apply(events, durable=True, segment=("1763-ab.seg", 4096))
    writer.segments(); writer.forget_segment("1763-ab.seg"); writer.running(writer_id)
    writer.check(progress); writer.reindex(progress); writer.close()

The file is opened, and made, by the first call. Every method raises `StoreError`s only. A process
may use one writer from several threads; after a fork the child opens the file anew.
"""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from execmeta.codec import event_from_json, event_to_json
from execmeta.errors import EventError
from execmeta.model.event import Event
from execmeta.model.ids import ExecutionId, id_text
from execmeta.store.base import Applied, CheckReport, Progress
from execmeta.store.sql.apply import Batch, groups_of
from execmeta.store.sql.connection import (
    UNFIT_VALUE,
    connect,
    index_generation,
    translated,
    write_transaction,
)
from execmeta.store.sql.indexing import Indexer
from execmeta.store.sql.lockfile import LockFile

_UNFIT: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
    *UNFIT_VALUE,
)
"""What a malformed event raises on its way into the rows."""


class Writer:
    """Applies events to the file at `path`; see the module."""

    def __init__(self, path: Path, tenant: str = "", *, until: float | None = None) -> None:
        self._path = path
        self._tenant = tenant
        self._until = until
        self._turn = threading.RLock()
        self._pid = 0
        self._inherited: list[object] = []
        """Connections of a parent process: to close them here would disturb its locks."""
        self._connection: sqlite3.Connection | None = None
        self._indexer: Indexer
        self._lock: LockFile
        self._place: tuple[int, int] | None = None

    def apply(
        self,
        events: Sequence[Event],
        *,
        durable: bool = False,
        segment: tuple[str, int] | None = None,
    ) -> Applied:
        """See `Store.apply`."""
        groups, rejected = groups_of(events, self._tenant)
        if not groups and segment is None:
            return Applied(rejected=tuple(rejected))
        try:
            with self._transaction(durable) as connection, _collector_paused():
                applied = Batch(connection, self._indexer).apply(groups)
                _note_segment(connection, segment)
        except _UNFIT:
            # A malformed event, found on the way, has undone the batch: now each goes alone.
            with self._transaction(durable) as connection:
                applied = self._apply_singly(connection, events, rejected)
                _note_segment(connection, segment)
        if rejected:
            return replace(applied, rejected=tuple(sorted(rejected)))
        return applied

    def _apply_singly(
        self,
        connection: sqlite3.Connection,
        events: Sequence[Event],
        rejected: list[tuple[int, str]],
    ) -> Applied:
        """Apply one event after the other; add those that do not fit to `rejected`."""
        known = {index for index, _ in rejected}
        results: dict[str, str] = {}
        for index, event in enumerate(events):
            if index in known:
                continue
            connection.execute("SAVEPOINT single")
            try:
                fine = event_from_json(event_to_json(event))
                one = Batch(connection, self._indexer).apply({fine.execution_id: [fine]})
            except (EventError, *_UNFIT) as error:
                connection.execute("ROLLBACK TO single")
                self._indexer.forget()
                rejected.append((index, str(error) or type(error).__name__))
                continue
            before = results.get(fine.execution_id, "unchanged")
            if before == "unchanged":
                result = "created" if one.created else "changed" if one.changed else before
                results[fine.execution_id] = result
        counts = Counter(results.values())
        return Applied(counts["created"], counts["changed"], counts["unchanged"])

    def segments(self) -> dict[str, int]:
        """See `Store.segments`."""
        with self._reading() as connection:
            return dict(connection.execute("SELECT name, offset FROM segment"))

    def forget_segment(self, name: str) -> None:
        """See `Store.forget_segment`."""
        with self._transaction(durable=False) as connection:
            connection.execute("DELETE FROM segment WHERE name = ?", (name,))

    def running(self, writer: int) -> tuple[ExecutionId, ...]:
        """See `Store.running`; of several attempts the one that runs now counts."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT id FROM execution WHERE coalesce(end_wid, wid) = ? AND ended_at IS NULL "
                "AND kind IS NOT NULL AND owner IS NULL ORDER BY tid",
                (writer,),
            )
            return tuple(id_text(raw) for (raw,) in found)

    def check(self, progress: Progress | None = None) -> CheckReport:
        """See `Store.check`; on a connection of its own, so that others can go on."""
        # Imported here: who records never checks, and it needs tempfile and more.
        from execmeta.store.sql import verify

        with translated(self._path), closing(connect(self._path)) as connection:
            return verify.check(connection, progress)

    def reindex(self, progress: Progress | None = None) -> int:
        """See `Store.reindex`; also where the index was built with other tokens."""
        from execmeta.store.sql import verify

        with self._turn, translated(self._path):
            connection = self._opened()
            self._indexer.forget()
            with write_transaction(connection, self._lock, durable=True):
                executions = verify.reindex(connection, progress)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return executions

    def close(self) -> None:
        """Give the file back; the next call would open it again."""
        with self._turn, translated(self._path):
            if self._pid == os.getpid() and self._connection is not None:
                self._connection.close()
                self._lock.close()
            self._connection = None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._turn, translated(self._path):
            yield self._opened()

    @contextmanager
    def _transaction(self, durable: bool) -> Iterator[sqlite3.Connection]:
        with self._turn, translated(self._path):
            connection = self._opened()
            try:
                with write_transaction(connection, self._lock, durable=durable, until=self._until):
                    self._indexer.begin(index_generation(connection, self._path))
                    yield connection
            except BaseException:
                self._indexer.forget()
                raise

    def _opened(self) -> sqlite3.Connection:
        """The connection of this process to the file that is there now."""
        pid = os.getpid()
        if self._connection is not None and self._pid != pid:
            self._inherited += [self._connection, self._lock]
            self._connection = None
        if self._connection is not None and _place_of(self._path) != self._place:
            # The file was removed or replaced: what is written to the old one nobody would see.
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = connect(self._path, any_index=True, until=self._until)
            self._indexer = Indexer(self._connection)
            self._lock = LockFile(self._path)
            self._pid, self._place = pid, _place_of(self._path)
        return self._connection


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection meanwhile: it would look in vain, as what a batch makes is in use to
    its end, and takes a tenth of the time, more in a process with many objects."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _note_segment(connection: sqlite3.Connection, segment: tuple[str, int] | None) -> None:
    if segment is not None:
        connection.execute(
            "INSERT INTO segment VALUES (?, ?) ON CONFLICT (name) "
            "DO UPDATE SET offset = max(offset, excluded.offset)",
            segment,
        )


def _place_of(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file, None when it is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
