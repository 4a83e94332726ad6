"""Recorders and the life of processes: fork, kill, exit, and a reader in another process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from execmeta.recording.drain import drain
from execmeta.recording.recorder import Recorder
from execmeta.settings import Settings
from execmeta.store.base import Store
from execmeta.store.opening import open_store

ROUNDS = 20


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=f"sqlite:///{tmp_path}/store.db", spool=str(tmp_path / "spool"))


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings.store)
    yield store
    store.close()


def run(program: str, settings: Settings, **options: object) -> subprocess.Popen[str]:
    head = (
        "import os, sys, time, signal, threading\n"
        "from execmeta.recording.recorder import Recorder\n"
        "from execmeta.settings import Settings\n"
        f"recorder = Recorder(Settings(store={settings.store!r}, spool={settings.spool!r}))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def spool_of(settings: Settings) -> Path:
    return Path(settings.spool or "")


ENDLESS = """
context = recorder.start("session", "s", metadata={"n": 1})
print(context.id, flush=True)
number = 0
while True:
    recorder.complete("test", f"t{number}", status="success", parent=context, ended_at=1)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_sigkill_loses_no_event_that_a_call_has_returned_from(
    settings: Settings, store: Store
) -> None:
    missing = 0
    for round_ in range(ROUNDS):
        process = run(ENDLESS, settings)
        assert process.stdout is not None
        session = process.stdout.readline().strip()
        acked = -1
        for _ in range(round_ * 7 + 1):
            acked = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        # The last line may be half of one.
        acked = max([acked, *(int(line) for line in rest[:-1])])
        process.wait()
        report = drain(store, spool_of(settings), budget_s=60)
        names = {child.name for child in store.children(store.resolve(session))}
        missing += sum(f"t{number}" not in names for number in range(acked + 1))
        assert (report.taken, report.lost) == (1, 1)
        assert store.get(store.resolve(session)).status == "lost"

    assert missing == 0
    assert list(spool_of(settings).glob("*.seg")) == []


@pytest.mark.parametrize(
    "death",
    [
        "os._exit(3)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "sys.exit(0)",
        "raise RuntimeError",
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    ],
)
def test_no_way_of_dying_loses_an_event_or_delays_the_death(
    settings: Settings, store: Store, death: str
) -> None:
    process = run(
        f'context = recorder.start("command", "x")\nprint(context.id, flush=True)\n{death}\n',
        settings,
        stderr=subprocess.DEVNULL,
    )
    found = (process.communicate(timeout=30)[0]).strip()

    report = drain(store, spool_of(settings))

    assert (report.applied, report.lost) == (1, 1)
    assert store.get(store.resolve(found)).status == "lost"


