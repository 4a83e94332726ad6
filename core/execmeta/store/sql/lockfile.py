"""Lock file: the turn to write to a SQLite file, taken across processes, freed by the kernel."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from execmeta.errors import StoreUnavailableError

try:
    import fcntl
except ImportError:  # Windows: SQLite's own lock is then the only one, fair or not.
    fcntl = None  # type: ignore[assignment]


class LockFile:
    """`<database>.lock`, held while a process writes; dead processes hold nothing."""

    def __init__(self, database: Path) -> None:
        self._path = f"{database}.lock"
        self._fd: int | None = None

    @contextmanager
    def held(self, timeout_s: float) -> Iterator[None]:
        """Hold the lock for the time of the block.

        Raises:
            StoreUnavailableError: others held it for `timeout_s`.
            OSError: the file cannot be made.
        """
        if fcntl is None:
            yield
            return
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._take(self._fd, timeout_s)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _take(self, fd: int, timeout_s: float) -> None:
        give_up = 0.0
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                now = time.monotonic()
                give_up = give_up or now + timeout_s
                if now >= give_up:
                    raise StoreUnavailableError(
                        f"Other programs kept {self._path} locked for {timeout_s:.1f} s.",
                        hint="Try again later; what is recorded meanwhile waits in the spool.",
                    ) from None
                # A blocking flock has no time limit; an uneven pause lets everybody in.
                time.sleep(0.0002 + time.perf_counter_ns() % 2_800_000 / 1e9)

    def close(self) -> None:
        """Give the file back to the system; `held` opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
