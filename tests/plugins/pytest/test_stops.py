"""How sessions end before their time, and what is on record then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from plugins.pytest.recorded import OPTIONS, Recorded, clean_environment, run_in

BOTH = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])


def end(recorded: Recorded) -> tuple[str, int]:
    session = recorded.session
    return session["status"], session["attributes"]["pytest.exit_code"]


def words(recorded: Recorded) -> list[str]:
    return sorted(row["attributes"]["pytest.outcome"] for row in recorded.tests)


def test_first_failure_stops_the_session(run_here: Callable[..., Recorded]) -> None:
    suite = "def test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pass\n"

    recorded = run_here({"test_x.py": suite}, "--exec-meta", "a=1", "-x")

    assert end(recorded) == ("failed", 1)
    assert words(recorded) == ["failed", "passed"]


@BOTH
def test_no_tests_is_a_success_with_a_flag(
    run: Callable[..., Recorded], workers: tuple[str, ...]
) -> None:
    recorded = run({"test_x.py": ""}, "--exec-meta", "a=1", *workers)

    assert end(recorded) == ("success", 5)
    assert recorded.session["flags"] == ["no_tests"]
    assert recorded.tests == []


def test_deselected_tests_are_counted_and_not_recorded(run_here: Callable[..., Recorded]) -> None:
    suite = "def test_a(): pass\ndef test_b(): pass\n"

    recorded = run_here({"test_x.py": suite}, "--exec-meta", "a=1", "-k", "test_a")

    assert recorded.session["attributes"]["pytest.deselected"] == 1
    assert len(recorded.tests) == 1


COLLECTION = {
    "test_broken.py": "import no_such_module_here\n",
    "test_skipped.py": "import pytest\npytest.skip('not here', allow_module_level=True)\n",
    "test_fine.py": "def test_fine(): pass\n",
}


def test_collection_error_fails_the_session(run_here: Callable[..., Recorded]) -> None:
    recorded = run_here(COLLECTION, "--exec-meta", "a=1")

    assert end(recorded) == ("failed", 2)
    broken, skipped = recorded.test("test_broken.py"), recorded.test("test_skipped.py")
    assert (broken["status"], broken["attributes"]["pytest.outcome"]) == ("failed", "error")
    assert broken["attributes"]["pytest.phase"] == "collect"
    assert "no_such_module_here" in broken["error"]["message"]
    assert (skipped["status"], skipped["attributes"]["pytest.reason"]) == ("skipped", "not here")


def test_collection_error_in_workers_is_recorded_once(run: Callable[..., Recorded]) -> None:
    recorded = run(COLLECTION, "--exec-meta", "a=1", "-n", "2")

    assert end(recorded) == ("failed", 1)
    assert recorded.test("test_broken.py")["status"] == "failed"
    assert recorded.test("::test_fine")["status"] == "success"


def test_usage_error_after_the_start_fails_the_session(run_here: Callable[..., Recorded]) -> None:
    recorded = run_here({}, "--exec-meta", "a=1", "no_such_file.py")

    assert recorded.code == 4
    assert end(recorded) == ("failed", 4)


EXIT = """
    import pytest

    def test_a(): pass
    def test_b(): pytest.exit("enough"{code})
    def test_c(): pass
"""


@pytest.mark.parametrize(
    ("code", "expected"), [("", ("cancelled", 2)), (", 7", ("failed", 7)), (", 0", ("success", 0))]
)
def test_pytest_exit_ends_the_session_with_its_code(
    run_here: Callable[..., Recorded], code: str, expected: tuple[str, int]
) -> None:
    recorded = run_here({"test_x.py": EXIT.format(code=code)}, "--exec-meta", "a=1")

    assert end(recorded) == expected
    assert recorded.code == expected[1]
    assert words(recorded) == ["interrupted", "passed"]
    assert recorded.test("::test_b")["status"] == "cancelled"
    assert recorded.out.count(f"recorded as {recorded.session['id']}") == 1


@BOTH
def test_internal_error_fails_the_session_and_shows_the_id(
    run: Callable[..., Recorded], workers: tuple[str, ...]
) -> None:
    files = {
        "conftest.py": """
            def pytest_runtest_logfinish(nodeid):
                if "test_b" in nodeid:
                    raise RuntimeError("a bug in somebody's plug-in")
        """,
        "test_x.py": "def test_a(): pass\ndef test_b(): pass\n",
    }

    recorded = run(files, "--exec-meta", "a=1", *workers)

    assert end(recorded) == ("failed", 3)
    assert f"recorded as {recorded.session['id']}" in recorded.out


INTERRUPTED = """
    import os, signal, time

    def test_a(): pass
    def test_b():
        os.kill({pid}, signal.SIGINT)
        time.sleep(30)
    def test_c(): pass
"""


def test_ctrl_c_cancels_the_session_and_the_test(run: Callable[..., Recorded]) -> None:
    recorded = run({"test_x.py": INTERRUPTED.format(pid="os.getpid()")}, "--exec-meta", "a=1")

    assert end(recorded) == ("cancelled", 2)
    assert words(recorded) == ["interrupted", "passed"]


def test_ctrl_c_with_workers_cancels_the_session(run: Callable[..., Recorded]) -> None:
    recorded = run(
        {"test_x.py": INTERRUPTED.format(pid="os.getppid()")}, "--exec-meta", "a=1", "-n", "1"
    )

    assert end(recorded) == ("cancelled", 2)


@BOTH
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_finished_before_a_kill_is_kept_and_the_session_is_lost(
    tmp_path: Path, workers: tuple[str, ...], sent: signal.Signals
) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "pytest.ini").touch()
    (suite / "test_x.py").write_text(
        "import pathlib, time, pytest\n"
        "@pytest.mark.parametrize('n', range(100))\n"
        "def test_n(n):\n"
        "    if n >= 50:\n"
        "        pathlib.Path('reached').touch()\n"
        "        time.sleep(60)\n",
        encoding="utf-8",
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "pytest", *OPTIONS, "--exec-meta", "a=1", "-v", *workers],
        cwd=suite,
        env=clean_environment(tmp_path),
        stdout=(tmp_path / "out").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (suite / "reached").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(child.pid, sent)
        child.wait(30)
    finally:
        os.killpg(child.pid, signal.SIGKILL) if child.poll() is None else None

    recorded = Recorded(tmp_path, child.returncode, (tmp_path / "out").read_text(), "")
    printed = recorded.out.count("PASSED")
    assert printed >= (50 if not workers else 1)
    assert [row["status"] for row in recorded.tests] == ["success"] * printed
    assert recorded.session["status"] == "lost"


def test_running_session_is_visible(tmp_path: Path) -> None:
    files = {
        "test_x.py": """
            import pathlib, time
            def test_a(): pass
            def test_b():
                pathlib.Path("reached").touch()
                while not pathlib.Path("go").exists():
                    time.sleep(0.05)
        """,
    }
    suite = tmp_path / "suite"
    run_in(tmp_path, files, "--version")
    child = subprocess.Popen(
        [sys.executable, "-m", "pytest", *OPTIONS, "--exec-meta", "a=1", "-q"],
        cwd=suite,
        env=clean_environment(tmp_path),
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not (suite / "reached").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        running = Recorded(tmp_path, 0, "", "")
        seen = running.session["status"], words(running)
    finally:
        (suite / "go").touch()
        child.wait(60)

    assert seen == ("running", ["passed"])
    after = Recorded(tmp_path, 0, "", "")
    assert (after.session["status"], words(after)) == ("success", ["passed", "passed"])
