"""`execmeta metadata`: edits by the strict rule, their history, and counts of values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.scribe import Run, Scribe


def metadata_of(execmeta: Run, ref: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(execmeta("show", ref, "-o", "json").stdout)["metadata"]
    return found


def test_update_prints_what_changed_and_stores_it(execmeta: Run, scribe: Scribe) -> None:
    found = scribe.add(metadata={"priority": "low", "env": "prod"})

    result = execmeta("metadata", "update", found, "--add", "priority=high", "--add", "n:=3")

    assert result.stdout == "priority: low → high\nn: (none) → 3\n"
    assert metadata_of(execmeta, found) == {"env": "prod", "n": 3, "priority": "high"}


def test_a_running_execution_can_be_edited(execmeta: Run, scribe: Scribe) -> None:
    found = scribe.add(status="running")

    execmeta("metadata", "update", "latest", "--metadata", "a=b")

    assert metadata_of(execmeta, found) == {"a": "b"}


def test_values_are_text_json_or_the_text_of_a_file(
    execmeta: Run, scribe: Scribe, tmp_path: Path
) -> None:
    found = scribe.add()
    (tmp_path / "notes.txt").write_text("two words\n")

    pairs = ["--add", "n=5", "--add", 'j:={"a": [1, null]}', "--add", f"f@={tmp_path}/notes.txt"]
    execmeta("metadata", "update", found, *pairs)

    assert metadata_of(execmeta, found) == {"n": "5", "j": {"a": [1, None]}, "f": "two words"}


def test_the_same_edit_again_changes_nothing(execmeta: Run, scribe: Scribe) -> None:
    found = scribe.add(metadata={"a": "b"})

    again = execmeta("metadata", "update", found, "--add", "a=b")
    gone = execmeta("metadata", "remove", found, "--key", "never-there")

    assert (again.stdout, again.stderr) == ("", "Nothing to change.\n")
    assert (gone.stdout, gone.stderr) == ("", "Nothing to change.\n")
    assert execmeta("metadata", "history", found, "-o", "json").stdout == "[]\n"


def test_the_number_5_and_the_text_5_are_two_values(execmeta: Run, scribe: Scribe) -> None:
    found = scribe.add(metadata={"n": "5"})

    execmeta("metadata", "update", found, "--add", "n:=5")

    assert metadata_of(execmeta, found) == {"n": 5}


def test_remove_takes_a_key_away_and_history_keeps_it(execmeta: Run, scribe: Scribe) -> None:
    found = scribe.add(metadata={"a": "b", "c": None})

    removed = execmeta("metadata", "remove", found, "--key", "a", "--key", "c")
    history = json.loads(execmeta("metadata", "history", found, "-o", "json").stdout)

    assert removed.stdout == "a: b → (none)\nc: null → (none)\n"
    assert metadata_of(execmeta, found) == {}
    assert sorted((change["key"], change["old"]) for change in history) == [("a", "b"), ("c", None)]
    assert all("new" not in change for change in history)


def test_history_is_a_table_of_who_changed_what(execmeta: Run, scribe: Scribe) -> None:
    found = scribe.add(metadata={"a": "b"})
    scribe.edit(found, set={"a": "c"})
    scribe.edit(found, unset=["a"])

    lines = [line.split() for line in execmeta("metadata", "history", found).stdout.splitlines()]

    assert lines == [
        ["WHEN", "(UTC)", "BY", "KEY", "OLD", "NEW"],
        ["2025-11-21", "07:54:31", "ann", "a", "b", "c"],
        ["2025-11-21", "07:54:32", "ann", "a", "c"],
    ]


def test_an_execution_without_edits_says_so(execmeta: Run, scribe: Scribe) -> None:
    assert execmeta("metadata", "history", scribe.add()).stderr == "Never edited.\n"


def test_the_51st_key_is_refused_and_nothing_is_changed(execmeta: Run, scribe: Scribe) -> None:
    full = {f"key{number}": "x" for number in range(50)}
    found = scribe.add(metadata=full)

    refused = execmeta("metadata", "update", found, "--add", "one=more", code=2)
    replaced = execmeta("metadata", "update", found, "--add", "key0=y")

    assert "51 keys" in refused.stderr
    assert "50" in refused.stderr
    assert replaced.stdout == "key0: x → y\n"
    assert len(metadata_of(execmeta, found)) == 50


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ("__x=1", "reserved"),
        ("execmeta.id=1", "reserved"),
        ("a b=1", "space"),
        ("=1", "key"),
        ("novalue", "no '='"),
        ("k=" + "x" * 1001, "1000"),
        ("k" * 101 + "=x", "100"),
        ("k:=nope", "k"),
        ("k:={", "k"),
        ("k@=missing-file", "missing-file"),
    ],
)
def test_a_bad_pair_is_refused_with_its_rule(
    execmeta: Run, scribe: Scribe, pair: str, told: str
) -> None:
    found = scribe.add()

    refused = execmeta("metadata", "update", found, "--add", pair, code=2)

    assert told in refused.stderr
    assert refused.stderr.startswith("Error: ")
    assert metadata_of(execmeta, found) == {}


def test_a_reserved_key_cannot_be_removed(execmeta: Run, scribe: Scribe) -> None:
    found = scribe.add(metadata={"__execution_id": "x", "a": "b"})

    refused = execmeta("metadata", "remove", found, "--key", "__execution_id", code=2)
    execmeta("metadata", "remove", found, "--key", "a")

    assert "reserved" in refused.stderr
    assert metadata_of(execmeta, found) == {"__execution_id": "x"}


def test_an_unknown_id_exits_with_one(execmeta: Run, scribe: Scribe) -> None:
    unknown = "019aa568-576b-774b-bf8b-046622000000"

    execmeta("metadata", "update", unknown, "--add", "a=b", code=1)
    execmeta("metadata", "remove", unknown, "--key", "a", code=1)


def test_stats_count_the_values_of_each_key(execmeta: Run, scribe: Scribe) -> None:
    for project, count in (("ml-model", 3), ("etl-pipeline", 2)):
        for _ in range(count):
            scribe.add(metadata={"project": project})
    scribe.add(metadata={"env": "prod"})

    assert execmeta("metadata", "stats").stdout == (
        "project: ml-model (3), etl-pipeline (2)\nenv: prod (1)\n"
    )
    assert execmeta("metadata", "stats", "project~=ml-*").stdout == "project: ml-model (3)\n"
    assert execmeta("metadata", "stats", "-m", "env=prod").stdout == "env: prod (1)\n"


def test_stats_count_what_they_do_not_list(execmeta: Run, scribe: Scribe) -> None:
    for number in range(5):
        scribe.add(metadata={"n": str(number)})

    assert execmeta("metadata", "stats", "--values", "2").stdout == "n: 0 (1), 1 (1), … 3 others\n"


def test_stats_as_json(execmeta: Run, scribe: Scribe) -> None:
    scribe.add(metadata={"n": 5})

    assert json.loads(execmeta("metadata", "stats", "-o", "json").stdout) == {
        "keys": [
            {
                "key": "n",
                "executions": 1,
                "values": [{"value": 5, "executions": 1}],
                "sampled": False,
            }
        ]
    }


def test_stats_of_nothing(execmeta: Run) -> None:
    assert execmeta("metadata", "stats").stderr == "No metadata in these executions.\n"
    execmeta("metadata", "stats", "--fail-empty", code=1)
