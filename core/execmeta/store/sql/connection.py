"""Connection: a SQLite file opened, made when it is missing, and refused when it is not ours.

Standard library only. A file that is damaged, foreign or of another schema revision is named and
left as it is. Source of the pragmas: storage.md §4 and §6.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from execmeta.errors import (
    SchemaVersionError,
    StoreCorruptError,
    StoreError,
    StoreUnavailableError,
)
from execmeta.store.sql.lockfile import LockFile
from execmeta.store.tokens import TOKENS_VERSION

SCHEMA_HEAD: Final = "0001"
"""Newest migration; a new file is stamped with it."""
REVISIONS: Final = ("0001",)
"""Every migration, oldest first: another one in a file was made by a newer release."""
LOCK_TIMEOUT_S: Final = 5.0
"""How long a writer waits for the others."""
UNFIT_VALUE: Final = (
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
)
"""What SQLite raises for a value, not for the state of the file."""
SCHEMA_FILE: Final = Path(__file__).with_name("schema") / "sqlite.sql"

_PRAGMAS: Final = (
    # At 4000 pages single commits are 1.7 times as fast as at 1000; more makes long pauses.
    "wal_autocheckpoint = 4000",
    "synchronous = NORMAL",
    "temp_store = MEMORY",
    # 32 MiB of pages at most; taken only as far as they are read or written.
    "cache_size = -32768",
    # Overwriting what is freed would double the writes of the index's merges; nothing here is
    # stored that must not be on this disk.
    "secure_delete = OFF",
)


def wait_s(until: float | None) -> float:
    """Seconds to wait for a lock now.

    Args:
        until: moment of `time.monotonic` after which nobody waits; None: `LOCK_TIMEOUT_S`.
    """
    if until is None:
        return LOCK_TIMEOUT_S
    return min(max(until - time.monotonic(), 0.0), LOCK_TIMEOUT_S)


def connect(
    path: Path, *, create: bool = True, any_index: bool = False, until: float | None = None
) -> sqlite3.Connection:
    """An autocommit connection to an execmeta database of this release's schema.

    A missing or empty file is made, its folder too (mode 0700).

    Args:
        create: False: a missing file raises instead.
        any_index: also where the search index was built with other tokens.
        until: see `wait_s`.

    Raises:
        StoreUnavailableError: missing, locked, not readable, disk full.
        StoreCorruptError: damaged, or not an execmeta database.
        SchemaVersionError: of another release.
    """
    with translated(path):
        missing = is_missing(path)
        if missing and not create:
            raise StoreUnavailableError(f"There is no database at {path}.")
        if missing:
            # What was run, and with what, is the user's own business: no group, no others.
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                path.touch(mode=0o600)
        connection = open_unchecked(path, wait_s(until))
        try:
            revision = revision_of(connection)
            if revision is None:
                _make_schema(connection, path, until)
            elif revision != SCHEMA_HEAD:
                raise wrong_revision(path, revision)
            if not any_index:
                index_generation(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def is_missing(path: Path) -> bool:
    """Whether there is no file, or one of 0 bytes."""
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True


def revision_of(connection: sqlite3.Connection) -> str | None:
    """Schema revision of an open database, None when it has no table at all.

    Raises StoreCorruptError for the database of another program.
    """
    found = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    if not found:
        return None
    if "execmeta_version" in found:
        row = connection.execute("SELECT version_num FROM execmeta_version").fetchone()
        if row is not None:
            return str(row[0])
    raise StoreCorruptError(
        f"{path_of(connection)} is a SQLite database of another program "
        f"(it has a table {min(found)!a}). It was left as it is; "
        "give execmeta another file with --store or EXECMETA_STORE."
    )


def path_of(connection: sqlite3.Connection) -> str:
    """File of an open database."""
    return str(connection.execute("PRAGMA database_list").fetchone()[2])


def wrong_revision(path: Path, revision: str) -> SchemaVersionError:
    """The error for a file with another schema revision than `SCHEMA_HEAD`."""
    if revision in REVISIONS:
        return SchemaVersionError(
            f"{path} has schema revision {revision}, this release needs {SCHEMA_HEAD}.",
            hint="Run `execmeta db upgrade`; what is recorded until then waits in the spool.",
        )
    return SchemaVersionError(
        f"{path} has schema revision {revision!a} of a newer release; this one knows up to "
        f"{SCHEMA_HEAD}. It was left as it is.",
        hint="Upgrade execmeta (`pip install -U execmeta`) or use another file with --store.",
    )


def index_generation(connection: sqlite3.Connection, path: Path) -> str:
    """`<token version>.<number of rebuilds>` of the derived data; for every transaction, as
    another process may have upgraded or rebuilt meanwhile.

    Raises:
        SchemaVersionError: the file has another schema or other tokens than this release.
    """
    revision, generation = connection.execute(
        "SELECT version_num, (SELECT value FROM property WHERE name = 'index') "
        "FROM execmeta_version"
    ).fetchone()
    if revision != SCHEMA_HEAD:
        raise wrong_revision(path, revision)
    version = str(generation).partition(".")[0]
    if version != TOKENS_VERSION:
        raise SchemaVersionError(
            f"The search index of {path} has version {version}, this release needs "
            f"{TOKENS_VERSION}.",
            hint="Run `execmeta db reindex` with the newest execmeta that uses this database.",
        )
    return str(generation)


@contextmanager
def write_transaction(
    connection: sqlite3.Connection,
    lock: LockFile,
    *,
    durable: bool = False,
    until: float | None = None,
) -> Iterator[None]:
    """One transaction that takes its turn among the writers of all processes.

    `busy_timeout` alone is unfair: single waits of two seconds were seen where the lock file in
    front of it gave 0.2 (storage.md §4). Rolled back on any exception.

    Args:
        durable: return only when the commit would survive a power cut (synchronous=FULL);
            otherwise the last commits may be lost then, never by a crash of a process.
        until: see `wait_s`.
    """
    with lock.held(wait_s(until)):
        if until is not None:
            connection.execute(f"PRAGMA busy_timeout = {int(wait_s(until) * 1000)}")
        if durable:
            connection.execute("PRAGMA synchronous = FULL")
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                # A failed COMMIT or a full disk may have rolled back by itself.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        finally:
            if durable:
                connection.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into `StoreError`s that say what to do.

    What a value that SQLite cannot hold raises passes as it is.
    """
    try:
        yield
    except UNFIT_VALUE:
        raise
    except sqlite3.Error as error:
        raise store_error(path, error) from error
    except OSError as error:
        raise StoreUnavailableError(
            f"{path} cannot be opened: {error.strerror or error}.",
            hint="Check the folder's permissions, or give another file with --store.",
        ) from error


