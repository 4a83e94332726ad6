"""`execmeta show` and `execmeta tree`: one execution, and what ran below it."""

from __future__ import annotations

import pytest
from cli.scribe import Run, Scribe

FAILURE = {"type": "AssertionError", "message": "assert 1 == 2\n +  where", "where": "t.py:33"}


def test_show_tells_everything_that_is_known(execmeta: Run, scribe: Scribe) -> None:
    session = scribe.add("pytest", kind="session")
    found = scribe.below(
        session,
        "test_a[1]",
        status="failed",
        error=FAILURE,
        attempt=2,
        external_id="ext-1",
        iterator={"index": 2, "count": 8, "item": {"x": 1}},
        metadata={"env": "prod", "n": 5},
        sources={"env": f"inherited:{session}"},
        attributes={"git.branch": "main"},
        flags=["truncated"],
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )

    shown = [line.rstrip() for line in execmeta("show", found).stdout.splitlines()]

    assert shown == [
        "✗ test_a[1]  failed",
        f"id           {found}",
        "kind         test",
        f"parent       {session}",
        "external id  ext-1",
        "started      2025-11-21 07:54:31 UTC",
        "ended        2025-11-21 07:54:31 UTC",
        "duration     500ms",
        "attempt      2",
        'iterator     3 of 8  {"x": 1}',
        "trace        0af7651916cd43dd8448eb211c80319c",
        "error        AssertionError: assert 1 == 2",
        "              +  where",
        "where        t.py:33",
        "flags        truncated",
        "",
        "metadata",
        f"  env  prod  inherited from {session[-12:]}",
        "  n    5",
        "",
        "attributes",
        "  git.branch  main",
    ]


def test_show_points_to_what_ran_below(execmeta: Run, scribe: Scribe) -> None:
    session = scribe.add("pytest", kind="session")
    scribe.below(session, "test_a")

    shown = execmeta("show").stdout

    assert f"below     1 execution: execmeta tree {session[-12:]}\n" in shown


@pytest.mark.parametrize("cut", [0, -12, -6])
def test_a_reference_is_an_id_or_its_ending(execmeta: Run, scribe: Scribe, cut: int) -> None:
    found = scribe.add("one")
    scribe.add("two")

    assert found in execmeta("show", found[cut:]).stdout


def test_a_reference_is_latest_or_an_external_id(execmeta: Run, scribe: Scribe) -> None:
    first = scribe.add("one", external_id="manual__2026")
    last = scribe.add("two")

    assert last in execmeta("show", "latest").stdout
    assert last in execmeta("show").stdout
    assert first in execmeta("show", "manual__2026").stdout


@pytest.mark.parametrize("command", [["show"], ["tree"], ["metadata", "history"]])
@pytest.mark.parametrize("ref", ["019aa568-576b-774b-bf8b-046622000000", "abcdef", "ab", "x y"])
def test_an_unknown_reference_exits_with_one_and_one_line(
    execmeta: Run, scribe: Scribe, command: list[str], ref: str
) -> None:
    scribe.add()

    result = execmeta(*command, ref, code=1)

    assert result.stdout == ""
    assert result.stderr.startswith("Error: No execution ")
    assert result.stderr.count("\n") == 1


def test_latest_of_an_empty_store_exits_with_one(execmeta: Run) -> None:
    assert execmeta("show", code=1).stderr == "Error: The store holds no execution yet.\n"


def test_an_ambiguous_ending_lists_the_candidates(execmeta: Run, scribe: Scribe) -> None:
    ids = [f"019aa568-576b-774b-bf8b-{number}46622abcdef" for number in (1, 2)]
    for number, found in enumerate(ids):
        scribe.add(f"run{number}", id=found)

    result = execmeta("show", "abcdef", code=2)

    assert "2 executions" in result.stderr
    assert f"  {ids[0]}  command  run0  2025-11-21 07:54:30 UTC\n" in result.stderr
    assert f"  {ids[1]}  command  run1  " in result.stderr


