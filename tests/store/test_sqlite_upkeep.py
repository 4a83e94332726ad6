"""Check names everything that is wrong, reindex puts it right, and both may be killed."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store.dumps import dump, expected_tokens, stored_tokens

import execmeta
from execmeta.model.event import Event
from execmeta.model.ids import ExecutionId, new_id
from execmeta.store.sql.writer import Writer

FIRST = 1_760_000_000_000_000
PARENT = new_id(FIRST)


def started(number: int, parent: ExecutionId | None = PARENT, **body: Any) -> Event:
    at = FIRST + (number + 1) * 1_000_000
    body = {"kind": "task", "name": f"n{number}", "metadata": {"n": number, "k": "x"}} | body
    if parent:
        body |= {"parent": parent, "root": parent}
    return Event("started", new_id(at), (number + 1, 7, 0), at, body)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a parent, three children, an edit and an unknown parent."""
    writer = Writer(tmp_path / "store.db")
    begin = {"kind": "session", "name": "s", "attributes": {"git.sha": "abc"}}
    first = started(1)
    writer.apply(
        [
            Event("started", PARENT, (1, 1, 0), FIRST, begin),
            first,
            started(2),
            started(3, new_id(FIRST - 1_000_000)),
            Event("edited", first.execution_id, (9, 9, 9), FIRST, {"set": {"k": "y"}}),
        ]
    )
    writer.close()
    return tmp_path / "store.db"


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    writer = Writer(path)
    yield writer
    writer.close()


def break_(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_sound_file_has_no_problems_and_is_not_changed(path: Path, writer: Writer) -> None:
    before = dump(path)

    report = writer.check()

    assert (report.executions, report.problems) == (4, ())
    assert dump(path) == before


DAMAGES = [
    ("DELETE FROM kv WHERE value_text = 'y'", "lacks 1 values of 'k'"),
    ("DELETE FROM kv WHERE value_text = 'y'", "counts 2 values of 'k'; it has 1"),
    ("UPDATE kv SET id = id + 1 WHERE value_text = 'y'", "lacks 1 values of 'k'"),
    ("UPDATE kv_key SET \"rows\" = 9 WHERE key = 'm:k'", "9 executions have 'k'; it is 3"),
    ("UPDATE execution SET status = 'failed' WHERE name = 'n1'", "lacks 1 entries and has 1"),
    ("UPDATE execution SET metadata = '{' WHERE name = 'n1'", "cannot be read"),
    ("UPDATE execution SET tid = tid + 99 WHERE name = 'n2'", "under a key of another one"),
    ("UPDATE execution SET fold = NULL WHERE name = 'n1'", "Edits of 1 executions are not"),
    ("UPDATE edit SET tid = 5", "Edits of 1 executions belong to no execution"),
    ("DELETE FROM execution WHERE kind IS NULL", "The parent of execution"),
    ("DELETE FROM execution WHERE kind IS NULL", "The root of execution"),
    ("INSERT INTO tok (rowid, t) VALUES (77, 'stray')", "has 1 that no execution asks for"),
    ("INSERT INTO property VALUES ('overflow', '3')", "0 executions have more values"),
    ("UPDATE tok_data SET block = x'00' WHERE id > 10", "index is damaged"),
]


@pytest.mark.parametrize(("damage", "problem"), DAMAGES, ids=[what for _, what in DAMAGES])
def test_every_damage_is_named(path: Path, writer: Writer, damage: str, problem: str) -> None:
    break_(path, damage)

    report = writer.check()

    assert any(problem in found for found in report.problems), report.problems


def test_reindex_puts_right_what_is_derived(path: Path, writer: Writer) -> None:
    before = dump(path)
    break_(
        path,
        "INSERT INTO tok (tok) VALUES ('delete-all')",
        "DELETE FROM kv",
        "DELETE FROM kv_key",
        "INSERT INTO property VALUES ('overflow', '3')",
    )
    seen: list[tuple[int, int]] = []

    assert writer.reindex(lambda done, total: seen.append((done, total))) == 4

    assert writer.check().problems == ()
    assert dump(path) == before
    assert seen[-1] == (4, 4)


def test_reindex_replaces_a_damaged_index(path: Path, writer: Writer) -> None:
    before = dump(path)
    break_(path, "UPDATE tok_data SET block = x'00' WHERE id > 10")

    assert writer.reindex() == 4

    assert writer.check().problems == ()
    assert dump(path) == before


def test_a_value_that_a_rebuild_took_away_comes_back(path: Path, writer: Writer) -> None:
    begin = started(4, metadata={"only": "here"})
    writer.apply([begin])
    other = Writer(path)
    other.apply([Event("edited", begin.execution_id, (99, 1, 1), FIRST, {"unset": ["only"]})])
    other.reindex()
    other.close()

    writer.apply([started(5, metadata={"only": "here"})])

    assert writer.check().problems == ()


def test_more_values_than_the_index_takes_in_are_noted(path: Path, writer: Writer) -> None:
    big = started(4, metadata={"big": list(range(300))})
    writer.apply([big])
    assert dump(path)["overflow"] == 1
    assert writer.check().problems == ()

    writer.apply([Event("edited", big.execution_id, (99, 1, 1), FIRST, {"unset": ["big"]})])

    assert dump(path)["overflow"] == 0
    assert writer.check().problems == ()


def test_a_value_too_long_for_the_dictionary_makes_its_key_incomplete(
    path: Path, writer: Writer
) -> None:
    writer.apply([started(4, metadata={"long": {"text": "x" * 1001}})])

    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT key FROM kv_key WHERE capped").fetchall()
    assert found == [("m:long.text",)]
    assert writer.check().problems == ()


def test_a_key_with_too_many_values_is_capped_and_still_found(
    path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("execmeta.store.sql.dictionary.MAX_VALUES", 10)

    for number in range(4, 40):
        writer.apply([started(number)])

    with sqlite3.connect(path) as connection:
        found = connection.execute(
            'SELECT n, capped, "rows" FROM kv_key WHERE key = ?', ("m:n",)
        ).fetchone()
    assert found == (10, 1, 39)
    assert writer.check().problems == ()
    assert stored_tokens(path) == expected_tokens(path)


def test_a_full_dictionary_that_lacks_nothing_is_not_capped(
    path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("execmeta.store.sql.dictionary.MAX_VALUES", 3)

    for number in (1, 2, 3):
        Writer(path).apply([started(number)])

    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT n, capped FROM kv_key WHERE key = 'm:n'").fetchone()
    assert found == (3, 0)


def test_writing_goes_on_during_a_check(path: Path, writer: Writer) -> None:
    done = threading.Event()

    def write() -> None:
        other = Writer(path)
        for number in range(10, 60):
            other.apply([started(number)])
        other.close()
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        assert writer.check().problems == ()
    thread.join()

    assert writer.check().executions == 54


def test_a_killed_reindex_leaves_the_old_index(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    writer = Writer(path)
    writer.apply([started(number, None) for number in range(12_000)])
    writer.close()
    break_(path, "DELETE FROM kv WHERE value_text = 'x'")
    before = dump(path)
    program = """
import sys
from pathlib import Path
from execmeta.store.sql.writer import Writer

Writer(Path(sys.argv[1])).reindex(lambda done, total: (print(done, flush=True), input()))
"""
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        env={"PYTHONPATH": str(Path(execmeta.__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "5000\n"

    child.send_signal(signal.SIGKILL)
    child.communicate()

    assert dump(path) == before
    assert any("lacks 1 values" in found for found in writer.check().problems)
    assert writer.reindex() == 12_000
    assert writer.check().problems == ()
    writer.close()
