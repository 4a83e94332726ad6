"""Drain: what other processes left in a spool, into the store; proves `lost`.

A lock that is free proves that the writer is dead: its segment is applied durably, then removed.
A lock that is held means a live writer: what it has written so far is applied, by offset, and the
segment stays as it is. Two drainers at once do no harm: everything they do may be done twice.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from execmeta.errors import ExecutionNotFoundError, StoreError
from execmeta.model.event import FINISHED, Event
from execmeta.recording.delivery import Delivery
from execmeta.spool.quarantine import quarantine
from execmeta.spool.reading import read_header
from execmeta.spool.segment import SUFFIX, UNFINISHED
from execmeta.spool.system import READ_FLAGS, is_own, take_lock
from execmeta.store.base import Store
from execmeta.store.opening import label_of

ABANDONED_AFTER_S: Final = 3600
"""A segment that never got its name within an hour never will (R13)."""
_LOST_SEQ: Final = 2**62
"""Above the sequence numbers of any process, the same for every drainer: so two of them that
conclude the same loss say the same fact."""


@dataclass(slots=True)
class DrainReport:
    """What a drain found and did."""

    applied: int = 0
    """Events that the store took now."""
    live: int = 0
    """Segments whose writer is alive."""
    taken: int = 0
    """Segments that were delivered whole and removed."""
    quarantined: int = 0
    """Pieces put aside: damaged lines, torn ends, events that no store can hold."""
    left: int = 0
    """Segments of dead writers that stay: no time, no store, lines of a newer release."""
    lost: int = 0
    """Executions whose process died without an end."""
    unknown: int = 0
    """Lines of a newer release; they wait for an upgrade."""
    elsewhere: dict[str, int] = field(default_factory=dict)
    """Label of another store to number of segments that are meant for it; they stay."""
    reasons: list[str] = field(default_factory=list)
    """What went wrong, in words for the user, each once."""

    def note(self, reason: str) -> None:
        """Add a reason unless it is there already."""
        if reason not in self.reasons:
            self.reasons.append(reason)


def drain(store: Store, directory: Path, *, budget_s: float = 1.0) -> DrainReport:
    """Apply the segments in `directory`, those of live writers first.

    Never raises for anything that it finds there; `reasons` tells.

    Args:
        budget_s: no batch is begun later than this.
    """
    report = DrainReport()
    _Drain(store, directory, time.monotonic() + budget_s, report).run()
    return report


def drain_all(store: Store, directories: Iterable[Path], *, budget_s: float = 1.0) -> DrainReport:
    """`drain` over several directories within one budget; see `spool.paths.existing`."""
    report, deadline = DrainReport(), time.monotonic() + budget_s
    for directory in directories:
        _Drain(store, directory, deadline, report).run()
    return report


class _Drain:
    def __init__(self, store: Store, directory: Path, deadline: float, report: DrainReport) -> None:
        self._store = store
        self._directory = directory
        self._deadline = deadline
        self._report = report
        self._label = label_of(store.url)
        self._live_wids: set[int] = set()

    def run(self) -> None:
        names = self._segments()
        if not names:
            return
        try:
            offsets = self._store.segments()
            # Live ones first: whatever backlog there is, a running session stays visible.
            dead = [name for name in names if self._visit(name, offsets, owned=False)]
            for done, name in enumerate(dead):
                if time.monotonic() >= self._deadline:
                    self._report.left += len(dead) - done
                    self._report.note("the time for the drain was over")
                    return
                self._visit(name, offsets, owned=True)
        except StoreError as error:
            self._report.note(str(error))

    def _segments(self) -> list[str]:
        """Names of segments, oldest first; removes leftovers of creations on the way."""
        try:
            entries = list(os.scandir(self._directory))
        except FileNotFoundError:
            return []
        except OSError as error:
            self._report.note(str(error))
            return []
        for entry in entries:
            if entry.name.endswith(UNFINISHED):
                self._remove_abandoned(entry.name)
        return sorted(entry.name for entry in entries if entry.name.endswith(SUFFIX))

    def _open(self, name: str) -> int | None:
        path = self._directory / name
        try:
            fd = os.open(path, READ_FLAGS)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._report.note(f"{path} was ignored: {error.strerror}")
            return None
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            self._report.note(f"{path} was ignored: not a regular file")
        elif not is_own(status):
            # Whoever may write into a shared folder could otherwise forge our runs.
            self._report.note(f"{path} was ignored: it belongs to another user")
        else:
            return fd
        os.close(fd)
        return None

    def _visit(self, name: str, offsets: dict[str, int], *, owned: bool) -> bool:
        """Deliver one segment: with `owned` of a dead writer, without of a live one. True when the
        writer is dead and the segment waits for its turn."""
        fd = self._open(name)
        if fd is None:
            return False
        try:
            free = take_lock(fd)
            header = read_header(fd)
            if header is not None and header.store not in ("", self._label):
                elsewhere = self._report.elsewhere
                elsewhere[header.store] = elsewhere.get(header.store, 0) + 1
                return False
            if free and not owned:
                return True
            if free and os.fstat(fd).st_nlink == 0:
                return False  # another drainer was faster
            if not free and header is not None:
                self._live_wids.add(header.wid)
            self._deliver(fd, name, offsets.get(name, 0), free)
        except OSError as error:
            self._report.left += owned
            self._report.note(f"{self._directory / name}: {error.strerror or error}")
        finally:
            os.close(fd)
        return False

    def _deliver(self, fd: int, name: str, offset: int, owned: bool) -> None:
        report = self._report
        if not owned:
            report.live += 1
        delivery = Delivery(fd, name, offset=offset, owned=owned)
        try:
            delivery.run(self._store, self._deadline)
        except StoreError:
            report.left += owned
            raise
        finally:
            report.applied += delivery.applied
            report.unknown += delivery.unknown
            # Now, however far it came: what lies before the store's offset is not looked at again.
            if delivery.bad:
                quarantine(self._directory, name, delivery.bad)
                report.quarantined += len(delivery.bad)
        if owned:
            self._finish(fd, name, delivery)

    def _finish(self, fd: int, name: str, delivery: Delivery) -> None:
        report, path = self._report, self._directory / name
        if not delivery.complete:
            report.left += 1
            report.note("the time for the drain was over")
            return
        if delivery.unknown:
            report.left += 1
            report.note(
                f"{path} stays: {delivery.unknown} of its lines were written by a newer release of"
                " execmeta. Upgrade to apply them."
            )
            return
        if delivery.wid is not None and delivery.wid not in self._live_wids:
            self._mark_lost(delivery.wid, os.fstat(fd).st_mtime_ns // 1000)
        os.unlink(path)
        report.taken += 1
        self._store.forget_segment(name)

    def _mark_lost(self, wid: int, died_us: int) -> None:
        """End what a dead writer left running, at the time of its last sign of life. A real end
        that arrives later wins (`model.fold`: inferred before observed)."""
        events = []
        for execution_id in self._store.running(wid):
            try:
                execution = self._store.get(execution_id)
            except ExecutionNotFoundError:
                continue
            ended = max(died_us, execution.started_at)
            body = {
                "status": "lost",
                "attempt": execution.attempt,
                "ended": ended,
                "inferred": True,
            }
            order = ((ended // 1000) << 16, wid, _LOST_SEQ)
            events.append(Event(FINISHED, execution_id, order, ended, body))
        if events:
            self._store.apply(events, durable=True)
            self._report.lost += len(events)

    def _remove_abandoned(self, name: str) -> None:
        fd = self._open(name)
        if fd is None:
            return
        try:
            age_s = time.time() - os.fstat(fd).st_mtime
            if age_s > ABANDONED_AFTER_S and take_lock(fd):
                os.unlink(self._directory / name)
        except OSError as error:
            self._report.note(f"{self._directory / name}: {error.strerror}")
        finally:
            os.close(fd)
