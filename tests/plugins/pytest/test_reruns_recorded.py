"""Attempts made by pytest-rerunfailures, and the test in which a worker died."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from plugins.pytest.recorded import Recorded, run_in

pytest.importorskip("pytest_rerunfailures")

SUITE = {
    "test_again.py": """
        import pytest
        COUNT = {}

        def nth(name):
            COUNT[name] = COUNT.get(name, 0) + 1
            return COUNT[name]

        def test_second_time_passes(exec_meta):
            exec_meta(seen=nth("a"))
            assert COUNT["a"] == 2

        @pytest.fixture
        def setup_fails_once():
            assert nth("b") == 2

        def test_setup_fails_once(setup_fails_once): pass

        def test_never_passes():
            assert False, nth("c")

        @pytest.mark.exec_meta(owner="x")
        def test_steady(): pass

        def test_subtest_fails_once(subtests):
            with subtests.test("s"):
                assert nth("d") == 2
    """,
}


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["alone", "two workers"])
def recorded(request: pytest.FixtureRequest, new_place: Callable[[], Path]) -> Recorded:
    return run_in(new_place(), SUITE, "--exec-meta", "a=1", "--reruns", "2", *request.param)


def ends(rows: list[dict[str, object]]) -> list[tuple[object, object, object]]:
    return [(row["attempt"], row["status"], row["attributes"]["pytest.outcome"]) for row in rows]


@pytest.mark.parametrize("name", ["::test_second_time_passes", "::test_setup_fails_once"])
def test_each_attempt_is_an_execution(recorded: Recorded, name: str) -> None:
    found = ends(recorded.attempts(name))

    assert found == [(1, "failed", "rerun"), (2, "success", "passed")]


def test_last_attempt_that_fails_is_failed(recorded: Recorded) -> None:
    found = ends(recorded.attempts("::test_never_passes"))

    assert found == [(1, "failed", "rerun"), (2, "failed", "rerun"), (3, "failed", "failed")]


def test_attempts_have_ids_and_tags_of_their_own(recorded: Recorded) -> None:
    first, second = recorded.attempts("::test_second_time_passes")

    assert first["id"] != second["id"]
    assert [first["metadata"]["seen"], second["metadata"]["seen"]] == [1, 2]


def test_test_without_a_rerun_has_one_attempt(recorded: Recorded) -> None:
    (row,) = recorded.attempts("::test_steady")

    assert (row["attempt"], row["metadata"]["owner"]) == (1, "x")


def test_subtests_stay_with_their_attempt(recorded: Recorded) -> None:
    attempts = recorded.attempts("::test_subtest_fails_once")
    by_parent = {
        row["parent_id"]: row["status"] for row in recorded.rows if row["kind"] == "subtest"
    }

    assert [row["attempt"] for row in attempts] == [1, 2]
    assert [by_parent[row["id"]] for row in attempts] == ["failed", "success"]


def test_session_counts_like_the_last_line(recorded: Recorded) -> None:
    attributes = recorded.session["attributes"]

    last = recorded.out.splitlines()[-1]
    for word in ("passed", "failed", "rerun"):
        assert f"{attributes[f'pytest.{word}']} {word}" in last


CRASH = {
    "test_crash.py": """
        import os, pytest

        @pytest.mark.parametrize("n", range(4))
        def test_before(n): pass

        @pytest.mark.exec_meta(owner="y")
        def test_dies(exec_meta):
            exec_meta(late=True)
            os._exit(3)

        @pytest.mark.parametrize("n", range(4))
        def test_after(n): pass
    """,
}


def test_crash_of_a_worker_is_a_failed_test(run: Callable[..., Recorded]) -> None:
    recorded = run(CRASH, "--exec-meta", "a=1", "-n", "2")

    row = recorded.test("::test_dies")
    assert (row["status"], row["attributes"]["pytest.outcome"]) == ("failed", "failed")
    assert row["error"]["type"] == "WorkerCrash"
    # What the test said about itself just before is lost with its worker.
    assert row["metadata"] == {"a": "1", "owner": "y"}
    assert row["attributes"]["pytest.worker"].startswith("gw")
    assert len(recorded.tests) == 9
    assert recorded.session["status"] == "failed"


def test_crash_that_is_repeated_makes_two_attempts(run: Callable[..., Recorded]) -> None:
    recorded = run(CRASH, "--exec-meta", "a=1", "-n", "2", "--reruns", "1")

    attempts = recorded.attempts("::test_dies")
    assert ends(attempts) == [(1, "failed", "rerun"), (2, "failed", "failed")]
