"""How a test ended, folded from the reports of its phases (pytest.md §4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from execmeta.model.execution import ErrorInfo

if TYPE_CHECKING:
    import pytest

CRASHED: Final = "???"
"""`when` of the one report that xdist makes for the test in which a worker died."""
_MAX_TEXT: Final = 1500
"""Characters of a message; what the recorder keeps of it is fewer (`limits.MAX_ERROR_BYTES`)."""
_TYPE: Final = re.compile(r"((?:[^\W\d]\w*\.)*[^\W\d]\w*)(?::\s|$)")


class Outcome(NamedTuple):
    """One attempt of one test."""

    status: str
    """Status of the execution."""
    word: str
    """What pytest calls it: passed, failed, error, skipped, xfailed, xpassed, rerun."""
    told_by: pytest.TestReport | None = None
    """The report that decided; None when every phase simply passed."""
    teardown_error: bool = False
    """The teardown failed after the test had failed."""


PASSED: Final = Outcome("success", "passed")
INTERRUPTED: Final = Outcome("cancelled", "interrupted")
"""The session ended in the middle of the test."""


def outcome_of(reports: Iterable[pytest.TestReport], failed_subtests: int = 0) -> Outcome:
    """One outcome from the reports of one attempt, in their order."""
    found = PASSED
    for report in reports:
        word, when = report.outcome, report.when
        if word == "passed":
            # An empty reason is a reason too: the attribute counts, not its truth.
            if when == "call" and hasattr(report, "wasxfail"):
                found = Outcome("success", "xpassed", report)
        elif word == "skipped":
            expected = hasattr(report, "wasxfail")
            found = Outcome("skipped", "xfailed" if expected else "skipped", report)
        elif word != "failed":
            # pytest-rerunfailures: this attempt failed and another one follows.
            return Outcome("failed", "rerun", report)
        elif found.status == "failed":
            found = found._replace(teardown_error=True)
        else:
            in_test = when in ("call", CRASHED)
            found = Outcome("failed", "failed" if in_test else "error", report)
    if failed_subtests and found.status == "success":
        # unittest's own report of such a test says that it passed.
        return Outcome("failed", "failed")
    return found


def category_of(report: pytest.TestReport) -> str | None:
    """The word under which pytest's last line counts a report, None when it does not."""
    word = report.outcome
    if hasattr(report, "wasxfail") and word in ("passed", "skipped"):
        return "xpassed" if word == "passed" else "xfailed"
    if word == "passed":
        return "passed" if report.when == "call" else None
    if word == "failed":
        return "errors" if report.when in ("setup", "teardown") else "failed"
    return word


def error_of(report: pytest.TestReport | pytest.CollectReport, root: str) -> ErrorInfo:
    """Why a report failed: type and message of the exception, `file:line` below `root`."""
    longrepr = report.longrepr
    crash = getattr(longrepr, "reprcrash", None)
    message = crash.message if crash is not None else str(longrepr or "")
    where = None
    if crash is not None:
        where = f"{str(crash.path).removeprefix(root)}:{crash.lineno}"
    return ErrorInfo(_type_of(message, report), message[:_MAX_TEXT], where)


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Why a test was skipped, or expected to fail; None when nobody said."""
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        return str(expected).removeprefix("reason: ")[:_MAX_TEXT] or None
    longrepr = report.longrepr
    if isinstance(longrepr, tuple) and len(longrepr) == 3:
        return longrepr[2].removeprefix("Skipped: ")[:_MAX_TEXT] or None
    return None


def _type_of(message: str, report: pytest.TestReport | pytest.CollectReport) -> str:
    if report.when == CRASHED:
        return "WorkerCrash"
    if message.startswith("[XPASS(strict)]"):
        return "XPASS(strict)"
    # pytest leaves the name out of a rewritten assertion.
    if message.startswith("assert "):
        return "AssertionError"
    found = _TYPE.match(message)
    return found[1] if found else "Failed" if report.when != "collect" else "CollectError"
