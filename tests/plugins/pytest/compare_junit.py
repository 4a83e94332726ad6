"""Compare what execmeta recorded of one pytest session with the junit file of the same run.

    python compare_junit.py SESSION_ID JUNIT_XML [EXECMETA...]

Imports nothing of execmeta: it asks the command `execmeta` (or the one given) for JSON. Both
sides become multisets of (test, outcome, attempt); every difference is printed, exit code 1 when
there is one. What junit says in another way is translated: it knows no non-strict xpass, calls a
crash an error, lends the skip and the seconds of a subtest to its test, and gives repeated
attempts no outcome. Durations are compared to the millisecond that junit rounds to.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

Row = tuple[str, str, int]

ROUNDING_S = 0.0011
_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def main(arguments: Sequence[str]) -> int:
    session, path, *command = arguments
    command = command or ["execmeta"]
    # A list waits a second at most for what is still on its way; a comparison needs it all.
    subprocess.run([*command, "drain"], capture_output=True, check=True)
    tests = executions(f"parent={session} and kind=test", command)
    subtests = executions(f"under={session} and kind=subtest", command)
    ours, our_seconds = of_execmeta(tests, subtests)
    theirs, their_seconds = of_junit(path)
    missing, extra = theirs - ours, ours - theirs
    different = {row[0] for row in missing} & {row[0] for row in extra}
    slow = [
        name
        for name, seconds in their_seconds.items()
        if abs(our_seconds.get(name, seconds) - seconds) > ROUNDING_S
    ]
    for sign, rows in (("-", missing), ("+", extra)):
        for row in sorted(rows.elements()):
            print(sign, *row)
    for name in slow:
        print("~", name, our_seconds[name], their_seconds[name])
    print(
        f"junit {theirs.total()}, execmeta {ours.total()}: "
        f"{count_other(missing, different)} missing, {count_other(extra, different)} extra, "
        f"{len(different)} different, {len(slow)} with another duration"
    )
    return 1 if missing or extra or slow else 0


def count_other(rows: Counter[Row], names: set[str]) -> int:
    return sum(count for row, count in rows.items() if row[0] not in names)


def executions(query: str, command: Sequence[str]) -> list[dict[str, Any]]:
    """What the command line lists for a filter, oldest first."""
    found: list[dict[str, Any]] = []
    cursor: list[str] = []
    while True:
        options = ["--all", "--limit", "1000", "-o", "json", *cursor]
        done = subprocess.run([*command, "list", query, *options], capture_output=True, text=True)
        if done.returncode not in (0, 1):
            sys.exit(done.stderr)
        page = json.loads(done.stdout)
        found += page["executions"]
        if not page["next_cursor"]:
            return found[::-1]
        cursor = ["--cursor", page["next_cursor"]]


def of_execmeta(
    rows: list[dict[str, Any]], subtests: list[dict[str, Any]]
) -> tuple[Counter[Row], dict[str, float]]:
    parents = {row["parent_id"] for row in subtests}
    skipping = {row["parent_id"] for row in subtests if row["status"] == "skipped"}
    outcomes: dict[str, list[str]] = defaultdict(list)
    seconds: dict[str, float] = {}
    for row in sorted(rows, key=lambda row: row["attempt"]):
        attributes = row["attributes"]
        name, word = junit_name(attributes["pytest.nodeid"]), attributes["pytest.outcome"]
        if (row["error"] or {}).get("type") == "WorkerCrash":
            word = "error"
        if word == "passed" and row["id"] in skipping:
            word = "skipped"
        outcomes[name].append({"xpassed": "passed"}.get(word, word))
        if attributes.get("pytest.teardown") == "error":
            outcomes[name].append("error")
        elif row["attempt"] == 1 and row["id"] not in parents:
            seconds[name] = row["duration_s"]
    return numbered(outcomes), {
        name: each for name, each in seconds.items() if len(outcomes[name]) == 1
    }


def of_junit(path: str) -> tuple[Counter[Row], dict[str, float]]:
    outcomes: dict[str, list[str]] = defaultdict(list)
    seconds: dict[str, float] = {}
    for case in ElementTree.parse(path).iter("testcase"):  # noqa: S314 -- pytest wrote it
        name = f"{case.get('classname')}::{case.get('name')}"
        outcomes[name].append(junit_outcome(case))
        seconds[name] = float(case.get("time", "nan"))
    return numbered(outcomes), {
        name: each for name, each in seconds.items() if len(outcomes[name]) == 1
    }


def numbered(outcomes: dict[str, list[str]]) -> Counter[Row]:
    rows: Counter[Row] = Counter()
    for name, words in outcomes.items():
        for attempt, word in enumerate(words, start=1):
            last = attempt == len(words) or words[attempt:] == ["error"]
            rows[(name, word if last else "attempt", attempt)] += 1
    return rows


def junit_name(nodeid: str) -> str:
    """`a.b.Class::test[param]` for `a/b.py::Class::test[param]`, escaped as junit does."""
    path, _, rest = nodeid.partition("::")
    name, bracket, parameters = rest.partition("[")
    names = [re.sub(r"\.py$", "", path.replace("/", ".")), *(name.split("::") if name else ())]
    names[-1] += bracket + parameters
    return _NOT_XML.sub(_escaped, f"{'.'.join(names[:-1])}::{names[-1]}")


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"#x{code:02X}" if code <= 0xFF else f"#x{code:04X}"


def junit_outcome(case: ElementTree.Element) -> str:
    kinds = {child.tag: child for child in case}
    if "error" in kinds:
        return "error"
    if "failure" in kinds:
        return "failed"
    if "skipped" in kinds:
        return "xfailed" if kinds["skipped"].get("type") == "pytest.xfail" else "skipped"
    return "passed"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
