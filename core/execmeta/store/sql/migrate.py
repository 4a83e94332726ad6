"""Migrate: the schema of a SQLite file brought up to date by Alembic.

Imported by `db upgrade` only. A new file is not migrated but made from `schema/sqlite.sql`, which
`python -m execmeta.store.sql.migrate` writes anew after a migration was added.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from execmeta.store.sql.connection import (
    LOCK_TIMEOUT_S,
    REVISIONS,
    SCHEMA_FILE,
    SCHEMA_HEAD,
    connect,
    is_missing,
    open_unchecked,
    revision_of,
    translated,
    wrong_revision,
)
from execmeta.store.sql.lockfile import LockFile

_MIGRATIONS = Path(__file__).with_name("migrations")
_COMMENT = "-- Generated from the migrations by `store.sql.migrate`; a new file is made from it.\n"


def head() -> str:
    """Newest revision that this release knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def current(path: Path) -> str | None:
    """Revision of a file, None when it is missing or empty.

    Raises StoreError, as for a file of another program.
    """
    with translated(path):
        if is_missing(path):
            return None
        connection = open_unchecked(path)
        try:
            return revision_of(connection)
        finally:
            connection.close()


def upgrade(path: Path) -> tuple[str | None, str]:
    """Bring a file to `head`, or make it; (revision before, revision after).

    All steps are one transaction: an upgrade that fails or is killed leaves the file as it was.

    Raises:
        SchemaVersionError: the file was made by a newer release.
        StoreError: it cannot be opened, or is not ours.
    """
    before = current(path)
    if before is None:
        connect(path).close()
    elif before not in REVISIONS:
        raise wrong_revision(path, before)
    elif before != SCHEMA_HEAD:
        with _migrating(path) as config:
            command.upgrade(config, SCHEMA_HEAD)
    return before, SCHEMA_HEAD


def build(path: Path) -> None:
    """Make a file by the migrations alone, as the schema file is made."""
    with _migrating(path) as config:
        command.upgrade(config, "head")


def downgrade(path: Path, revision: str = "base") -> None:
    """Take steps back, with the data that only they keep; for developers."""
    with _migrating(path) as config:
        command.downgrade(config, revision)


def dump_schema(path: Path) -> str:
    """The SQL that makes a file with the tables of this one and its settings, without rows."""
    connection = sqlite3.connect(path)
    try:
        return _COMMENT + "".join(f"{statement};\n" for statement in _statements(connection))
    finally:
        connection.close()


def _statements(connection: sqlite3.Connection) -> Iterator[str]:
    made = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL "
        # The tables behind an FTS5 table come with it.
        "AND name NOT LIKE 'tok\\__%' ESCAPE '\\' ORDER BY rowid"
    )
    for (text,) in made:
        lines = [line.rstrip() for line in dedent(text).expandtabs(4).splitlines()]
        yield "\n".join(lines)
    settings = "SELECT k, v FROM tok_config WHERE k <> 'version' ORDER BY k"
    for name, value in connection.execute(settings):
        yield f"INSERT INTO tok (tok, rank) VALUES ('{name}', {value})"
    for name, value in connection.execute("SELECT name, value FROM property ORDER BY name"):
        yield f"INSERT INTO property (name, value) VALUES ('{name}', '{value}')"
    for (revision,) in connection.execute("SELECT version_num FROM execmeta_version"):
        yield f"INSERT INTO execmeta_version (version_num) VALUES ('{revision}')"


@contextmanager
def _migrating(path: Path) -> Iterator[Config]:
    """One transaction of one writer around all steps of a command."""
    lock = LockFile(path)
    engine = create_engine(
        "sqlite://",
        creator=lambda: open_unchecked(path),
        poolclass=NullPool,
        # The driver begins nothing by itself: DDL is part of the transaction begun here.
        isolation_level="AUTOCOMMIT",
    )
    try:
        with translated(path), lock.held(LOCK_TIMEOUT_S), engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield _config(connection)
            connection.exec_driver_sql("COMMIT")
    finally:
        # What was not committed is rolled back when the connection is closed.
        engine.dispose()
        lock.close()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _write_schema_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "built.db"
        build(path)
        SCHEMA_FILE.write_text(dump_schema(path), encoding="utf-8")


if __name__ == "__main__":
    _write_schema_file()
