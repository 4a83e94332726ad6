"""Every way in which a test can end, alone and with two workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from plugins.pytest.recorded import Recorded, run_in

SUITE = {
    "test_ends.py": """
        import unittest
        import pytest

        @pytest.fixture
        def broken_setup():
            raise RuntimeError("no database")

        @pytest.fixture
        def broken_teardown():
            yield
            raise RuntimeError("could not close")

        @pytest.fixture
        def skipping():
            pytest.skip("not in this fixture")

        def test_passes(): pass
        def test_fails():
            assert 1 == 2
        def test_raises():
            raise ValueError("bad value")
        def test_setup_error(broken_setup): pass
        def test_teardown_error(broken_teardown): pass
        def test_fails_then_teardown_error(broken_teardown):
            assert False, "first"
        @pytest.mark.skip(reason="by marker")
        def test_skip_marker(): pass
        @pytest.mark.skipif(True, reason="by condition")
        def test_skipif(): pass
        def test_skip_call():
            pytest.skip("in the body")
        def test_skip_fixture(skipping): pass
        def test_import_or_skip():
            pytest.importorskip("no_such_module_here")
        @pytest.mark.xfail(reason="known bug")
        def test_xfail(): assert False
        @pytest.mark.xfail(run=False, reason="would hang")
        def test_xfail_not_run(): assert False
        def test_xfail_call():
            pytest.xfail("in the body")
        @pytest.mark.xfail
        def test_xpass(): pass
        @pytest.mark.xfail(strict=True, reason="fixed?")
        def test_xpass_strict(): pass

        class TestUnit(unittest.TestCase):
            def test_unit_passes(self): pass
            def test_unit_fails(self): self.fail("unit")
            @unittest.skip("unit skip")
            def test_unit_skip(self): pass
            @unittest.expectedFailure
            def test_unit_expected(self): self.fail()
    """,
}

EXPECTED = {
    "test_passes": ("success", "passed", None, None),
    "test_fails": ("failed", "failed", "AssertionError", None),
    "test_raises": ("failed", "failed", "ValueError", None),
    "test_setup_error": ("failed", "error", "RuntimeError", None),
    "test_teardown_error": ("failed", "error", "RuntimeError", None),
    "test_fails_then_teardown_error": ("failed", "failed", "AssertionError", None),
    "test_skip_marker": ("skipped", "skipped", None, "by marker"),
    "test_skipif": ("skipped", "skipped", None, "by condition"),
    "test_skip_call": ("skipped", "skipped", None, "in the body"),
    "test_skip_fixture": ("skipped", "skipped", None, "not in this fixture"),
    "test_xfail": ("skipped", "xfailed", None, "known bug"),
    "test_xfail_not_run": ("skipped", "xfailed", None, "[NOTRUN] would hang"),
    "test_xfail_call": ("skipped", "xfailed", None, "in the body"),
    "test_xpass": ("success", "xpassed", None, None),
    "test_xpass_strict": ("failed", "failed", "XPASS(strict)", None),
    "test_unit_passes": ("success", "passed", None, None),
    "test_unit_fails": ("failed", "failed", "AssertionError", None),
    "test_unit_skip": ("skipped", "skipped", None, "unit skip"),
    "test_unit_expected": ("skipped", "xfailed", None, None),
}


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["alone", "two workers"])
def recorded(request: pytest.FixtureRequest, new_place: Callable[[], Path]) -> Recorded:
    return run_in(new_place(), SUITE, "--exec-meta", "project=ml", *request.param)


def test_every_test_is_recorded_once(recorded: Recorded) -> None:
    names = sorted(row["name"].rpartition("::")[2] for row in recorded.tests)

    assert names == sorted([*EXPECTED, "test_import_or_skip"])


@pytest.mark.parametrize("name", EXPECTED)
def test_end_is_told_by_status_outcome_error_and_reason(recorded: Recorded, name: str) -> None:
    row = recorded.test(f"::{name}")

    attributes, error = row["attributes"], row["error"]
    found = (
        row["status"],
        attributes["pytest.outcome"],
        error and error["type"],
        attributes.get("pytest.reason"),
    )
    assert found == EXPECTED[name]


def test_failure_says_what_and_where(recorded: Recorded) -> None:
    error = recorded.test("::test_raises")["error"]

    assert error == {
        "type": "ValueError",
        "message": "ValueError: bad value",
        "where": error["where"],
    }
    assert error["where"].startswith("test_ends.py:")


def test_error_in_the_teardown_of_a_failed_test_is_noted(recorded: Recorded) -> None:
    row = recorded.test("::test_fails_then_teardown_error")

    assert row["attributes"]["pytest.teardown"] == "error"
    assert "first" in row["error"]["message"]


def test_module_that_is_not_there_skips_its_test(recorded: Recorded) -> None:
    row = recorded.test("::test_import_or_skip")

    assert (row["status"], row["attributes"]["pytest.outcome"]) == ("skipped", "skipped")


def test_tests_are_children_of_the_session_and_inherit_its_metadata(recorded: Recorded) -> None:
    session = recorded.session

    for row in recorded.tests:
        assert (row["parent_id"], row["root_id"]) == (session["id"], session["id"])
        assert row["metadata"] == {"project": "ml"}
        assert row["sources"] == {"project": f"inherited:{session['id']}"}


def test_session_counts_like_the_last_line(recorded: Recorded) -> None:
    session = recorded.session
    counts = {
        word: session["attributes"][f"pytest.{word}"]
        for word in ("passed", "failed", "skipped", "errors", "xfailed", "xpassed")
    }

    last = recorded.out.splitlines()[-1]
    for word, count in counts.items():
        assert f"{count} {word}" in last
    assert (session["status"], session["attributes"]["pytest.exit_code"]) == ("failed", 1)


def test_times_are_those_of_the_reports(recorded: Recorded) -> None:
    session = recorded.session

    for row in recorded.tests:
        assert session["started_at"] <= row["started_at"] <= row["ended_at"] <= session["ended_at"]
        assert 0 <= row["duration_s"] < 60


def test_worker_is_named_only_where_there_is_one(recorded: Recorded) -> None:
    workers = {row["attributes"].get("pytest.worker") for row in recorded.tests}

    many = "pytest.workers" in recorded.session["attributes"]
    assert workers <= ({"gw0", "gw1"} if many else {None})