def test_a_tree_lists_children_with_their_failures_and_skips(execmeta: Run, scribe: Scribe) -> None:
    top = scribe.add("make", metadata={"env": "ci"})
    session = scribe.below(top, "pytest", kind="session", metadata={"project": "x"})
    inner = {"parent": session, "depth": 2}
    scribe.below(top, "t.py::test_ok", **inner)
    scribe.below(top, "t.py::test_bad", status="failed", error=FAILURE, **inner)
    scribe.below(
        top, "t.py::test_no", status="skipped", attributes={"pytest.reason": "later"}, **inner
    )
    scribe.below(top, "t.py::test_again", attempt=2, status="running", **inner)

    assert execmeta("tree", top).stdout.splitlines() == [
        "✓ make  command  500ms  env=ci",
        "└── ✓ pytest  session  500ms  project=x",
        "    ├── ✓ t.py::test_ok  500ms",
        "    ├── ✗ t.py::test_bad  500ms",
        "    │     AssertionError: assert 1 == 2  (t.py:33)",
        "    ├── - t.py::test_no  500ms",
        "    │     later",
        "    └── ● t.py::test_again  attempt 2  running",
        "",
        "5 executions below: 1 failed, 1 running, 1 skipped, 2 success",
    ]


def test_the_latest_tree_is_whole(execmeta: Run, scribe: Scribe) -> None:
    top = scribe.add("make")
    session = scribe.below(top, "pytest", kind="session")

    assert execmeta("tree").stdout.splitlines()[:2] == execmeta("tree", top).stdout.splitlines()[:2]
    assert execmeta("tree", session).stdout == "✓ pytest  session  500ms\n"


def test_many_tests_are_gathered_by_file_and_counted(execmeta: Run, scribe: Scribe) -> None:
    session = scribe.add("pytest", kind="session", status="failed")
    for number in range(30):
        scribe.below(session, f"a.py::test_{number}")
    scribe.below(session, "b.py::test_bad", status="failed", error=FAILURE)
    scribe.below(session, "b.py::test_ok")

    assert execmeta("tree").stdout.splitlines()[:5] == [
        "✗ pytest  session  500ms",
        "├── ✓ a.py  30 success",
        "└── ✗ b.py  1 failed, 1 success",
        "    └── ✗ test_bad  500ms",
        "          AssertionError: assert 1 == 2  (t.py:33)",
    ]


def test_all_gives_every_execution_a_line(execmeta: Run, scribe: Scribe) -> None:
    session = scribe.add("pytest", kind="session")
    for number in range(30):
        scribe.below(session, f"a.py::test_{number}")

    assert execmeta("tree", "--all").stdout.count("✓ test_") == 30


def test_many_like_children_become_a_count(execmeta: Run, scribe: Scribe) -> None:
    top = scribe.add("loop")
    for number in range(25):
        scribe.below(top, f"step{number}", kind="function", iterator={"index": number, "count": 25})

    lines = execmeta("tree").stdout.splitlines()

    assert "step0  function  1 of 25" in lines[1]
    assert lines[11] == "└── ✓ 15 more success (--all)"


def test_status_keeps_only_these_and_what_is_above(execmeta: Run, scribe: Scribe) -> None:
    top = scribe.add("make")
    session = scribe.below(top, "pytest", kind="session")
    inner = {"parent": session, "depth": 2}
    scribe.below(top, "t.py::test_ok", **inner)
    scribe.below(top, "t.py::test_bad", status="failed", **inner)
    scribe.below(top, "other", kind="command")

    lines = execmeta("tree", top, "--status", "failed").stdout.splitlines()

    assert lines[:4] == [
        "✓ make  command  500ms",
        "└── ✓ pytest  session  500ms",
        "    └── ✗ t.py::test_bad  500ms",
        "",
    ]


def test_a_deep_tree_is_drawn_to_its_end(execmeta: Run, scribe: Scribe) -> None:
    top = above = scribe.add("level0")
    for depth in range(1, 150):
        above = scribe.below(top, f"level{depth}", parent=above, depth=depth, kind="command")

    lines = execmeta("tree", top).stdout.splitlines()

    assert lines[149].endswith("level149  command  500ms")


def test_a_subtest_is_named_by_what_it_adds(execmeta: Run, scribe: Scribe) -> None:
    session = scribe.add("pytest", kind="session")
    test = scribe.below(session, "a.py::test_x")
    scribe.below(
        session, "a.py::test_x (i=3)", kind="subtest", parent=test, depth=2, status="failed"
    )

    assert "    └── ✗ (i=3)  500ms" in execmeta("tree").stdout.splitlines()
