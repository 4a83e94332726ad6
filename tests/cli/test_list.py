"""`execmeta list`: which executions, and what is said about those left out."""

from __future__ import annotations

import json

import pytest
from cli.scribe import Run, Scribe

from execmeta.cli.announcements import announcements
from execmeta.filters.binder import bind_query
from execmeta.model.limits import COUNT_CAP
from execmeta.store.base import Page


def names(output: str) -> list[str]:
    return [execution["name"] for execution in json.loads(output)["executions"]]


def test_an_empty_store_lists_nothing_and_says_so(execmeta: Run) -> None:
    result = execmeta("list")

    assert result.stdout == ""
    assert result.stderr == "No executions.\n"


def test_the_newest_comes_first(execmeta: Run, scribe: Scribe) -> None:
    scribe.add("old")
    scribe.add("new")

    assert names(execmeta("list", "-o", "json").stdout) == ["new", "old"]
    assert names(execmeta("list", "-o", "json", "--sort", "started").stdout) == ["old", "new"]


def test_filter_words_stand_side_by_side(execmeta: Run, scribe: Scribe) -> None:
    scribe.add("a", metadata={"env": "prod", "team": "ml"})
    scribe.add("b", metadata={"env": "prod"})

    found = execmeta("list", "env=prod", "team=ml", "-o", "json")

    assert names(found.stdout) == ["a"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-m", "project=ml-model"], ["both", "one"]),
        (["-m", "project=ml-model", "-m", "env=prod"], ["both"]),
        (["--metadata", "project~=ml-*"], ["both", "one"]),
        (["--metadata", "priority>=5"], ["both"]),
        (["--has-metadata", "env"], ["both"]),
        (["--has-metadata", "env", "project=other"], []),
    ],
)
def test_pairs_and_keys_are_anded(
    execmeta: Run, scribe: Scribe, arguments: list[str], expected: list[str]
) -> None:
    scribe.add("one", metadata={"project": "ml-model", "priority": "x"})
    scribe.add("both", metadata={"project": "ml-model", "env": "prod", "priority": "7"})

    assert names(execmeta("list", *arguments, "-o", "json").stdout) == expected


def test_what_ran_below_is_hidden_counted_and_shown_on_demand(
    execmeta: Run, scribe: Scribe
) -> None:
    session = scribe.add("pytest", kind="session")
    scribe.below(session, "test_a")
    scribe.below(session, "test_b")

    top, everything = execmeta("list", "-o", "ids"), execmeta("list", "--all", "-o", "ids")

    assert top.stdout.split() == [session]
    assert top.stderr == "2 more below: --all\n"
    assert len(everything.stdout.split()) == 3
    assert everything.stderr == ""


def test_a_filter_on_kind_looks_below_by_itself(execmeta: Run, scribe: Scribe) -> None:
    session = scribe.add("pytest", kind="session")
    scribe.below(session, "test_a")

    assert names(execmeta("list", "kind=test", "-o", "json").stdout) == ["test_a"]


def test_pages_are_joined_by_their_cursor(execmeta: Run, scribe: Scribe) -> None:
    for number in range(5):
        scribe.add(f"run{number}")
    seen: list[str] = []
    cursor: list[str] = []

    while True:
        page = json.loads(execmeta("list", "--limit", "2", "-o", "json", *cursor).stdout)
        seen += [execution["name"] for execution in page["executions"]]
        assert page["total"] == 5
        if page["next_cursor"] is None:
            break
        cursor = ["--cursor", page["next_cursor"]]

    assert seen == ["run4", "run3", "run2", "run1", "run0"]


def test_the_next_page_is_announced_where_the_output_does_not_tell_it(
    execmeta: Run, scribe: Scribe
) -> None:
    for number in range(3):
        scribe.add(f"run{number}")

    told = execmeta("list", "--limit", "2", "-o", "ids").stderr

    assert told.startswith("2 of 3 matches shown. Next page: --cursor ")
    assert len(execmeta("list", "--cursor", told.split()[-1], "-o", "ids").stdout.split()) == 1
    assert execmeta("list", "--limit", "2", "-o", "json").stderr == ""


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "many"])
def test_a_limit_out_of_range_is_refused_not_clamped(execmeta: Run, limit: str) -> None:
    assert "--limit" in execmeta("list", "--limit", limit, code=2).stderr


@pytest.mark.parametrize("limit", ["1", "1000"])
def test_the_bounds_of_the_limit_are_inside(execmeta: Run, limit: str) -> None:
    assert execmeta("list", "--limit", limit, "-o", "ids").stdout == ""


