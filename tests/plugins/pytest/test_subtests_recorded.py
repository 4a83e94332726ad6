"""Subtests of the `subtests` fixture and of unittest, alone and with two workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from plugins.pytest.recorded import Recorded, run_in

SUITE = {
    "test_sub.py": """
        import unittest

        def test_one_of_three_fails(subtests):
            for i in range(3):
                with subtests.test("part", i=i):
                    assert i != 1

        def test_all_pass(subtests):
            for word in ("a", "b"):
                with subtests.test(word=word):
                    pass

        class TestUnit(unittest.TestCase):
            def test_unit_one_fails(self):
                for i in range(3):
                    with self.subTest("unit part", i=i):
                        self.assertNotEqual(i, 2)

            def test_unit_skips_one(self):
                for i in range(2):
                    with self.subTest(i=i):
                        if i:
                            self.skipTest("odd")
    """,
}


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["alone", "two workers"])
def recorded(request: pytest.FixtureRequest, new_place: Callable[[], Path]) -> Recorded:
    return run_in(new_place(), SUITE, "--exec-meta", "project=ml", *request.param)


def test_each_subtest_is_a_child_of_its_test(recorded: Recorded) -> None:
    subtests = recorded.subtests("::test_one_of_three_fails")

    assert [row["status"] for row in subtests] == ["success", "failed", "success"]
    assert [row["iterator"]["index"] for row in subtests] == [0, 1, 2]
    assert {row["metadata"]["project"] for row in subtests} == {"ml"}
    assert {row["root_id"] for row in subtests} == {recorded.session["id"]}


def test_subtest_is_named_by_message_and_values(recorded: Recorded) -> None:
    name = recorded.subtests("::test_one_of_three_fails")[1]["name"]

    assert name == "test_sub.py::test_one_of_three_fails [part] (i=1)"


def test_failed_subtest_says_why(recorded: Recorded) -> None:
    error = recorded.subtests("::test_one_of_three_fails")[1]["error"]

    assert error["type"] == "AssertionError"


@pytest.mark.parametrize("name", ["::test_one_of_three_fails", "::test_unit_one_fails"])
def test_test_with_a_failed_subtest_failed(recorded: Recorded, name: str) -> None:
    row = recorded.test(name)

    assert (row["status"], row["attributes"]["pytest.outcome"]) == ("failed", "failed")


def test_failure_inside_unittest_subtest_is_found(recorded: Recorded) -> None:
    rows = recorded.subtests("::test_unit_one_fails")

    assert [row["status"] for row in rows if row["status"] == "failed"] == ["failed"]
    assert "i=2" in next(row["name"] for row in rows if row["status"] == "failed")


def test_subtests_that_pass_leave_the_test_passed(recorded: Recorded) -> None:
    row = recorded.test("::test_all_pass")

    assert row["status"] == "success"
    assert len(recorded.subtests("::test_all_pass")) == 2


def test_skipped_subtest_is_recorded(recorded: Recorded) -> None:
    rows = recorded.subtests("::test_unit_skips_one")

    assert "skipped" in {row["status"] for row in rows}


def test_session_counts_failures_like_the_last_line(recorded: Recorded) -> None:
    attributes = recorded.session["attributes"]

    assert f"{attributes['pytest.failed']} failed" in recorded.out.splitlines()[-1]
    assert attributes["pytest.subtests"] == len(
        [row for row in recorded.rows if row["kind"] == "subtest"]
    )
