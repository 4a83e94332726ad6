"""The end of a program: delivered within its time, or left for the next command, never lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from execmeta.recording.counters import Counters
from execmeta.recording.drain import drain
from execmeta.recording.recorder import Recorder
from execmeta.settings import Settings
from execmeta.store.opening import open_store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=f"sqlite:///{tmp_path}/store.db", spool=str(tmp_path / "spool"))


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The database, locked by another program that does not know our lock file."""
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    store.stats()
    store.close()
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield other
    other.close()


def segments(settings: Settings) -> list[Path]:
    return sorted(Path(settings.spool or "").glob("*.seg"))


def balanced(counters: Counters) -> bool:
    return counters.offered == (
        counters.stored + counters.spooled + counters.quarantined + counters.dropped
    )


def record(recorder: Recorder, number: int = 1) -> None:
    for _ in range(number):
        context = recorder.start("command", "x", metadata={"a": 1})
        recorder.finish(context.id, "success")


def test_a_locked_database_costs_the_end_of_a_program_half_a_second_at_most(
    settings: Settings, locked: sqlite3.Connection
) -> None:
    recorder = Recorder(settings)
    record(recorder)
    begin = time.monotonic()
    shipped = recorder.close()
    spent = time.monotonic() - begin

    locked.execute("ROLLBACK")
    store = open_store(settings.store)
    report = drain(store, Path(settings.spool or ""))
    store.close()
    assert (shipped.stored, shipped.left) == (0, 2)
    assert "locked" in (shipped.reason or "")
    # Not a measurement: without a bound it would be five seconds.
    assert spent < 2.5
    assert (report.applied, report.taken) == (2, 1)
    assert balanced(recorder.counters)


def test_writers_queueing_for_the_database_are_not_waited_for_either(
    settings: Settings, tmp_path: Path
) -> None:
    recorder = Recorder(settings)
    record(recorder)
    program = (
        "import fcntl, os, sys; fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT);"
        "fcntl.flock(fd, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, f"{tmp_path}/store.db.lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()

    begin = time.monotonic()
    shipped = recorder.close()
    spent = time.monotonic() - begin

    holder.communicate()
    assert (shipped.left, len(segments(settings))) == (2, 1)
    assert spent < 2.5


def test_no_time_leaves_everything(settings: Settings, tmp_path: Path) -> None:
    recorder = Recorder(settings)
    record(recorder)

    shipped = recorder.close(0)

    assert (shipped.stored, shipped.left) == (0, 2)
    assert not (tmp_path / "store.db").exists()
    assert len(segments(settings)) == 1


def test_a_small_run_is_delivered_although_opening_took_all_the_time(settings: Settings) -> None:
    recorder = Recorder(settings)
    record(recorder, 2)

    assert recorder.close(0.000001) == (4, 0, None)


def test_a_backlog_that_takes_too_long_is_delivered_in_part_and_finished_later(
    settings: Settings,
) -> None:
    recorder = Recorder(settings)
    record(recorder, 6000)
    shipped = recorder.close(0.001)
    store = open_store(settings.store)
    reports = [drain(store, Path(settings.spool or ""), budget_s=30)]

    assert shipped.left > 0
    assert shipped.stored + shipped.left == 12000
    assert shipped.stored + reports[0].applied == 12000
    assert reports[0].lost == 0
    assert segments(settings) == []
    store.close()


@pytest.mark.parametrize(
    "content", [b"this is no database" * 100, b"SQLite format 3\0" + b"x" * 9000]
)
def test_a_damaged_database_is_left_as_it_is_and_so_are_the_events(
    settings: Settings, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "store.db").write_bytes(content)
    recorder = Recorder(settings)
    record(recorder)

    shipped = recorder.close()

    assert (shipped.stored, shipped.left) == (0, 2)
    assert "store.db" in (shipped.reason or "")
    assert (tmp_path / "store.db").read_bytes() == content
    assert balanced(recorder.counters)


def test_a_database_of_a_newer_release_gets_nothing(settings: Settings, tmp_path: Path) -> None:
    store = open_store(settings.store)
    store.stats()
    store.close()
    with sqlite3.connect(tmp_path / "store.db") as other:
        other.execute("UPDATE execmeta_version SET version_num = '9999'")
    other.close()
    recorder = Recorder(settings)
    record(recorder)

    shipped = recorder.close()

    assert (shipped.stored, shipped.left) == (0, 2)
    assert "9999" in (shipped.reason or "")


@pytest.mark.parametrize("url", ["postgresql://nowhere/x", "nonsense:x", "sqlite:///"])
def test_a_store_that_cannot_be_is_a_reason_and_no_error(tmp_path: Path, url: str) -> None:
    recorder = Recorder(Settings(store=url, spool=str(tmp_path / "spool")))
    record(recorder)

    shipped = recorder.close()

    assert (shipped.stored, shipped.left) == (0, 2)
    assert shipped.reason


def test_what_a_reader_applied_while_we_ran_counts_as_stored(settings: Settings) -> None:
    recorder = Recorder(settings)
    record(recorder, 5)
    store = open_store(settings.store)
    live = drain(store, Path(settings.spool or ""))
    record(recorder, 1)

    shipped = recorder.close(30)

    assert (live.applied, live.live) == (10, 1)
    assert shipped == (12, 0, None)
    assert store.segments() == {}
    assert balanced(recorder.counters)
    store.close()


def test_a_segment_that_was_removed_under_us_is_written_anew(settings: Settings) -> None:
    recorder = Recorder(settings)
    record(recorder, 5)
    [removed] = segments(settings)
    removed.unlink()

    shipped = recorder.close(0)
    [path] = segments(settings)
    store = open_store(settings.store)
    report = drain(store, path.parent)

    assert shipped.left == 10
    assert path != removed
    assert (report.applied, report.taken, report.lost) == (10, 1, 0)
    assert recorder.counters.faults["segment_removed"] == 1
    store.close()


def test_events_in_memory_are_delivered_without_a_disk(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    program = f"""
from execmeta.recording.recorder import Recorder
from execmeta.settings import Settings
recorder = Recorder(Settings(store="sqlite:///{tmp_path}/store.db", spool="{blocked}/spool"))
for _ in range(3):
    context = recorder.start("command", "x")
    recorder.finish(context.id, "success")
counters = recorder.counters
print(counters.spooled, counters.in_memory, recorder.close(30), counters.in_memory, counters.stored)
"""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**environ, "HOME": str(blocked), "TMPDIR": str(blocked)},
    )

    assert done.stdout == "6 6 Shipped(stored=6, left=0, reason=None) 0 6\n"
    assert done.stderr.count("Recording in memory only") == 1
