"""Reader: connections for reading, one per call at a time, each call on one snapshot.

Standard library only: importing SQLAlchemy costs 0.4 s of a command that answers in 0.2 s.
No transaction stays open between calls, so a long-lived reader sees what others commit.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from execmeta.store.cursors import KEY_BYTES
from execmeta.store.sql.connection import connect, translated, write_transaction
from execmeta.store.sql.lockfile import LockFile

_MAX_IDLE: Final = 4
_MMAP_BYTES: Final = 1 << 33
"""Pages are read where the kernel caches them: the inverted index is read 1.5 times as fast."""

_Place = tuple[int, int, int]
"""Process, device and inode: what an open connection is good for."""


class Reader:
    """Lends connections to the file at `path`; the first call opens it, or makes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[tuple[_Place, sqlite3.Connection]] = []
        self._inherited: list[sqlite3.Connection] = []
        """Of a parent process: to close them here would disturb its locks."""
        self._turn = threading.Lock()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the database for the time of the block.

        Raises StoreError.
        """
        with translated(self._path):
            place, connection = self._take()
            try:
                connection.execute("BEGIN")
                yield connection
            except sqlite3.DatabaseError:
                # Perhaps the connection itself is broken: the next call opens a new one.
                connection.close()
                raise
            except BaseException:
                self._give_back(place, connection)
                raise
            else:
                self._give_back(place, connection)

    def close(self) -> None:
        """Close what is idle; the next call would open the file again."""
        with self._turn:
            idle, self._idle = self._idle, []
            for place, connection in idle:
                self._close(place, connection)

    def _take(self) -> tuple[_Place, sqlite3.Connection]:
        here = self._place()
        with self._turn:
            while self._idle:
                place, connection = self._idle.pop()
                if place == here:
                    return place, connection
                self._close(place, connection)
        connection = connect(self._path)
        self._make_key(connection)
        connection.execute(f"PRAGMA mmap_size = {_MMAP_BYTES}")
        connection.execute("PRAGMA query_only = ON")
        return self._place() or (os.getpid(), 0, 0), connection

    def _make_key(self, connection: sqlite3.Connection) -> None:
        """Make the key that cursors are signed with, unless the database has one."""
        if connection.execute("SELECT 1 FROM property WHERE name = 'cursor_key'").fetchone():
            return
        lock = LockFile(self._path)
        try:
            with write_transaction(connection, lock):
                connection.execute(
                    "INSERT OR IGNORE INTO property (name, value) VALUES ('cursor_key', ?)",
                    (os.urandom(KEY_BYTES).hex(),),
                )
        finally:
            lock.close()

    def _give_back(self, place: _Place, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        with self._turn:
            if len(self._idle) < _MAX_IDLE:
                self._idle.append((place, connection))
                return
        connection.close()

    def _close(self, place: _Place, connection: sqlite3.Connection) -> None:
        if place[0] == os.getpid():
            connection.close()
        else:
            self._inherited.append(connection)

    def _place(self) -> _Place | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return os.getpid(), found.st_dev, found.st_ino
