"""Files that are missing, damaged, foreign, newer, full, locked or taken away."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import execmeta
from execmeta.errors import SchemaVersionError, StoreCorruptError, StoreUnavailableError
from execmeta.model.event import Event
from execmeta.model.ids import new_id
from execmeta.store.sql import connection as connection_module
from execmeta.store.sql.connection import connect, translated
from execmeta.store.sql.lockfile import LockFile
from execmeta.store.sql.writer import Writer


def started(**body: Any) -> Event:
    return Event("started", new_id(), (1, 1, 1), 1_000_000, {"kind": "task", "name": "a"} | body)


def names(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM execution ORDER BY name")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    writer = Writer(path)
    yield writer
    writer.close()


def test_a_missing_file_and_its_folder_are_made_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "store.db"

    assert Writer(path).apply([started()]).created == 1

    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_before_it_is_needed(path: Path, writer: Writer) -> None:
    writer.apply([])

    assert not path.exists()


def test_an_empty_file_counts_as_missing(path: Path, writer: Writer) -> None:
    path.touch()

    assert writer.apply([started()]).created == 1


def test_a_database_without_tables_counts_as_missing(path: Path, writer: Writer) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")

    assert writer.apply([started()]).created == 1


@pytest.mark.parametrize(
    "content",
    [b"#!/bin/sh\necho hello\n" * 300, b"SQLite format 3\0" + b"\xff" * 8000],
    ids=["text", "broken header"],
)
def test_what_is_no_database_is_named_and_left_as_it_is(
    path: Path, writer: Writer, content: bytes
) -> None:
    path.write_bytes(content)

    with pytest.raises(StoreCorruptError, match=r"store\.db is damaged or no SQLite database"):
        writer.apply([started()])

    assert path.read_bytes() == content


def test_a_damaged_page_is_named_and_nothing_is_written(path: Path, writer: Writer) -> None:
    writer.apply([started(metadata={"k": "x" * 900}) for _ in range(200)])
    writer.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)

    with pytest.raises(StoreCorruptError, match=r"store\.db"):
        Writer(path).apply([started()])

    assert path.read_bytes() == bytes(content)


def test_the_database_of_another_program_is_refused(path: Path, writer: Writer) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")

    with pytest.raises(StoreCorruptError, match=r"another program.*bookmarks.*--store"):
        writer.apply([started()])


def test_a_newer_file_is_refused_with_what_to_do(path: Path, writer: Writer) -> None:
    connect(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE execmeta_version SET version_num = '0999'")

    with pytest.raises(SchemaVersionError, match=r"0999.*newer") as caught:
        writer.apply([started()])

    assert "pip install -U execmeta" in (caught.value.hint or "")


def test_an_older_file_is_refused_with_what_to_do(
    path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(path).close()
    monkeypatch.setattr(connection_module, "SCHEMA_HEAD", "0002")
    monkeypatch.setattr(connection_module, "REVISIONS", ("0001", "0002"))

    with pytest.raises(SchemaVersionError, match=r"has schema revision 0001.*needs 0002") as caught:
        writer.apply([started()])

    assert "execmeta db upgrade" in (caught.value.hint or "")


def test_an_upgrade_under_an_open_writer_is_noticed(path: Path, writer: Writer) -> None:
    writer.apply([started()])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE execmeta_version SET version_num = '0999'")

    with pytest.raises(SchemaVersionError, match="0999"):
        writer.apply([started()])


def test_an_index_of_another_release_is_refused_until_it_is_rebuilt(
    path: Path, writer: Writer
) -> None:
    writer.apply([started()])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE property SET value = '0.7' WHERE name = 'index'")
    with pytest.raises(SchemaVersionError, match="search index"):
        writer.apply([started()])
    with pytest.raises(SchemaVersionError, match="search index") as caught:
        connect(path)
    assert "execmeta db reindex" in (caught.value.hint or "")

    assert writer.reindex() == 1
    assert writer.apply([started()]).created == 1


def test_a_read_only_file_is_named(path: Path) -> None:
    connect(path).close()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    with (
        pytest.raises(StoreUnavailableError, match=r"store\.db is read-only") as caught,
        translated(path),
    ):
        connection.execute("DELETE FROM execution")

    assert "writable" in (caught.value.hint or "")
    connection.close()


def test_a_sqlite_without_the_search_engine_is_named(path: Path) -> None:
    # What SQLite says where FTS5 was not compiled in.
    error = sqlite3.OperationalError("no such module: fts5")

    assert "FTS5" in str(connection_module.store_error(path, error))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreUnavailableError, match=r"store\.db cannot be opened"):
        Writer(tmp_path / "file" / "store.db").apply([started()])


def test_a_full_disk_keeps_every_batch_before_it(path: Path) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
from execmeta.errors import StoreUnavailableError
from execmeta.model.event import Event
from execmeta.model.ids import new_id
from execmeta.store.sql.writer import Writer

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = Writer(Path(sys.argv[1]))
writer.apply([])
stored = 0
for number in range(10_000):
    body = {"kind": "task", "name": f"{number:05d}", "metadata": {"k": "x" * 900}}
    if number == 20:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    try:
        writer.apply([Event("started", new_id(), (1, 1, number), 1, body)], durable=True)
    except StoreUnavailableError as error:
        print(number, error.message, "|", error.hint)
        break
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={"PYTHONPATH": str(Path(execmeta.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )

    number, _, message = done.stdout.partition(" ")
    assert "store.db" in message
    assert "free space" in message.lower()
    assert names(path) == [f"{stored:05d}" for stored in range(int(number))]
    assert Writer(path).check().problems == ()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_lock_that_others_keep_is_waited_for_and_then_named(
    path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.apply([started(name="first")])
    monkeypatch.setattr(connection_module, "LOCK_TIMEOUT_S", 0.05)

    with LockFile(path).held(1), pytest.raises(StoreUnavailableError, match="locked for"):
        writer.apply([started(name="second")])

    assert names(path) == ["first"]
    assert writer.apply([started(name="third")]).created == 1


def test_a_transaction_of_another_program_is_waited_for(path: Path, writer: Writer) -> None:
    writer.apply([started(name="first")])
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    end = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    end.start()

    assert writer.apply([started(name="second")]).created == 1

    end.join()
    other.close()


def test_a_file_that_was_removed_is_made_anew(path: Path, writer: Writer) -> None:
    writer.apply([started(name="old")])
    for file in path.parent.glob("store.db*"):
        file.unlink()

    assert writer.apply([started(name="new")]).created == 1
    assert names(path) == ["new"]


def test_a_child_process_opens_the_file_anew(path: Path, writer: Writer) -> None:
    writer.apply([started(name="parent")])

    child = multiprocessing.get_context("fork").Process(
        target=writer.apply, args=([started(name="child")],)
    )
    child.start()
    child.join(30)

    assert child.exitcode == 0
    assert writer.apply([started(name="parent again")]).created == 1
    assert names(path) == ["child", "parent", "parent again"]


BAD: list[tuple[str, Callable[[], Event]]] = [
    ("lone surrogate", lambda: started(name="\ud800")),
    ("a kind that is no text", lambda: started(kind=[])),
    ("no name", lambda: Event("started", new_id(), (1, 1, 1), 1, {"kind": "task"})),
    ("trace id", lambda: started(trace_id="xyz")),
    ("time", lambda: started(started=2**70)),
    ("parent is no id", lambda: started(parent="../etc")),
    ("own parent", lambda: _own_parent(started())),
    ("id of another kind", lambda: started()._replace(execution_id="0" * 36)),
    ("unknown type", lambda: started()._replace(type="span")),
    ("other tenant", lambda: started()._replace(tenant="acme")),
    ("metadata is a list", lambda: started(metadata=[1])),
    ("unknown status", lambda: started(status="exploded")),
]


def _own_parent(event: Event) -> Event:
    return event._replace(body=event.body | {"parent": event.execution_id, "trace_id": "x"})


@pytest.mark.parametrize(("what", "bad"), BAD, ids=[what for what, _ in BAD])
def test_an_event_that_no_store_can_hold_does_not_spoil_its_batch(
    path: Path, writer: Writer, what: str, bad: Callable[[], Event]
) -> None:
    fine = [started(name="1"), started(name="2")]

    applied = writer.apply([fine[0], bad(), fine[1]], segment=("a.seg", 10))

    assert [index for index, reason in applied.rejected if reason] == [1]
    assert applied.created == 2
    assert names(path) == ["1", "2"]
    assert writer.segments() == {"a.seg": 10}
    assert writer.check().problems == ()


def test_the_offset_of_a_segment_never_goes_back(writer: Writer) -> None:
    writer.apply([started()], segment=("a.seg", 100))
    writer.apply([started()], segment=("a.seg", 50))
    writer.apply([started()], segment=("b.seg", 7))

    assert writer.segments() == {"a.seg": 100, "b.seg": 7}

    writer.forget_segment("a.seg")

    assert writer.segments() == {"b.seg": 7}


def test_a_closed_writer_opens_again(writer: Writer, path: Path) -> None:
    writer.apply([started(name="1")], durable=True)
    writer.close()

    writer.apply([started(name="2")])

    assert names(path) == ["1", "2"]
    assert os.path.exists(f"{path}.lock")