def test_a_cursor_of_another_filter_is_refused(execmeta: Run, scribe: Scribe) -> None:
    for number in range(3):
        scribe.add(f"run{number}", metadata={"env": "prod"})
    page = json.loads(execmeta("list", "env=prod", "--limit", "1", "-o", "json").stdout)

    refused = execmeta("list", "env=dev", "--cursor", page["next_cursor"], code=2)

    assert "ursor" in refused.stderr


def test_rows_that_a_comparison_leaves_out_are_announced(execmeta: Run, scribe: Scribe) -> None:
    scribe.add("dev", metadata={"env": "dev"})
    scribe.add("none")
    scribe.add("none too")

    result = execmeta("list", "env!=prod", "-o", "ids")

    assert len(result.stdout.split()) == 1
    assert result.stderr == (
        "2 executions without env left out: a comparison needs the key. 'not env=...' keeps them.\n"
    )


def test_nothing_is_announced_when_every_row_has_the_key(execmeta: Run, scribe: Scribe) -> None:
    scribe.add("dev", metadata={"env": "dev"})

    assert execmeta("list", "env!=prod", "-o", "ids").stderr == ""
    assert execmeta("list", "not env=prod", "-o", "ids").stderr == ""


def test_left_out_rows_count_only_where_the_rest_matches(execmeta: Run, scribe: Scribe) -> None:
    scribe.add("a", metadata={"team": "ml"})
    scribe.add("b", metadata={"team": "web"})
    scribe.add("c")

    told = execmeta("list", "env!=prod and team=ml", "-o", "ids").stderr

    assert told.startswith("1 execution without env left out")


def test_near_names_are_proposed_when_nothing_matches(execmeta: Run, scribe: Scribe) -> None:
    scribe.add(metadata={"project": "ml"})

    result = execmeta("list", "projcet=ml")

    assert result.stdout == ""
    assert "No execution has the metadata key projcet. Did you mean project?\n" in result.stderr


def test_a_known_key_without_matches_is_not_a_slip(execmeta: Run, scribe: Scribe) -> None:
    scribe.add(metadata={"project": "ml", "customer": {"id": 7}})

    assert execmeta("list", "project=other", "-o", "ids").stderr == ""
    assert execmeta("list", "customer.id=8", "-o", "ids").stderr == ""


def test_fail_empty_exits_with_one(execmeta: Run, scribe: Scribe) -> None:
    scribe.add(metadata={"env": "prod"})

    execmeta("list", "env=prod", "--fail-empty")
    execmeta("list", "env=dev", "--fail-empty", code=1)
    execmeta("list", "env=dev")


def test_the_store_can_be_named_before_or_behind_the_command(
    execmeta: Run, scribe: Scribe, tmp_path: object
) -> None:
    scribe.add()
    other = f"sqlite:///{tmp_path}/other.db"

    assert execmeta("--store", other, "list", "-o", "ids").stdout == ""
    assert execmeta("list", "--store", other, "-o", "ids").stdout == ""
    assert len(execmeta("list", "-o", "ids").stdout.split()) == 1


def test_the_table_shows_pairs_status_and_a_reference(execmeta: Run, scribe: Scribe) -> None:
    found = scribe.add("train.py", metadata={"env": "prod", "note": "two words", "p": 5})

    lines = execmeta("list").stdout.splitlines()

    assert lines[0].split() == ["ID", "KIND", "NAME", "STATUS", "STARTED", "TIME", "METADATA"]
    assert lines[1].split(maxsplit=6) == [
        *(found[-12:], "command", "train.py", "success", "2025-11-21", "500ms"),
        'env=prod note="two words" p=5',
    ]
    assert execmeta("show", lines[1].split()[0], "-o", "json").exit_code == 0


def test_a_narrow_terminal_keeps_id_name_status_and_metadata(
    execmeta: Run, scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    scribe.add("a-very-long-name-of-a-script.py", metadata={"project": "ml"})
    monkeypatch.setenv("COLUMNS", "50")

    lines = execmeta("list").stdout.splitlines()

    assert lines[0].split() == ["ID", "NAME", "STATUS", "METADATA"]
    assert max(map(len, lines)) <= 50
    assert "…" in lines[1]


def test_a_hidden_count_that_ends_at_its_cap_is_not_told_as_exact(scribe: Scribe) -> None:
    page, query = Page((), None, 0, hidden_below=COUNT_CAP), bind_query("")

    assert list(announcements(page, query, scribe.store, "table")) == [
        "10,000 or more below: --all"
    ]
