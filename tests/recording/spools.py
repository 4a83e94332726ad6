"""Spools for the tests of delivery, written by the real writer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from execmeta.codec import event_text
from execmeta.model.ids import ExecutionId
from execmeta.spool.lines import to_line
from execmeta.spool.segment import SegmentWriter

AT_US = 1_795_247_669_123_456


class Spool:
    """A directory with segments in it; `at` of the events counts up."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.open: list[SegmentWriter] = []
        self._seq = 0

    def writer(self, wid: int = 77) -> SegmentWriter:
        """A segment whose writer is alive until it is closed."""
        self._seq += 1
        writer = SegmentWriter.create(self.directory, wid, AT_US + self._seq * 1000)
        self.open.append(writer)
        return writer

    def line(self, kind: str, execution_id: str, body: dict[str, Any], wid: int = 77) -> bytes:
        """One event line with the next order key."""
        self._seq += 1
        at = AT_US + self._seq * 1_000_000
        order = (at // 1000 << 16, wid, self._seq)
        return to_line(event_text(kind, ExecutionId(execution_id), order, at, json.dumps(body)))

    def started(self, execution_id: str, wid: int = 77, **body: Any) -> bytes:
        """Line of a start."""
        shape = {"kind": "command", "name": "train", "started": AT_US, **body}
        return self.line("started", execution_id, shape, wid)

    def finished(self, execution_id: str, wid: int = 77, **body: Any) -> bytes:
        """Line of an end."""
        return self.line("finished", execution_id, {"status": "success", **body}, wid)

    def segments(self) -> list[str]:
        """Names of the segments that are there."""
        return sorted(path.name for path in self.directory.glob("*.seg"))
