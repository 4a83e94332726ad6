"""Migrations make the same file as the schema that new files are made from."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from execmeta.errors import SchemaVersionError, StoreCorruptError
from execmeta.store.opening import open_store, upgrade_store
from execmeta.store.sql import migrate
from execmeta.store.sql.connection import REVISIONS, SCHEMA_FILE, SCHEMA_HEAD, connect


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def tables(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def stamp(path: Path, revision: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE execmeta_version SET version_num = ?", (revision,))


def test_the_schema_file_is_what_the_migrations_make(path: Path) -> None:
    migrate.build(path)

    assert migrate.dump_schema(path) == SCHEMA_FILE.read_text(encoding="utf-8")


def test_a_new_file_is_what_the_migrations_make(path: Path, tmp_path: Path) -> None:
    connect(path).close()
    migrate.build(tmp_path / "migrated.db")

    assert migrate.dump_schema(path) == migrate.dump_schema(tmp_path / "migrated.db")


def test_the_head_is_the_newest_revision_that_the_store_knows() -> None:
    assert migrate.head() == SCHEMA_HEAD == REVISIONS[-1]


def test_upgrading_makes_a_missing_file(path: Path) -> None:
    assert upgrade_store(f"sqlite:///{path}") == (None, SCHEMA_HEAD)
    assert migrate.current(path) == SCHEMA_HEAD


def test_upgrading_what_is_up_to_date_changes_nothing(path: Path) -> None:
    connect(path).close()
    before = path.read_bytes()

    assert migrate.upgrade(path) == (SCHEMA_HEAD, SCHEMA_HEAD)
    assert path.read_bytes() == before


def test_every_step_can_be_taken_back(path: Path) -> None:
    migrate.build(path)

    migrate.downgrade(path)

    assert tables(path) <= {"execmeta_version", "sqlite_autoindex_execmeta_version_1"}


def test_a_failed_step_leaves_the_file_as_it_was(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE kv (mine)")

    with pytest.raises(Exception, match="kv already exists"):
        migrate.build(path)

    assert tables(path) == {"kv"}


def test_upgrading_refuses_a_newer_file(path: Path) -> None:
    connect(path).close()
    stamp(path, "9999")

    with pytest.raises(SchemaVersionError, match=f"9999.*newer.*{SCHEMA_HEAD}") as caught:
        migrate.upgrade(path)

    assert "Upgrade execmeta" in (caught.value.hint or "")
    assert migrate.current(path) == "9999"


def test_upgrading_refuses_the_database_of_another_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")

    with pytest.raises(StoreCorruptError, match=r"store\.db is a SQLite database of another"):
        migrate.upgrade(path)


def test_applying_events_loads_neither_sqlalchemy_nor_alembic(path: Path) -> None:
    program = """
import sys
from execmeta.model.event import Event
from execmeta.store.opening import open_store

start = {"kind": "task", "name": "a"}
run = "0190a5d0-7c1e-7abc-8def-0123456789ab"
open_store(sys.argv[1]).apply([Event("started", run, (1, 1, 1), 1, start)])
print(*{"sqlalchemy", "alembic", "click", "rich"}.intersection(sys.modules))
"""

    done = subprocess.run(
        [sys.executable, "-c", program, f"sqlite:///{path}"],
        env={"PYTHONPATH": str(Path(migrate.__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == []
    assert open_store(f"sqlite:///{path}").stats().executions == 1
