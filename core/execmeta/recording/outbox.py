"""Outbox: where encoded events wait for a store, on disk or, without one, in memory."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from execmeta.recording.counters import Counters
from execmeta.spool.paths import Place, prepare
from execmeta.spool.reading import GoodLine, header_of, read_lines
from execmeta.spool.segment import SegmentBusyError, SegmentWriter

MAX_MEMORY_EVENTS: Final = 1_000
MAX_MEMORY_BYTES: Final = 4 * 1024 * 1024
"""What is kept while nothing can be written (F6 of reliability.md); then new events are dropped."""
_RETRY_S: Final = 1.0
"""Pause between two attempts to open a segment: an attempt may cost a millisecond."""
_MAX_RETIRED: Final = 1
"""Segments kept open beside the current one; three descriptors are the limit of P6."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

_log = logging.getLogger("execmeta")


class Load(NamedTuple):
    """What an outbox hands over for delivery."""

    segments: list[SegmentWriter]
    """Oldest first; whoever has them closes them."""
    memory: list[bytes]
    """Lines that no disk has."""


class Outbox:
    """Takes lines; opens its segment with the first one. No method raises OSError."""

    def __init__(
        self, places: Callable[[], tuple[Place, ...]], wid: int, label: Callable[[], str]
    ) -> None:
        """
        Args:
            places: where a segment may be opened, best first; asked when one is.
            label: of the store that the events are meant for.
        """
        self._places = places
        self._label = label
        self._warned = False
        self._reset(wid)

    def _reset(self, wid: int) -> None:
        self.counters = Counters()
        self.wid = wid
        # Re-entrant: a signal handler may record while this thread does (R10).
        self._lock = threading.RLock()
        self._segment: SegmentWriter | None = None
        self._retired: list[SegmentWriter] = []
        self._memory: deque[bytes] = deque()
        self._memory_bytes = 0
        self._opening = False
        self._next_try = 0.0
        self._next_look = 0.0
        self._warning: str | None = None

    def after_fork(self, wid: int) -> None:
        """Become the outbox of a child process: what waits is the parent's business."""
        inherited = [self._segment, *self._retired]
        self._reset(wid)
        for segment in inherited:
            if segment is not None:
                segment.close()

    def put(self, line: bytes) -> None:
        """Keep one event, on disk before this returns unless no disk takes it."""
        with self._lock:
            if self._written(line):
                self.counters.offered += 1
                self.counters.spooled += 1
            else:
                self._remember(line)
            warning, self._warning = self._warning, None
        if warning is not None:
            # Outside of the lock: a logging handler may record events itself (R10).
            warn(warning)

    def drop(self, reason: str) -> None:
        """Count an event that could not even be encoded."""
        with self._lock:
            self.counters.drop(reason)

    def fault(self, reason: str, number: int = 1) -> None:
        """Count errors that cost no event."""
        with self._lock:
            self.counters.fault(reason, number)

    def hand_over(self) -> Load:
        """Everything that waits; the next event opens a new segment."""
        with self._lock:
            self._rescue()
            current = [self._segment] if self._segment else []
            load = Load([*self._retired, *current], list(self._memory))
            self._segment, self._retired = None, []
            self._memory.clear()
            self._memory_bytes = 0
            return load

    def take_back(self, lines: list[bytes]) -> None:
        """Keep lines in memory that could not be delivered. They stay counted as they are."""
        with self._lock:
            self._memory.extendleft(reversed(lines))
            self._memory_bytes += sum(map(len, lines))

    def settle(self, *, stored: int, quarantined: int = 0, from_memory: int = 0) -> None:
        """Count waiting events as delivered, `from_memory` of them without a disk."""
        counters = self.counters
        with self._lock:
            counters.spooled -= stored + quarantined
            counters.stored += stored
            counters.quarantined += quarantined
            counters.in_memory -= from_memory

    def _written(self, line: bytes) -> bool:
        try:
            now = time.monotonic()
            segment = self._segment
            if segment is None:
                # While one is being opened a signal handler may come in: its event waits in memory.
                if self._opening or now < self._next_try:
                    return False
                segment = self._segment = self._open()
                if segment is None:
                    self._next_try = now + _RETRY_S
                    return False
            elif now >= self._next_look:
                self._next_look = now + _RETRY_S
                if segment.is_unlinked:
                    segment = self._replacement(segment)
            if self._memory:
                # A full disk is asked once a second: each time it costs all of the memory's bytes.
                return now >= self._next_try and self._flushed(segment, line)
            segment.append(line)
        except SegmentBusyError:
            return False
        except OSError as error:
            self._failed(error)
            return False
        return True

    def _flushed(self, segment: SegmentWriter, line: bytes = b"") -> bool:
        segment.append(b"".join(self._memory) + line)
        self.counters.in_memory -= len(self._memory)
        self._memory.clear()
        self._memory_bytes = 0
        return True

    def _open(self) -> SegmentWriter | None:
        self._opening = True
        try:
            return self._opened()
        finally:
            self._opening = False

    def _opened(self) -> SegmentWriter | None:
        refusals = []
        for place in self._places():
            try:
                directory = prepare(place)
                at_us = time.time_ns() // 1000
                segment = SegmentWriter.create(directory, self.wid, at_us, self._label())
            except OSError as error:
                why = error.strerror
                refusals.append(f"{place.path}: {why}" if why else str(error))
                self.counters.fault(_words_of(error), 1)
                continue
            if refusals:
                self._warn(f"{'; '.join(refusals)}. Recording to {directory}.")
            return segment
        self._warn(
            f"Recording in memory only, no folder can hold the spool: {'; '.join(refusals)}."
        )
        return None

    def _replacement(self, gone: SegmentWriter) -> SegmentWriter:
        """A new segment with all that stood in one whose file was removed under us."""
        lines = []
        for line in read_lines(gone.fileno()):
            if isinstance(line, GoodLine) and header_of(line) is None:
                lines.append(os.pread(gone.fileno(), line.end - line.begin, line.begin))
        segment = self._open()
        if segment is None:
            raise OSError(errno.ENOENT, "the spool folder was removed")
        try:
            if lines:
                segment.append(b"".join(lines))
        except OSError:
            segment.unlink()
            segment.close()
            raise
        self._segment = segment
        self.counters.fault("segment_removed", 1)
        gone.close()
        return segment

    def _rescue(self) -> None:
        """Before a delivery that may fail: what no disk has is brought to one."""
        try:
            segment = self._segment
            if segment is not None and segment.is_unlinked:
                segment = self._replacement(segment)
            if segment is not None and self._memory:
                self._flushed(segment)
        except OSError as error:
            # Memory and descriptor still have it all; only a failed delivery would lose it now.
            self.counters.fault(_words_of(error), 1)

    def _failed(self, error: OSError) -> None:
        self.counters.fault(_words_of(error), 1)
        self._next_try = time.monotonic() + _RETRY_S
        if error.errno in _FULL or self._segment is None:
            return
        # This file is broken, another one may not be. It stays open, and so locked, until it is
        # delivered: a free lock would say that this process is dead.
        self._retired.append(self._segment)
        self._segment = None
        while len(self._retired) > _MAX_RETIRED:
            self._retired.pop(0).close()

    def _remember(self, line: bytes) -> None:
        full = (
            len(self._memory) >= MAX_MEMORY_EVENTS
            or self._memory_bytes + len(line) > MAX_MEMORY_BYTES
        )
        if full:
            # The new one goes, not the oldest: an end without its start would show nothing.
            self.counters.drop("memory_full")
            return
        self._memory.append(line)
        self._memory_bytes += len(line)
        self.counters.offered += 1
        self.counters.spooled += 1
        self.counters.in_memory += 1

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._warning = text


def _words_of(error: OSError) -> str:
    """The error without the file's name, which differs each time."""
    return error.strerror or str(error)


def warn(text: str) -> None:
    """Tell the user once, by logging."""
    try:
        _log.warning("%s", text)
    except Exception:  # lost: a warning, where the program's own log filter raises
        return
