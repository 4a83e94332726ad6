"""Whatever fails below a recorder, the program goes on and every event is accounted for."""

from __future__ import annotations

import errno
import gc
import logging
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from execmeta.model.ids import new_id
from execmeta.recording.counters import Counters
from execmeta.recording.drain import drain
from execmeta.recording.outbox import MAX_MEMORY_EVENTS
from execmeta.recording.recorder import Recorder
from execmeta.settings import Settings
from execmeta.store.opening import open_store

WIRES = ("write", "open", "rename", "fsync", "mkdir", "lstat", "stat", "fstat", "close", "urandom")
ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES, errno.EROFS, errno.EMFILE)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=f"sqlite:///{tmp_path}/store.db", spool=str(tmp_path / "spool"))


@contextmanager
def failing(name: str, error: int, nth: int = 1) -> Iterator[None]:
    """The n-th call of a function of `os` and all later ones raise, inside of the block."""
    real, calls = getattr(os, name), [0]

    def wire(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] >= nth:
            raise OSError(error, os.strerror(error))
        return real(*arguments, **options)

    setattr(os, name, wire)
    try:
        yield
    finally:
        setattr(os, name, real)


@pytest.fixture(autouse=True)
def no_other_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """State and temporary folder of the user are those of this test."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def unreadable_disk(tmp_path: Path) -> Iterator[Path]:
    """A place that no recorder can make a folder in, root or not."""
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    yield blocked


def live(recorder: Recorder, number: int) -> int:
    """Record so many lives; how many events that are."""
    for step in range(number):
        context = recorder.start("command", f"x{step}", metadata={"a": step})
        recorder.edit(context.id, set={"b": 1})
        recorder.finish(context.id, "success")
    return number * 3


def balanced(counters: Counters) -> bool:
    fates = counters.stored + counters.spooled + counters.quarantined + counters.dropped
    return counters.offered == fates and counters.dropped == sum(counters.reasons.values())


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("nth", [1, 2, 3, 5, 8])
def test_no_failing_wire_reaches_the_program(settings: Settings, wire: str, nth: int) -> None:
    recorder = Recorder(settings)

    with failing(wire, ERRORS[(WIRES.index(wire) + nth) % len(ERRORS)], nth):
        offered = live(recorder, 4)
        recorder.close()

    counters = recorder.counters
    assert (counters.offered, balanced(counters)) == (offered, True)


@pytest.mark.parametrize("failure", [MemoryError, RecursionError, RuntimeError, UnicodeError])
def test_no_exception_of_our_own_code_reaches_the_program(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    failure: type[Exception],
) -> None:
    recorder = Recorder(settings)

    def wire(*_: object) -> int:
        raise failure

    monkeypatch.setattr(os, "write", wire)
    offered = live(recorder, 2)
    recorder.close()

    counters = recorder.counters
    assert (counters.offered, counters.dropped) == (offered, offered)
    assert balanced(counters)


@pytest.mark.parametrize("passing", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_a_signal_handler_raises_belongs_to_the_program(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, passing: type[BaseException]
) -> None:
    recorder = Recorder(settings)
    live(recorder, 1)
    real = os.write

    def handler(*_: object) -> None:
        raise passing

    def wire(fd: int, data: bytes) -> int:
        signal.raise_signal(signal.SIGUSR1)
        return real(fd, data)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        monkeypatch.setattr(os, "write", wire)
        with pytest.raises(passing):
            recorder.start("command", "y")
    finally:
        monkeypatch.setattr(os, "write", real)
        signal.signal(signal.SIGUSR1, before)
    live(recorder, 1)

    assert recorder.close(30).left == 0
    assert balanced(recorder.counters)


def test_without_any_folder_a_thousand_events_are_kept_and_the_rest_counted(
    tmp_path: Path,
    unreadable_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("HOME", str(unreadable_disk))
    monkeypatch.setenv("TMPDIR", str(unreadable_disk))
    settings = Settings(store=f"sqlite:///{tmp_path}/s.db", spool=str(unreadable_disk / "spool"))
    recorder = Recorder(settings)

    offered = live(recorder, 400)
    counters = recorder.counters
    kept = (counters.offered, counters.spooled, counters.in_memory, dict(counters.reasons))
    shipped = recorder.close(30)

    assert kept == (offered, MAX_MEMORY_EVENTS, MAX_MEMORY_EVENTS, {"memory_full": 200})
    assert len(caplog.records) == 1
    assert "in memory only" in caplog.text
    assert shipped == (MAX_MEMORY_EVENTS, 0, None)
    assert (counters.in_memory, balanced(counters)) == (0, True)


def test_events_in_memory_that_nobody_takes_are_still_there(
    tmp_path: Path, unreadable_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(unreadable_disk))
    monkeypatch.setenv("TMPDIR", str(unreadable_disk))
    recorder = Recorder(Settings(store="nonsense:", spool=str(unreadable_disk / "spool")))
    live(recorder, 2)

    first, second = recorder.close(), recorder.close()

    assert (first.left, second.left, recorder.counters.in_memory) == (6, 6, 6)
    assert balanced(recorder.counters)


def test_the_next_place_is_taken_where_the_first_is_refused(
    tmp_path: Path, unreadable_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    recorder = Recorder(Settings(spool=str(unreadable_disk / "spool")))
    live(recorder, 2)

    state = tmp_path / "home" / ".local" / "state" / "execmeta" / "spool"
    assert len(list(state.glob("*.seg"))) == 1
    assert len(caplog.records) == 1
    assert (recorder.counters.spooled, recorder.counters.in_memory) == (6, 0)
    recorder.close(0)


def test_a_full_disk_loses_nothing_that_fits_again_later(
    settings: Settings, tmp_path: Path
) -> None:
    recorder = Recorder(settings)
    live(recorder, 1)
    [segment] = (tmp_path / "spool").glob("*.seg")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (segment.stat().st_size + 100, hard))
        live(recorder, 5)
        while_full = recorder.counters.in_memory
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    time.sleep(1.1)
    live(recorder, 1)
    counters = recorder.counters
    after = (counters.in_memory, counters.dropped)
    shipped = recorder.close(30)

    assert while_full > 0
    assert after == (0, 0)
    assert shipped == (21, 0, None)
    store = open_store(settings.store)
    assert store.stats().executions == 7
    store.close()


def test_a_broken_file_is_left_for_another_one_and_both_are_delivered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recorder = Recorder(settings)
    live(recorder, 1)
    real = os.write

    def wire(fd: int, data: bytes) -> int:
        raise OSError(errno.EIO, "disk error")

    monkeypatch.setattr(os, "write", wire)
    live(recorder, 1)
    monkeypatch.setattr(os, "write", real)
    time.sleep(1.1)
    live(recorder, 1)
    segments = len(list((tmp_path / "spool").glob("*.seg")))
    store = open_store(settings.store)
    report = drain(store, tmp_path / "spool")

    shipped = recorder.close(30)

    assert segments == 2
    assert (report.live, report.lost) == (2, 0)
    assert shipped == (9, 0, None)
    assert list((tmp_path / "spool").glob("*.seg")) == []
    store.close()


def test_a_log_filter_that_raises_does_not_reach_the_program(
    tmp_path: Path, unreadable_disk: Path
) -> None:
    def filter_(record: logging.LogRecord) -> bool:
        raise RuntimeError("broken filter")

    log = logging.getLogger("execmeta")
    log.addFilter(filter_)
    try:
        recorder = Recorder(Settings(spool=str(unreadable_disk / "spool")))
        offered = live(recorder, 1)
        recorder.finish(None, None)  # type: ignore[arg-type]
        recorder.close(0)
    finally:
        log.removeFilter(filter_)

    assert recorder.counters.offered == offered + 1
    assert balanced(recorder.counters)


def test_reasons_are_told_apart_up_to_a_hundred(settings: Settings) -> None:
    recorder = Recorder(settings)

    for number in range(300):
        recorder.finish(new_id(), f"status {number}")

    counters = recorder.counters
    assert (counters.dropped, len(counters.reasons), counters.reasons["other"]) == (300, 101, 200)
    assert balanced(counters)


def test_a_forgotten_recorder_gives_its_segment_free(settings: Settings, tmp_path: Path) -> None:
    recorder = Recorder(settings)
    context = recorder.start("command", "x")
    del recorder
    gc.collect()
    store = open_store(settings.store)

    report = drain(store, tmp_path / "spool")

    assert (report.taken, report.lost) == (1, 1)
    assert store.get(context.id).status == "lost"
    store.close()


def test_a_handler_that_records_while_a_segment_is_opened_loses_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(settings)
    real = os.rename

    def handler(*_: object) -> None:
        recorder.complete("function", "inner", status="success")

    def wire(*arguments: Any, **options: Any) -> None:
        signal.raise_signal(signal.SIGUSR1)
        real(*arguments, **options)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(os, "rename", wire)
            recorder.complete("function", "outer", status="success")
    finally:
        signal.signal(signal.SIGUSR1, before)
    recorder.complete("function", "later", status="success")

    counters = recorder.counters
    assert (counters.spooled, counters.in_memory, counters.dropped) == (3, 0, 0)
    assert recorder.close(30) == (3, 0, None)
