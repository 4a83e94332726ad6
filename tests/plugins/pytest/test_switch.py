"""Who switches a recording on and off, which value of a key wins, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from plugins.pytest.recorded import OPTIONS, Recorded, clean_environment, execmeta

ONE = {"test_one.py": "def test_one(): pass\n"}


def ini(*lines: str) -> dict[str, str]:
    return {"pytest.ini": "\n".join(["[pytest]", *lines, ""])}


def sessions(recorded: Recorded) -> list[dict[str, object]]:
    return [row for row in recorded.rows if row["kind"] == "session"]


@pytest.mark.parametrize(
    ("files", "options", "env"),
    [
        ({}, ["--exec-meta", "a=1"], {}),
        ({}, ["--exec-name", "nightly"], {}),
        (ini("exec_meta =", "    a=1"), [], {}),
        (ini("exec_meta_record = true"), [], {}),
        (ini("addopts = --exec-meta a=1"), [], {}),
        ({}, [], {"EXECMETA_META_A": "1"}),
        ({}, [], {"EXECMETA_META": '{"a": 1}'}),
        ({}, ["--exec-meta", "a=1"], {"EXECMETA_DISABLED": "0"}),
    ],
    ids=str,
)
def test_switched_on(
    run_here: Callable[..., Recorded],
    files: dict[str, str],
    options: list[str],
    env: dict[str, str],
) -> None:
    recorded = run_here(ONE | files, *options, env=env)

    assert recorded.code == 0, recorded.out + recorded.err
    assert len(sessions(recorded)) == len(recorded.tests) == 1


@pytest.mark.parametrize(
    ("files", "options", "env"),
    [
        ({}, [], {}),
        (ini("exec_meta_record = false"), [], {}),
        ({"pyproject.toml": "[tool.execmeta]\n"}, [], {}),
        ({}, ["--exec-meta", "a=1", "--no-exec-meta"], {}),
        ({}, ["--exec-meta", "a=1", "--collect-only"], {}),
        ({}, ["--exec-meta", "a=1", "--setup-plan"], {}),
        ({}, ["--exec-meta", "a=1", "--fixtures"], {}),
        ({}, ["--exec-meta", "a=1"], {"EXECMETA_DISABLED": "1"}),
        (ini("exec_meta_record = true"), ["--no-exec-meta"], {"EXECMETA_META_A": "1"}),
    ],
    ids=str,
)
def test_not_switched_on(
    run_here: Callable[..., Recorded],
    files: dict[str, str],
    options: list[str],
    env: dict[str, str],
) -> None:
    recorded = run_here(ONE | files, *options, env=env)

    assert recorded.code == 0, recorded.out + recorded.err
    assert "execmeta:" not in recorded.out
    assert not (recorded.place / "spool").exists()
    assert not (recorded.place / "store.db").exists()


def test_option_wins_over_environment_over_ini(run_here: Callable[..., Recorded]) -> None:
    files = ini(
        "addopts = --exec-meta from=addopts --exec-meta last=addopts",
        "exec_meta =",
        "    from=ini",
        "    last=ini",
        "    level=ini",
        "    only.ini=yes",
    )

    env = {"EXECMETA_META_FROM": "env", "EXECMETA_META_LEVEL": "env", "EXECMETA_META_ONLY_ENV": "y"}
    recorded = run_here(ONE | files, "--exec-meta", "last=cli", env=env)

    assert recorded.session["metadata"] == {
        "from": "addopts",
        "last": "cli",
        "level": "env",
        "only.ini": "yes",
        "only_env": "y",
    }
    assert recorded.session["sources"] == {"level": "env", "only_env": "env", "only.ini": "config"}


def test_last_value_of_an_option_wins(run_here: Callable[..., Recorded]) -> None:
    recorded = run_here(ONE, "--exec-meta", "a=1", "--exec-meta", "a=x=y ", "--exec-meta", "b=")

    assert recorded.session["metadata"] == {"a": "x=y ", "b": ""}


@pytest.mark.parametrize("spelling", ["latest", "{id}", "{ending}"])
def test_name_and_parent_are_taken_from_options(
    run_here: Callable[..., Recorded], tmp_path: Path, spelling: str
) -> None:
    execmeta(tmp_path, "run", "-m", "project=ml", "--", sys.executable, "-c", "pass")
    parent = execmeta(tmp_path, "list", "-o", "ids").stdout.strip()
    ref = spelling.format(id=parent.upper(), ending=parent[-8:])

    recorded = run_here(ONE, "--exec-name", "nightly tests", "--exec-parent", ref)

    session = recorded.session
    assert (session["name"], session["parent_id"]) == ("nightly tests", parent)
    assert session["metadata"] == {"project": "ml"}
    assert {row["root_id"] for row in recorded.rows} == {parent}


def test_session_is_named_after_its_folder(run: Callable[..., Recorded]) -> None:
    assert run(ONE, "--exec-meta", "a=1").session["name"] == "pytest suite"


def test_store_option_wins_over_the_environment(
    run_here: Callable[..., Recorded], tmp_path: Path
) -> None:
    other = tmp_path / "other"

    recorded = run_here(ONE, "--exec-store", f"sqlite:///{other}/store.db")

    assert recorded.rows == []
    assert execmeta(other, "list", "-o", "ids").stdout.strip()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--exec-meta", "novalue"], ["novalue", "="]),
        (["--exec-meta", "=x"], ["'=...'", "no key"]),
        (["--exec-meta", "a b=x"], ["a b"]),
        (["--exec-meta", "ok=1", "--exec-meta", "__mine=x"], ["__mine"]),
        (["--exec-meta", "execmeta.id=x"], ["execmeta."]),
        (["--exec-meta", f"{'k' * 101}=x"], ["100"]),
        (["--exec-meta", f"a={'v' * 1001}"], ["1000"]),
        ([f"--exec-meta=k{n}=1" for n in range(51)], ["50"]),
        (["--exec-parent", "nonsense"], ["--exec-parent", "nonsense"]),
        (["--exec-parent", "0190a5d0-7c1e-7abc-8def-0123456789ab"], ["--exec-parent", "0190a5d0"]),
        (["--exec-store", "ftp://there"], ["--exec-store", "ftp"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_person_typed_wrong_is_a_usage_error_before_collection(
    run_here: Callable[..., Recorded], options: list[str], words: list[str]
) -> None:
    recorded = run_here({"test_one.py": "raise SystemExit('collected')\n"}, *options)

    assert recorded.code == 4
    for word in words:
        assert word in recorded.err
    assert "collected" not in recorded.out + recorded.err
    assert not (recorded.place / "spool").exists()


def test_what_ini_and_environment_say_wrong_is_left_out_and_told_once(
    run_here: Callable[..., Recorded],
) -> None:
    files = ini("exec_meta =", "    good=1", "    no pair", "    bad key=1")

    recorded = run_here(ONE | files, env={"EXECMETA_META___MINE": "x", "EXECMETA_META_FINE": "y"})

    assert recorded.code == 0
    assert recorded.session["metadata"] == {"good": "1", "fine": "y"}
    footer = [line for line in recorded.out.splitlines() if line.startswith("execmeta: ")]
    for word in ("'no pair'", "'bad key'", "EXECMETA_META* left out: reserved_key"):
        assert [word in line for line in footer].count(True) == 1


def test_nothing_but_os_and_the_host_is_imported_when_nobody_asked(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "pytest.ini").touch()
    (suite / "test_one.py").write_text(ONE["test_one.py"], encoding="utf-8")
    (suite / "conftest.py").write_text(
        "import sys\n"
        "def pytest_unconfigure(config):\n"
        "    print('LOADED', *sorted(sys.modules), file=sys.__stdout__)\n",
        encoding="utf-8",
    )

    def modules(*options: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, *options],
            cwd=suite,
            env=clean_environment(tmp_path),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("LOADED")]
        return set(line.split())

    assert modules() - modules("-p", "no:execmeta") == {"pytest_execmeta", "pytest_execmeta.plugin"}


def test_fixtures_and_marker_do_nothing_when_nobody_asked(
    run_here: Callable[..., Recorded],
) -> None:
    suite = """
        import pytest

        @pytest.mark.exec_meta(owner="x")
        def test_one(exec_meta, exec_session):
            exec_meta(a=1)
            exec_meta["b"] = 2
            exec_session(c=3)
            assert exec_meta.id is None
    """
    recorded = run_here({"test_one.py": suite}, "--strict-markers", "-W", "error")

    assert recorded.code == 0, recorded.out
    assert recorded.rows == []


def test_help_lists_every_option(run_here: Callable[..., Recorded]) -> None:
    out = run_here(ONE, "--help").out

    for word in ("--exec-meta", "--exec-name", "--exec-parent", "--exec-store", "--no-exec-meta"):
        assert word in out
    assert "exec_meta_record" in out
