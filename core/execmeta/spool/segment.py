"""Segment: the append-only file of one process incarnation (R2 to R5).

Its first line is the header `{v, t: "segment", wid, pid, host, at, store}`; every other one is an
event. The writer holds a lock on it as long as it lives, so a free lock proves that the writer is
dead. It is never opened again for append: only the end of a dead process' file can be torn.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final
from zlib import crc32

from execmeta.spool.lines import to_line
from execmeta.spool.system import CREATE_FLAGS, host_name, sync_directory, take_lock

SUFFIX: Final = ".seg"
UNFINISHED: Final = ".tmp"
SEGMENT_VERSION: Final = 1
HEADER: Final = "segment"
"""Type of the header line."""

_FileIdentity = tuple[int, int]
_open_fds: dict[int, _FileIdentity] = {}


def _identity(fd: int) -> _FileIdentity:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def _close_own(fd: int, identity: _FileIdentity) -> None:
    # A program that closed all descriptors may have got this number for a file of its own.
    with suppress(OSError):
        if _identity(fd) == identity:
            os.close(fd)


def _close_inherited() -> None:
    # A child's copy of the descriptor would keep the lock of a dead parent. It is closed, not
    # unlocked: LOCK_UN would free the parent's lock too (R9).
    for fd, identity in list(_open_fds.items()):
        _close_own(fd, identity)
    _open_fds.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)


class SegmentBusyError(OSError):
    """A signal handler came in while the same thread was writing."""


class SegmentTakenError(OSError):
    """The program closed our descriptor: the file is on disk, free for any drainer."""


class SegmentWriter:
    """Appends whole lines to a new segment. One thread at a time; forget it after a fork."""

    __slots__ = ("_busy", "_fd", "_identity", "_suspect", "name", "path")

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self._busy = False
        self._suspect = False
        self.path = path
        self.name = path.name
        self._identity = _open_fds[fd] = _identity(fd)

    @classmethod
    def create(cls, directory: Path, wid: int, at_us: int, store: str = "") -> SegmentWriter:
        """A new segment in `directory`, locked, with its header.

        Args:
            store: label of the store that the events are meant for; empty for any.

        Raises:
            OSError: nothing is left behind.
        """
        name = f"{at_us // 1000:013d}-{host_tag()}-{os.getpid()}-{os.urandom(4).hex()}"
        unfinished, path = directory / (name + UNFINISHED), directory / (name + SUFFIX)
        fd = os.open(unfinished, CREATE_FLAGS, 0o600)
        segment = cls(fd, path)
        try:
            if not take_lock(fd):
                raise OSError(errno.EWOULDBLOCK, "a new segment is locked")
            segment.append(to_line(header_text(wid, at_us, store)))
            # Under its final name it has a header and a lock from the first moment on.
            os.rename(unfinished, path)
            sync_directory(directory)
        except BaseException:
            for leftover in (unfinished, path):
                leftover.unlink(missing_ok=True)
            segment.close()
            raise
        return segment

    def append(self, lines: bytes) -> None:
        """Write whole lines with one system call.

        Raises:
            SegmentTakenError: the descriptor is no longer ours; nothing was written.
            OSError: nothing of `lines` stays in the file.
        """
        if self._busy:
            raise SegmentBusyError(errno.EBUSY, "the segment is being written")
        self._busy = True
        try:
            # Each time: what is written to another file by mistake is that program's data.
            self.fileno()
            if self._suspect:
                self._cut_torn_line()
            # Stays set when an exception, of a signal handler too, leaves this block early.
            self._suspect = True
            written = os.write(self._fd, lines)
            if written != len(lines):
                self._cut_torn_line(written)
                raise OSError(errno.ENOSPC, "short write")
            self._suspect = False
        finally:
            self._busy = False

    def _cut_torn_line(self, written: int = 0) -> None:
        """Remove the last `written` bytes, and what stands behind the last line feed (R4)."""
        size = os.fstat(self._fd).st_size - written
        end = size
        while end > 0:
            begin = max(0, end - 65_536)
            found = os.pread(self._fd, end - begin, begin).rfind(b"\n")
            end = begin
            if found >= 0:
                end = begin + found + 1
                break
        if end != size or written:
            # Legal on a full disk, and safe: nobody else writes to this file.
            os.ftruncate(self._fd, end)

    @property
    def is_unlinked(self) -> bool:
        """Somebody removed the file; what is written to it is lost with this process."""
        return os.fstat(self.fileno()).st_nlink == 0

    def fileno(self) -> int:
        """Descriptor for reading what was written, also when the file was unlinked.

        Raises SegmentTakenError.
        """
        with suppress(OSError):
            if _identity(self._fd) == self._identity:
                return self._fd
        raise SegmentTakenError(errno.EBADF, "the program closed the descriptor of the spool")

    def unlink(self) -> None:
        """Remove the file: everything in it is in the store for good."""
        self.path.unlink(missing_ok=True)

    def __del__(self) -> None:
        # A recorder that was forgotten: nobody will write here again, a drainer may come.
        with suppress(Exception):
            self.close()

    def close(self) -> None:
        """Free the lock; from now on any drainer may take the segment."""
        fd, self._fd = self._fd, -1
        # After a fork it is closed already, and the number may mean another segment.
        if _open_fds.get(fd) == self._identity:
            del _open_fds[fd]
            _close_own(fd, self._identity)


def header_text(wid: int, at_us: int, store: str) -> str:
    """JSON of the header of a segment that writer `wid` begins now."""
    return json.dumps(
        {
            "v": SEGMENT_VERSION,
            "t": HEADER,
            "wid": wid,
            "pid": os.getpid(),
            "host": host_name(),
            "at": at_us,
            "store": store,
        },
        separators=(",", ":"),
    )


def host_tag() -> str:
    """Eight hex digits that stand for this machine in the names of its segments."""
    return f"{crc32(host_name().encode('utf-8', 'replace')):08x}"