def store_error(path: Path, error: sqlite3.Error) -> StoreError:
    """The `StoreError` of a SQLite error; nothing was written when it was raised."""
    # The low byte is the primary code, the rest a detail.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return StoreCorruptError(
            f"{path} is damaged or no SQLite database ({error}). It was left as it is.",
            hint="`execmeta db reindex` repairs a damaged search index. Else move the file away to "
            "start anew; `sqlite3 FILE .recover` may save rows. What is recorded meanwhile waits "
            "in the spool.",
        )
    if "no such module: fts5" in str(error):
        return StoreUnavailableError(
            f"The SQLite {sqlite3.sqlite_version} of this Python has no full-text search (FTS5), "
            "which the search index is made of.",
            hint="Use a Python whose sqlite3 has FTS5, as those of python.org and Debian.",
        )
    reason, hint = {
        sqlite3.SQLITE_BUSY: (
            "was locked by another program all the time",
            "Close the program that holds it open for writing, then try again.",
        ),
        sqlite3.SQLITE_FULL: (
            "cannot grow: the disk is full",
            "Free some space, then run `execmeta drain`; nothing recorded is lost until then.",
        ),
        sqlite3.SQLITE_READONLY: (
            "is read-only",
            "Make the file and its folder writable, or give another file with --store.",
        ),
        sqlite3.SQLITE_CANTOPEN: (
            "cannot be opened",
            "Check that the folder exists and may be written, or give another file with --store.",
        ),
        sqlite3.SQLITE_IOERR: (
            "could not be read or written",
            "Check the disk and its free space, then try again.",
        ),
    }.get(code, ("cannot be used now", "Run `execmeta db check`, then try again."))
    return StoreUnavailableError(f"{path} {reason} ({error}).", hint=hint)


def open_unchecked(path: Path, timeout_s: float = LOCK_TIMEOUT_S) -> sqlite3.Connection:
    """An autocommit connection to whatever the file is; it waits `timeout_s` for locks."""
    connection = sqlite3.connect(
        path,
        timeout=timeout_s,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=64,
    )
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _make_schema(connection: sqlite3.Connection, path: Path, until: float | None) -> None:
    """Fill a new file; of several processes that come at once, one does it."""
    lock = LockFile(path)
    try:
        with lock.held(wait_s(until)):
            if revision_of(connection) is not None:
                return
            connection.execute("PRAGMA journal_mode = WAL")
            text = SCHEMA_FILE.read_text(encoding="utf-8")
            connection.executescript(f"BEGIN IMMEDIATE;\n{text}\nCOMMIT;")
    finally:
        lock.close()
