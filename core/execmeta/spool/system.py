"""The operating system under the spool: locks, flags, owners, kinds of file systems.

The only module of the spool that asks which system it runs on. Linux and macOS are first class;
the Windows branches keep that system possible and are not tested.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import Final

NETWORK_FILE_SYSTEMS: Final = frozenset(
    "9p afs autofs beegfs ceph cifs coda davfs fuse.ceph fuse.davfs fuse.glusterfs fuse.goofys "
    "fuse.rclone fuse.s3fs fuse.sshfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 smb3 smbfs"
    " virtiofs".split()
)
"""Names as in /proc/self/mountinfo. O_APPEND and flock promise nothing there (R1), and SQLite in
WAL mode gets corrupted (I15 of reliability.md)."""

CREATE_FLAGS: Final = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_EXCL
    | os.O_APPEND
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)
READ_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    # A FIFO put in the place of a segment would block the open for ever.
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)

_OCTAL = re.compile(r"\\([0-7]{3})")


if sys.platform == "win32":
    import msvcrt

    def take_lock(fd: int) -> bool:
        """Lock the file of `fd` for this process; False when another one has it."""
        try:
            # Windows locks are mandatory: one byte far behind all data leaves readers alone.
            os.lseek(fd, 2**40, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def sync_directory(path: Path) -> None:
        """Nothing to do: NTFS journals names by itself."""

    def is_own(status: os.stat_result) -> bool:
        """Whether this user made the file; Windows protects the folder instead."""
        return True

    def user_tag() -> str:
        """Text that names this user in a shared folder."""
        return os.environ.get("USERNAME", "user")

else:
    import fcntl

    def take_lock(fd: int) -> bool:
        """Lock the file of `fd` for this process; False when another one has it.

        The kernel frees the lock when the last copy of `fd` is closed, SIGKILL included.
        """
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def sync_directory(path: Path) -> None:
        """Make the names in `path` survive a power cut."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def is_own(status: os.stat_result) -> bool:
        """Whether this user made the file."""
        return status.st_uid == os.geteuid()

    def user_tag() -> str:
        """Text that names this user in a shared folder."""
        return str(os.geteuid())


def is_private(status: os.stat_result) -> bool:
    """Whether it is a real folder of this user that nobody else may write to."""
    return stat.S_ISDIR(status.st_mode) and is_own(status) and not status.st_mode & 0o022


def host_name() -> str:
    """Name of this machine or container."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def file_system_of(path: Path, mounts: str | None = None) -> str | None:
    """Kind of the file system that holds `path`, None when the system does not tell.

    Args:
        mounts: text of /proc/self/mountinfo, read by default.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
        except OSError:
            return None
    real = os.path.realpath(path)
    best, kind = -1, None
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        # >=: of two mounts on one point the later one covers the earlier.
        if inside and len(point) >= best:
            best, kind = len(point), right.split(" ")[0]
    return kind
