"""What the plug-in prints, and where it stays silent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from plugins.pytest.recorded import Recorded

ONE = {"test_one.py": "def test_one(): pass\n"}


def ours(recorded: Recorded) -> list[str]:
    return [line for line in recorded.out.splitlines() if line.startswith("execmeta: ")]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_header_and_footer_show_the_id(
    run: Callable[..., Recorded], workers: tuple[str, ...]
) -> None:
    recorded = run(ONE, "--exec-meta", "project=ml", *workers)

    found = recorded.session["id"]
    assert ours(recorded) == [
        f"execmeta: {found} project=ml",
        f"execmeta: recorded as {found} (execmeta tree {found[-8:]})",
    ]


@pytest.mark.parametrize("quiet", ["-q", "-qq"])
def test_quiet_run_shows_the_id_once(run_here: Callable[..., Recorded], quiet: str) -> None:
    recorded = run_here(ONE, "--exec-meta", "a=1", quiet)

    assert [recorded.session["id"] in line for line in ours(recorded)] == [True]


def test_last_line_is_pytests_own(run_here: Callable[..., Recorded]) -> None:
    assert "1 passed" in run_here(ONE, "--exec-meta", "a=1").out.splitlines()[-1]


def test_run_without_a_terminal_plugin_is_silent_and_recorded(
    run_here: Callable[..., Recorded],
) -> None:
    recorded = run_here(ONE, "--exec-meta", "a=1", "-p", "no:terminal")

    assert recorded.code == 0
    assert ours(recorded) == []
    assert recorded.session["status"] == "success"
    assert len(recorded.tests) == 1


def test_control_characters_of_a_value_never_reach_the_terminal(
    run_here: Callable[..., Recorded],
) -> None:
    recorded = run_here(ONE, "--exec-meta", "a=x\x1b[31mred\nsecond")

    assert "\x1b[31m" not in recorded.out
    assert "\\x1b[31mred\\nsecond" in ours(recorded)[0]


def test_secret_is_not_shown(run_here: Callable[..., Recorded]) -> None:
    recorded = run_here(ONE, "--exec-meta", "db_password=hunter2hunter2")

    assert "hunter2" not in recorded.out
    assert "hunter2" not in str(recorded.session)


def test_run_goes_on_when_nothing_can_be_written(run_here: Callable[..., Recorded]) -> None:
    recorded = run_here(ONE, "--exec-meta", "a=1", env={"EXECMETA_SPOOL": "/dev/null/spool"})

    assert recorded.code == 0
    assert "1 passed" in recorded.out


def test_error_of_our_own_is_kept_away_and_told_once(run_here: Callable[..., Recorded]) -> None:
    files = {
        "conftest.py": """
            import pytest

            @pytest.hookimpl(wrapper=True, tryfirst=True)
            def pytest_runtest_makereport():
                report = yield
                report.duration = "no number"
                return report
        """,
        "test_x.py": "def test_a(): pass\ndef test_b(): pass\n",
    }

    recorded = run_here(files, "--exec-meta", "a=1", "-p", "no:terminalprogress", "--durations=0")

    assert recorded.session["id"] in recorded.out


def test_max_warnings_fails_the_session(run_here: Callable[..., Recorded]) -> None:
    suite = "import warnings\ndef test_a(): warnings.warn('old')\n"

    recorded = run_here({"test_x.py": suite}, "--exec-meta", "a=1", "--max-warnings", "0")

    assert recorded.session["status"] == "failed"
    assert recorded.session["attributes"]["pytest.exit_code"] == recorded.code