def test_another_process_sees_an_event_while_its_writer_goes_on(
    settings: Settings, store: Store
) -> None:
    process = run(
        'context = recorder.start("session", "s")\nprint(context.id, flush=True)\n'
        "for line in sys.stdin:\n"
        '    recorder.complete("test", line.strip(), status="success", parent=context,'
        " ended_at=1)\n"
        '    print("ok", flush=True)\n'
        'recorder.finish(context.id, "success")\nrecorder.close()\n',
        settings,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    session = store_id = process.stdout.readline().strip()
    seen = []
    for name in ("first", "second"):
        process.stdin.write(f"{name}\n")
        process.stdin.flush()
        process.stdout.readline()
        report = drain(store, spool_of(settings))
        found = store.resolve(store_id)
        seen.append(
            (
                report.live,
                store.get(found).status,
                [child.name for child in store.children(found)],
            )
        )
    process.stdin.close()
    process.wait(30)

    assert seen == [(1, "running", ["first"]), (1, "running", ["first", "second"])]
    assert store.get(store.resolve(session)).status == "success"
    assert list(spool_of(settings).glob("*.seg")) == []


def test_two_drainers_at_once_take_everything_once(settings: Settings, store: Store) -> None:
    expected = set()
    for number in range(12):
        recorder = Recorder(settings)
        for step in range(100):
            expected.add(
                recorder.complete("test", f"{number}-{step}", status="success", ended_at=1)
            )
        recorder.close(0)
    program = (
        "from pathlib import Path; from execmeta.recording.drain import drain;"
        "from execmeta.store.opening import open_store; import sys;"
        "store = open_store(sys.argv[1]); sys.stdin.read(1);"
        "report = drain(store, Path(sys.argv[2]), budget_s=60);"
        "print(report.applied, report.taken, report.quarantined, report.reasons)"
    )
    drainers = [
        subprocess.Popen(
            [sys.executable, "-c", program, settings.store, settings.spool or ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for drainer in drainers:
        assert drainer.stdin is not None
        drainer.stdin.write("x")
        drainer.stdin.flush()
    told = [drainer.communicate(timeout=120)[0].split() for drainer in drainers]
    # A segment that one of them looked at in the same instant is left to the next drain.
    drain(store, spool_of(settings), budget_s=60)

    assert [words[2:] for words in told] == [["0", "[]"], ["0", "[]"]]
    assert list(spool_of(settings).glob("*.seg")) == []
    assert store.stats().executions == len(expected)
    assert store.check().problems == ()


def test_a_drainer_that_is_killed_leaves_the_rest_to_the_next_one(
    settings: Settings, store: Store
) -> None:
    recorder = Recorder(settings)
    for step in range(4000):
        recorder.complete("test", str(step), status="success", ended_at=1)
    recorder.close(0)
    program = (
        "from pathlib import Path; from execmeta.recording.drain import drain;"
        "from execmeta.store.opening import open_store; import sys;"
        "print('go', flush=True);"
        "drain(open_store(sys.argv[1]), Path(sys.argv[2]), budget_s=60)"
    )
    for pause_s in (0.0, 0.05, 0.1, 0.15):
        drainer = subprocess.Popen(
            [sys.executable, "-c", program, settings.store, settings.spool or ""],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert drainer.stdout is not None
        drainer.stdout.readline()
        time.sleep(pause_s)
        drainer.kill()
        drainer.wait()
        drainer.stdout.close()

    drain(store, spool_of(settings), budget_s=60)

    assert store.stats().executions == 4000
    assert store.check().problems == ()
    assert list(spool_of(settings).glob("*.seg")) == []


def test_a_child_writes_its_own_segment_and_the_parent_goes_on(
    settings: Settings, store: Store
) -> None:
    recorder = Recorder(settings)
    context = recorder.start("command", "parent")
    pid = os.fork()
    if pid == 0:
        recorder.complete("function", "child", status="success", parent=context, ended_at=1)
        counters = recorder.counters
        os._exit(0 if (counters.offered, counters.spooled) == (1, 1) else 1)
    status = os.waitpid(pid, 0)[1]
    recorder.finish(context.id, "success")
    segments = len(list(spool_of(settings).glob("*.seg")))
    shipped = recorder.close(30)

    report = drain(store, spool_of(settings))

    assert (status, segments, shipped) == (0, 2, (2, 0, None))
    assert (report.applied, report.lost) == (1, 0)
    assert [child.name for child in store.children(context.id)] == ["child"]


def test_a_child_that_only_exits_takes_nothing_from_its_parent(
    settings: Settings, store: Store
) -> None:
    recorder = Recorder(settings)
    context = recorder.start("command", "parent")
    pid = os.fork()
    if pid == 0:
        recorder.close(30)
        os._exit(0)
    os.waitpid(pid, 0)
    before = drain(store, spool_of(settings))
    recorder.finish(context.id, "success")

    assert (before.live, before.taken, before.lost) == (1, 0, 0)
    assert recorder.close(30) == (2, 0, None)


def test_a_child_of_a_dead_parent_does_not_keep_its_lock(settings: Settings, store: Store) -> None:
    process = run(
        'context = recorder.start("command", "x")\n'
        "pid = os.fork()\n"
        "if pid == 0:\n"
        # One system call each: print writes a line in pieces, and the two would mix.
        "    os.write(1, b'%d\\n' % os.getpid())\n"
        "    time.sleep(60)\n"
        "os.write(1, (context.id + '\\n').encode())\nos._exit(0)\n",
        settings,
    )
    assert process.stdout is not None
    told = {process.stdout.readline().strip(), process.stdout.readline().strip()}
    process.wait()
    [orphan] = [word for word in told if "-" not in word]

    try:
        report = drain(store, spool_of(settings))
    finally:
        os.kill(int(orphan), signal.SIGKILL)
        process.stdout.close()

    assert (report.taken, report.lost) == (1, 1)


def test_forks_while_other_threads_record_never_hang(settings: Settings, store: Store) -> None:
    recorder = Recorder(settings)
    context = recorder.start("command", "parent")
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.0001):
            for _ in range(5):
                recorder.complete("function", "busy", status="success", ended_at=1)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    failed = 0
    for number in range(50):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20)
            recorder.complete(
                "function", f"child {number}", status="success", parent=context, ended_at=1
            )
            os._exit(recorder.counters.offered != 1)
        failed += os.waitpid(pid, 0)[1] != 0
    done.set()
    for thread in threads:
        thread.join()
    recorder.finish(context.id, "success")
    recorder.close(60)
    drain(store, spool_of(settings), budget_s=60)

    assert failed == 0
    assert len(store.children(context.id)) == 50


def test_processes_that_a_program_starts_inherit_no_descriptor(
    settings: Settings, tmp_path: Path
) -> None:
    recorder = Recorder(settings)
    recorder.start("command", "x")
    [segment] = spool_of(settings).glob("*.seg")
    program = (
        "import os, sys, json; found = [];\n"
        "for name in os.listdir('/dev/fd'):\n"
        "    try: found.append(os.fstat(int(name)).st_ino)\n"
        "    except OSError: pass\n"
        "print(json.dumps(found))"
    )

    found = json.loads(subprocess.check_output([sys.executable, "-c", program], close_fds=False))

    assert segment.stat().st_ino not in found
    recorder.close(0)


def test_no_signal_handler_and_no_exit_handler_is_installed(settings: Settings) -> None:
    program = """
import atexit
before = [signal.getsignal(number) for number in signal.valid_signals()], atexit._ncallbacks()
context = recorder.start("command", "x")
recorder.close(30)
after = [signal.getsignal(number) for number in signal.valid_signals()], atexit._ncallbacks()
print(before == after, threading.active_count())
"""
    process = run(program, settings)

    assert process.communicate(timeout=30)[0] == "True 1\n"


def test_a_program_that_closes_all_descriptors_loses_no_event(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    program = (
        "context = recorder.start('session', 's')\n"
        "os.closerange(3, 256)\n"
        f"files = [os.open({str(theirs)!r}, os.O_WRONLY | os.O_CREAT) for _ in range(8)]\n"
        "os.write(files[0], b'precious')\n"
        "recorder.complete('test', 't', parent=context, status='success')\n"
        "recorder.finish(context.id, 'success')\n"
        "shipped = recorder.close(timeout_s=5)\n"
        "print(context.id, shipped.reason)\n"
    )

    output = run(program, settings).communicate()[0]

    execution_id, _, reason = output.strip().partition(" ")
    assert "closed the descriptor" in reason
    assert theirs.read_bytes() == b"precious"
    drain(store, spool_of(settings))
    assert store.get(execution_id).status == "success"
    assert len(store.subtree(execution_id)) == 2
