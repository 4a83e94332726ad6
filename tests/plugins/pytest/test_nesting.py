"""Runs inside runs: the context reaches child processes, and leaves no trace behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from plugins.pytest.recorded import EXECMETA, Recorded, clean_environment, listed

INNER = "def test_inner(): pass\n"
OUTER = """
    import subprocess, sys

    def test_outer():
        subprocess.run([sys.executable, "-m", "pytest", "-q", "inner/test_in.py"], check=True)
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "with a worker"])
def test_pytest_below_a_test_is_a_child_of_the_session(
    run: Callable[..., Recorded], workers: tuple[str, ...]
) -> None:
    files = {"test_out.py": OUTER, "inner/test_in.py": INNER, "inner/pytest.ini": "[pytest]\n"}

    recorded = run(files, "--exec-meta", "project=ml", "test_out.py", *workers)

    assert recorded.code == 0, recorded.out
    outer, inner = sorted(
        (row for row in recorded.rows if row["kind"] == "session"),
        key=lambda row: row["depth"] if "depth" in row else row["parent_id"] is not None,
    )
    assert inner["parent_id"] == outer["id"]
    assert inner["root_id"] == outer["id"]
    assert inner["metadata"] == {"project": "ml"}
    assert recorded.test("::test_inner")["root_id"] == outer["id"]


def test_pytest_below_execmeta_run_is_a_child_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "test_in.py").write_text(INNER, encoding="utf-8")
    pytest_ = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]

    done = subprocess.run(
        [*EXECMETA, "run", "-m", "project=ml", "--", *pytest_, "-q", "test_in.py"],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row["kind"]: row for row in listed(tmp_path)}
    assert rows["session"]["parent_id"] == rows["command"]["id"]
    assert rows["test"]["parent_id"] == rows["session"]["id"]
    assert rows["test"]["root_id"] == rows["command"]["id"]
    assert rows["test"]["metadata"] == {"project": "ml"}


def test_command_below_a_test_is_a_child_and_uses_the_same_store(
    run: Callable[..., Recorded], tmp_path: Path
) -> None:
    suite = f"""
        import subprocess, sys

        def test_tool():
            command = [*{EXECMETA!r}, "run", "--", sys.executable, "-c", "pass"]
            subprocess.run(command, check=True)
    """

    recorded = run(
        {"test_out.py": suite},
        *("--exec-meta", "project=ml", "--exec-store", f"sqlite:///{tmp_path}/store.db"),
        env={"EXECMETA_STORE": f"sqlite:///{tmp_path}/another.db"},
    )

    (command,) = [row for row in recorded.rows if row["kind"] == "command"]
    assert command["parent_id"] == recorded.session["id"]
    assert command["metadata"] == {"project": "ml"}


def test_two_runs_in_one_process_are_two_sessions(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_a(): pass\n", encoding="utf-8")
    (tmp_path / "test_b.py").write_text("def test_b(): assert 0\n", encoding="utf-8")
    program = (
        "import json, os, pytest\n"
        "before = dict(os.environ)\n"
        "codes = [pytest.main(['-q', '-p', 'no:cacheprovider', '--exec-meta', 'a=1', name])\n"
        "         for name in ('test_a.py', 'test_b.py')]\n"
        "left = {k: v for k, v in os.environ.items() if before.get(k) != v}\n"
        "print('LEFT', json.dumps([codes, left]))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
    )

    (line,) = [line for line in done.stdout.splitlines() if line.startswith("LEFT")]
    codes, left = json.loads(line.removeprefix("LEFT"))
    assert (codes, {k: v for k, v in left.items() if k.startswith("EXECMETA")}) == ([0, 1], {})
    rows = listed(tmp_path)
    sessions = [row for row in rows if row["kind"] == "session"]
    assert [row["status"] for row in sessions] == ["success", "failed"]
    assert [row["parent_id"] for row in sessions] == [None, None]
    assert [row["parent_id"] for row in rows if row["kind"] == "test"] == [
        row["id"] for row in sessions
    ]


def test_forked_child_of_a_test_records_nothing(run: Callable[..., Recorded]) -> None:
    suite = """
        import os, sys

        def test_forks():
            child = os.fork()
            if not child:
                sys.exit(0)
            os.waitpid(child, 0)

        def test_after(): pass
    """

    recorded = run({"test_x.py": suite}, "--exec-meta", "a=1", "-p", "no:faulthandler")

    assert recorded.session["status"] == "success"
    assert len(recorded.tests) == 2


def test_git_facts_are_attributes_of_the_session_only(
    run: Callable[..., Recorded], tmp_path: Path
) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(suite)]
    subprocess.run([*git, "init", "-q", "-b", "trunk"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    sha = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()

    recorded = run({"test_one.py": INNER}, "--exec-meta", "a=1")

    attributes = recorded.session["attributes"]
    assert (attributes["git.sha"], attributes["git.branch"]) == (sha, "trunk")
    assert not [name for name in recorded.tests[0]["attributes"] if name.startswith("git.")]
