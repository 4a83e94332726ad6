"""Delivery: the events of one segment into a store, in batches, each with the offset it reaches."""

from __future__ import annotations

import os
import time
from typing import Final

from execmeta.codec import UnknownEventError, event_from_json, is_known
from execmeta.errors import EventError
from execmeta.model.event import Event
from execmeta.spool.quarantine import MAX_QUARANTINE_BYTES
from execmeta.spool.reading import TORN_TAIL, BadLine, GoodLine, header_of, read_lines
from execmeta.store.base import Store

BATCH_EVENTS: Final = 500
"""Events in one transaction (reliability.md §2.2): some 15 ms of SQLite."""


class Delivery:
    """Reads one segment and applies what the store has not seen; may stop in the middle.

    Of a segment that is `owned` (its lock is ours) every line is read, so that bad and unknown
    ones are found, and the last batch is durable: after `complete` it may be unlinked. Of one
    whose writer is alive, only what was added since the store's offset is read.
    """

    def __init__(self, fd: int, name: str, *, offset: int, owned: bool) -> None:
        self._fd = fd
        self._offset = offset
        self._owned = owned
        self.name = name
        self.wid: int | None = None
        """Writer, known of owned segments that have a header or an event."""
        self.applied = 0
        """Events that were given to the store and taken."""
        self.skipped = 0
        """Events that the store had before."""
        self.rejected = 0
        """Events that no store can hold; they are among `bad`."""
        self.unknown = 0
        """Lines of a newer release: the segment has to stay."""
        self.bad: list[BadLine] = []
        """What belongs into quarantine."""
        self.complete = False
        """The end of the file was reached before the deadline."""
        self._room = MAX_QUARANTINE_BYTES // 4
        self._batch: list[Event] = []
        self._spans: list[tuple[int, int]] = []

    def run(self, store: Store, deadline: float) -> None:
        """Apply until the end of the file or `deadline` (of `time.monotonic`).

        Raises:
            StoreError: the store took nothing more; the counts tell how far it came.
            OSError: the segment cannot be read.
        """
        end = self._offset
        for line in read_lines(self._fd, 0 if self._owned else self._offset):
            if isinstance(line, BadLine):
                if line.reason != TORN_TAIL:
                    end = max(end, line.end)
                if self._owned:
                    self._put_aside(line)
                continue
            self._take(line)
            end = max(end, line.end)
            if len(self._batch) >= BATCH_EVENTS:
                if time.monotonic() >= deadline:
                    return
                self._apply(store, end, durable=False)
        if time.monotonic() >= deadline:
            return
        if self._owned or end > self._offset:
            # Also without events: what was applied while the writer lived was not durable yet.
            self._apply(store, end, durable=self._owned)
        self.complete = True

    def _take(self, line: GoodLine) -> None:
        header = header_of(line)
        if header is not None:
            self.wid = header.wid
            return
        if not is_known(line.value):
            self.unknown += 1
            return
        if line.begin < self._offset:
            self.skipped += 1
            return
        try:
            event = event_from_json(line.value)
        except UnknownEventError:
            self.unknown += 1
        except EventError as error:
            self._reject(line.begin, line.end, error.code)
        else:
            if self.wid is None:
                self.wid = event.order[1]
            self._batch.append(event)
            self._spans.append((line.begin, line.end))

    def _apply(self, store: Store, end: int, *, durable: bool) -> None:
        batch, spans = self._batch, self._spans
        self._batch, self._spans = [], []
        answer = store.apply(batch, durable=durable, segment=(self.name, end))
        self.applied += len(batch) - len(answer.rejected)
        for index, reason in answer.rejected:
            self._reject(*spans[index], reason)

    def _reject(self, begin: int, end: int, reason: str) -> None:
        self.rejected += 1
        self._put_aside(BadLine(begin, end, reason, os.pread(self._fd, end - begin - 1, begin)))

    def _put_aside(self, line: BadLine) -> None:
        # A file of garbage must not fill the memory; what is over is described only.
        self._room -= len(line.raw)
        self.bad.append(line if self._room >= 0 else line._replace(raw=b""))
