"""Reading a segment of any process, alive or dead: complete lines from an offset, bad ones named.

Nothing in a file makes it raise: what is not a line of ours comes back as a `BadLine`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from execmeta.spool.lines import MAX_LINE_BYTES, LineError, json_of, payload_of
from execmeta.spool.segment import HEADER, SEGMENT_VERSION

TORN_TAIL: Final = "torn_tail"
"""Reason of the bytes behind the last line feed: a write that death cut short, or that is going
on right now."""
TOO_LONG: Final = "too_long"
_MAX_HEADER_BYTES: Final = 16_384
_CHUNK_BYTES: Final = 262_144


class GoodLine(NamedTuple):
    """A line whose checksum and length are right, and the JSON in it."""

    begin: int
    end: int
    """Offset of the first byte behind its line feed: where to go on."""
    value: Any


class BadLine(NamedTuple):
    """Bytes that are no line."""

    begin: int
    end: int
    reason: str
    raw: bytes
    """The bytes, at most 1 MiB of them."""


class Header(NamedTuple):
    """Who writes a segment."""

    wid: int
    pid: int
    host: str
    at: int
    """Microseconds since 1970 UTC."""
    store: str
    """Label of the store that the events are meant for; empty for any."""


def read_lines(fd: int, offset: int = 0) -> Iterator[GoodLine | BadLine]:
    """Lines from `offset` (the begin of a line) to the end of the file as it is now.

    Bytes behind the last line feed come last, as a `BadLine` with the reason `TORN_TAIL`.

    Raises:
        OSError: the disk cannot be read.
    """
    rest, begin = b"", offset
    while chunk := os.pread(fd, _CHUNK_BYTES, begin + len(rest)):
        rest += chunk
        if b"\n" not in chunk:
            if len(rest) > MAX_LINE_BYTES:
                begin, rest, bad = _skip_line(fd, begin, rest)
                yield bad
            continue
        *whole, rest = rest.split(b"\n")
        for line in whole:
            end = begin + len(line) + 1
            yield _line(begin, end, line)
            begin = end
    if rest:
        yield BadLine(begin, begin + len(rest), TORN_TAIL, rest)


def header_of(line: GoodLine | BadLine) -> Header | None:
    """The header, when `line` is one that this release can read."""
    value = line.value if isinstance(line, GoodLine) else None
    if not isinstance(value, dict) or value.get("t") != HEADER or value.get("v") != SEGMENT_VERSION:
        return None
    wid, pid, host, at = (value.get(name) for name in ("wid", "pid", "host", "at"))
    store = value.get("store", "")
    if not (type(wid) is int and type(pid) is int and type(at) is int):
        return None
    if not (isinstance(host, str) and isinstance(store, str)):
        return None
    return Header(wid, pid, host, at, store)


def read_header(fd: int) -> Header | None:
    """The header of the segment; None when it is damaged or of another release.

    Raises:
        OSError: the disk cannot be read.
    """
    line, found, _ = os.pread(fd, _MAX_HEADER_BYTES, 0).partition(b"\n")
    return header_of(_line(0, len(line) + 1, line)) if found else None


def _line(begin: int, end: int, line: bytes) -> GoodLine | BadLine:
    try:
        if end - begin > MAX_LINE_BYTES:
            raise LineError(TOO_LONG)
        return GoodLine(begin, end, json_of(payload_of(line)))
    except LineError as error:
        return BadLine(begin, end, str(error), line[:MAX_LINE_BYTES])


def _skip_line(fd: int, begin: int, rest: bytes) -> tuple[int, bytes, BadLine]:
    """(offset, bytes read behind it, the line) after a line that is too long to be kept."""
    at = begin + len(rest)
    while chunk := os.pread(fd, _CHUNK_BYTES, at):
        found = chunk.find(b"\n")
        if found >= 0:
            at += found + 1
            break
        at += len(chunk)
    return at, b"", BadLine(begin, at, TOO_LONG, rest[:MAX_LINE_BYTES])
