"""Segments for the tests of the spool: written by the real writer, read through a real file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from execmeta.spool.reading import BadLine, GoodLine, read_lines
from execmeta.spool.segment import SegmentWriter

AT_US = 1_795_247_669_123_456


@pytest.fixture
def segment(tmp_path: Path) -> Iterator[SegmentWriter]:
    """An open segment of writer 77 with its header."""
    writer = SegmentWriter.create(tmp_path, 77, AT_US)
    yield writer
    writer.close()


@pytest.fixture
def read() -> Callable[[bytes | Path, int], list[GoodLine | BadLine]]:
    """A function (bytes or path, offset) to the lines that a reader finds."""

    def read_(source: bytes | Path, offset: int = 0) -> list[GoodLine | BadLine]:
        if isinstance(source, Path):
            fd = os.open(source, os.O_RDONLY)
        else:
            with tempfile.TemporaryFile() as file:
                file.write(source)
                file.flush()
                return list(read_lines(file.fileno(), offset))
        try:
            return list(read_lines(fd, offset))
        finally:
            os.close(fd)

    return read_
