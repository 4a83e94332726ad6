"""Output formats: their exact shape, and nothing in them that a terminal or spreadsheet obeys."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from cli.scribe import Run, Scribe, Shell, environment

FIELDS = [
    *("id", "external_id", "parent_id", "root_id", "kind", "name", "status", "started_at"),
    *("ended_at", "duration_s", "attempt", "metadata", "attributes", "iterator", "trace_id"),
    *("span_id", "error"),
]
HOSTILE = {
    "ansi": "\x1b[31mred\x1b[0m",
    "link": "\x1b]8;;http://evil\x07click\x1b]8;;\x07",
    "clipboard": "\x1b]52;c;aGk=\x07",
    "c1": "\x9b31m",
    "bidi": "abc\u202etxt.exe",
    "hidden": "a\u200bb\u2066c\u00ad",
    "bell": "\x07\x08\x7f",
    "lines": "a\r\nb\tc",
    "separator": "a\u2028b\u2029c",
    "tags": "\U000e0041\ufeff",
}
# Everything that moves, colours or hides: C0 but line feed, DEL, C1, bidi, invisible ones.
OBEYED = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)


def test_json_of_a_list_is_the_one_public_document(execmeta: Run, scribe: Scribe) -> None:
    scribe.add("plain")
    scribe.add("full", flags=["truncated"], sources={"env": "env"}, metadata={"env": "prod"})

    document = json.loads(execmeta("list", "-o", "json").stdout)

    assert list(document) == [
        *("executions", "next_cursor", "total", "total_capped", "hidden_below"),
    ]
    full, plain = document["executions"]
    assert list(plain) == FIELDS
    assert list(full) == [*FIELDS, "sources", "flags"]
    assert document["total"] == 2
    assert (document["next_cursor"], document["total_capped"]) == (None, False)
    assert plain["metadata"] == {}
    assert plain["started_at"] == "2025-11-21T07:54:30.123456Z"


def test_json_of_show_is_one_execution_of_the_same_shape(execmeta: Run, scribe: Scribe) -> None:
    found = scribe.add("full", metadata={"z": 1, "a": [1, {"b": None}]}, status="failed")

    shown = json.loads(execmeta("show", found, "-o", "json").stdout)

    assert [shown] == json.loads(execmeta("list", "-o", "json").stdout)["executions"]
    assert list(shown) == FIELDS


def test_ndjson_is_one_execution_per_line(execmeta: Run, scribe: Scribe) -> None:
    for name in "abc":
        scribe.add(name, metadata={"text": "two\nlines"})

    lines = execmeta("list", "-o", "ndjson").stdout.splitlines()

    assert [json.loads(line)["name"] for line in lines] == ["c", "b", "a"]


def test_csv_has_fixed_columns_then_one_for_each_key(execmeta: Run, scribe: Scribe) -> None:
    scribe.add("a", metadata={"env": "prod", "n": -5})
    scribe.add("b", metadata={"n": None}, attributes={"git.branch": "main"})

    rows = list(csv.DictReader(io.StringIO(execmeta("list", "-o", "csv").stdout)))

    assert list(rows[0])[:8] == [
        *("id", "kind", "name", "status", "started_at", "ended_at", "duration_s", "attempt"),
    ]
    assert list(rows[0])[-3:] == ["meta.env", "meta.n", "attr.git.branch"]
    assert [row["meta.n"] for row in rows] == ["null", "-5"]
    assert [row["meta.env"] for row in rows] == ["", "prod"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1+1", "=cmd|' /C calc'!A0"]
)
def test_no_cell_of_csv_is_a_formula(execmeta: Run, scribe: Scribe, text: str) -> None:
    scribe.add(metadata={"v": text})

    row = next(csv.DictReader(io.StringIO(execmeta("list", "-o", "csv").stdout)))

    assert row["meta.v"].startswith("'")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_output_steers_a_terminal(execmeta: Run, scribe: Scribe, text: str) -> None:
    session = scribe.add(f"run {text}", kind="session", metadata={"v": text, "j": [text]})
    error = {"type": text, "message": text, "where": text}
    scribe.below(
        session,
        f"test {text}",
        status="failed",
        error=error,
        iterator={"index": 0, "count": 1, "item": text},
        attributes={"pytest.reason": text},
    )
    scribe.below(session, "skipped", status="skipped", attributes={"pytest.reason": text})
    scribe.edit(session, set={"v": f"{text}2"})
    commands = [
        *(["list", "--all", "-o", form] for form in ("table", "json", "ndjson", "csv", "ids")),
        *(["show", session], ["show", "latest", "-o", "json"], ["tree", session]),
        *(["list", "kind=test", "-o", "table"], ["metadata", "history", session]),
        *(["metadata", "stats"], ["metadata", "stats", "-o", "json"], ["tree", session, "--all"]),
        ["metadata", "history", session, "-o", "json"],
    ]

    for command in commands:
        result = execmeta(*command)
        assert not OBEYED.search(result.output), command


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_keeps_every_character(execmeta: Run, scribe: Scribe, text: str) -> None:
    scribe.add(metadata={"v": text})

    (found,) = json.loads(execmeta("list", "-o", "json").stdout)["executions"]

    assert found["metadata"]["v"] == text


def test_markup_and_emoji_codes_are_text(execmeta: Run, scribe: Scribe) -> None:
    scribe.add("[red]name[/red] :smile:", metadata={"v": "[bold]x[/bold]"})

    shown = execmeta("list").stdout + execmeta("show").stdout + execmeta("tree").stdout

    assert shown.count("[red]name[/red] :smile:") == 3
    assert shown.count("[bold]x[/bold]") == 3


def test_an_old_locale_gets_escapes_not_a_traceback(shell: Shell, scribe: Scribe) -> None:
    scribe.add("naïve ✓", metadata={"v": "中文"})
    old = environment(PYTHONIOENCODING="latin-1")

    shown = shell("list", env=old, encoding="latin-1").stdout

    assert "naïve \\u2713" in shown
    assert "v=\\u4e2d\\u6587" in shown
