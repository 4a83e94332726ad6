"""Reports become executions: one per attempt of a test and per subtest, as soon as it is finished.

Runs in the process that has the terminal, alone or as the controller of xdist: the one place
where all reports arrive once, a crashed worker's too (pytest.md §0.1).
"""

from __future__ import annotations

import os
import time
from ast import literal_eval
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from execmeta.model.execution import ErrorInfo, IteratorContext, Json
from execmeta.model.ids import ExecutionId
from execmeta.model.values import clean_value
from pytest_execmeta.facts import ID_CHARS, PROPERTY, FactFinder, Facts
from pytest_execmeta.outcomes import (
    CRASHED,
    INTERRUPTED,
    Outcome,
    category_of,
    error_of,
    outcome_of,
    reason_of,
)

if TYPE_CHECKING:
    from execmeta.recording.context import Context
    from execmeta.recording.recorder import Recorder
    from pytest_execmeta.fence import Fence

TEST_KIND = "test"
SUBTEST_KIND = "subtest"
"""A kind of its own, so that `kind=test` counts what pytest counts as tests."""


class Attempt:
    """A test between its first report and its teardown."""

    __slots__ = ("facts", "failed_subtests", "parent", "reports", "subtests", "told", "worker")

    def __init__(self, facts: Facts, told: str | None, worker: str | None) -> None:
        self.facts = facts
        self.told = told
        """The text that `facts` were read from; None when they never travelled."""
        self.worker = worker
        self.reports: list[pytest.TestReport] = []
        self.subtests = 0
        self.failed_subtests = 0
        self.parent: Context | None = None
        """Context of the test itself, made for its first subtest."""


class TestRecorder:
    """Plug-in that records the tests of one session."""

    __test__ = False

    def __init__(
        self,
        recorder: Recorder,
        session: Context,
        finder: FactFinder,
        fence: Fence,
        root: str,
        tag_session: Callable[[dict[str, Any]], None],
    ) -> None:
        self.counts: Counter[str] = Counter()
        """Word of pytest's last line to number of reports that it counts."""
        self.subtests = 0
        self.left_out: Counter[str] = Counter()
        """Reason to number of tags of tests that were left out."""
        self._recorder = recorder
        self._session = session
        self._finder = finder
        self._fence = fence
        self._root = root
        self._tag_session = tag_session
        self._open: dict[tuple[str | None, str], Attempt] = {}
        self._pid = os.getpid()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        try:
            worker = getattr(report, "worker_id", None)
            when: str | None = report.when
            key = (worker, report.nodeid)
            text = None if worker is None else _take_entry(report)
            attempt = self._open.get(key)
            if attempt is not None and self._is_over(attempt, text):
                del self._open[key]
                self._end(attempt)
                attempt = None
            if attempt is None:
                if when == CRASHED:
                    key, attempt = self._crashed(report, key)
                else:
                    attempt = self._open[key] = self._begin(report.nodeid, worker, text)
            elif text is not None and text != attempt.told:
                # A fixture or the test has added a tag.
                attempt.facts, attempt.told = Facts.from_text(report.nodeid, text), text
                self._session_tags(attempt.facts)
            context = getattr(report, "context", None)
            if context is not None:
                self._subtest(attempt, report, context)
                return
            attempt.reports.append(report)
            if when == "teardown" or when == CRASHED:
                self._open.pop(key, None)
                self._end(attempt)
        except Exception as error:  # this test is not recorded, or one subtest of it
            self._fence.note("recording a test", error)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        try:
            if report.passed:
                return
            failed = report.failed
            outcome = Outcome("failed", "error") if failed else Outcome("skipped", "skipped")
            self.counts["errors" if failed else "skipped"] += 1
            attributes: dict[str, Any] = {
                "pytest.nodeid": report.nodeid,
                "pytest.outcome": outcome.word,
                "pytest.phase": "collect",
            }
            if reason := None if failed else reason_of(report):
                attributes["pytest.reason"] = reason
            now = time.time_ns() // 1000
            self._recorder.complete(
                TEST_KIND,
                report.nodeid,
                status=outcome.status,
                parent=self._session,
                attributes=attributes,
                started_at=now,
                ended_at=now,
                duration_s=0.0,
                error=error_of(report, self._root) if failed else None,
            )
        except Exception as error:  # this collection error is not recorded
            self._fence.note("recording a collection error", error)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.counts["deselected"] += len(items)

    def close(self) -> None:
        """Record the tests that the session left unfinished."""
        for attempt in self._open.values():
            outcome = outcome_of(attempt.reports, attempt.failed_subtests)
            self._end(attempt, outcome if outcome.status == "failed" else INTERRUPTED)
        self._open.clear()

    def _begin(self, nodeid: str, worker: str | None, text: str | None) -> Attempt:
        if text is not None:
            facts = Facts.from_text(nodeid, text)
            self._session_tags(facts)
            return Attempt(facts, text, worker)
        current = self._finder.current
        if current is not None and current.nodeid == nodeid:
            return Attempt(current, None, worker)
        return Attempt(Facts(nodeid), None, worker)

    def _is_over(self, attempt: Attempt, text: str | None) -> bool:
        """Whether a report belongs to a later attempt: not every plug-in that repeats a test
        tells the teardown of the attempt before."""
        if attempt.told is not None:
            return text is not None and text[:ID_CHARS] != attempt.told[:ID_CHARS]
        current = self._finder.current
        return (
            current is not None
            and current is not attempt.facts
            and current.nodeid == attempt.facts.nodeid
        )

    def _crashed(
        self, report: pytest.TestReport, key: tuple[str | None, str]
    ) -> tuple[tuple[str | None, str], Attempt]:
        # xdist makes this report itself and names the worker in its own way.
        worker = getattr(getattr(getattr(report, "node", None), "gateway", None), "id", None)
        key = (worker, key[1])
        return key, self._open.get(key) or Attempt(Facts(key[1]), None, worker)

    def _session_tags(self, facts: Facts) -> None:
        if facts.session:
            self._tag_session(facts.session)

    def _end(self, attempt: Attempt, outcome: Outcome | None = None) -> None:
        if os.getpid() != self._pid:
            return  # A forked child came back into pytest's loop; its parent records the test.
        facts, reports = attempt.facts, attempt.reports
        if outcome is None:
            outcome = outcome_of(reports, attempt.failed_subtests)
        if attempt.told is None:
            self._session_tags(facts)
        if facts.left_out:
            self.left_out.update(facts.left_out)
        self._count(attempt, outcome)
        attributes: dict[str, Any] = {
            "pytest.nodeid": facts.nodeid,
            "pytest.outcome": outcome.word,
        }
        if facts.markers:
            attributes["pytest.markers"] = list(facts.markers)
        if attempt.worker is not None:
            attributes["pytest.worker"] = attempt.worker
        error = None
        if outcome.told_by is not None:
            if outcome.status == "failed":
                error = error_of(outcome.told_by, self._root)
            elif reason := reason_of(outcome.told_by):
                attributes["pytest.reason"] = reason
        elif attempt.failed_subtests:
            error = ErrorInfo("SubtestsFailed", f"{attempt.failed_subtests} failed")
        if outcome.teardown_error:
            attributes["pytest.teardown"] = "error"
        duration, started, ended = 0.0, 0.0, 0.0
        for report in reports:
            duration += report.duration
            if not started:
                started = report.start
            ended = report.stop
        now = time.time_ns() // 1000
        rerun = getattr(reports[-1], "rerun", None) if reports else None
        self._recorder.complete(
            TEST_KIND,
            facts.nodeid,
            status=outcome.status,
            metadata=facts.tags,
            attributes=attributes,
            parent=self._session,
            iterator=facts.iterator,
            attempt=facts.attempt or 1 if rerun is None else rerun + 1,
            execution_id=facts.id,
            started_at=int(started * 1e6) if started else now,
            # A crash report has no times of its own; the test ended when it was found dead.
            ended_at=int(ended * 1e6) if ended and outcome is not INTERRUPTED else now,
            duration_s=duration,
            error=error,
            flags=facts.flags or (),
        )

    def _count(self, attempt: Attempt, outcome: Outcome) -> None:
        counts = self.counts
        if outcome.word == "passed":
            counts["passed"] += 1
        else:
            for report in attempt.reports:
                if word := category_of(report):
                    counts[word] += 1
        if attempt.subtests and outcome.word != "rerun":
            self.subtests += attempt.subtests
            counts["failed"] += attempt.failed_subtests

    def _subtest(self, attempt: Attempt, report: pytest.TestReport, context: Any) -> None:
        parent = attempt.parent
        if parent is None:
            parent = attempt.parent = self._below_session(attempt.facts.id)
        index = attempt.subtests
        attempt.subtests += 1
        outcome = outcome_of((report,))
        if outcome.status == "failed":
            attempt.failed_subtests += 1
        attributes: dict[str, Any] = {
            "pytest.nodeid": report.nodeid,
            "pytest.outcome": outcome.word,
        }
        if attempt.worker is not None:
            attributes["pytest.worker"] = attempt.worker
        if outcome.status == "skipped" and (reason := reason_of(report)):
            attributes["pytest.reason"] = reason
        kwargs = {
            name: _spoken(value, attempt.worker is not None)
            for name, value in (context.kwargs or {}).items()
        }
        now = time.time_ns() // 1000
        # unittest.TestCase.subTest knows no times.
        self._recorder.complete(
            SUBTEST_KIND,
            _subtest_name(report.nodeid, context.msg, kwargs),
            status=outcome.status,
            attributes=attributes,
            parent=parent,
            iterator=IteratorContext(index, None, kwargs or None),
            attempt=attempt.facts.attempt or 1,
            started_at=int(report.start * 1e6) if report.start else now,
            ended_at=int(report.stop * 1e6) if report.stop else now,
            duration_s=report.duration,
            error=error_of(report, self._root) if outcome.status == "failed" else None,
        )

    def _below_session(self, test: ExecutionId) -> Context:
        from dataclasses import replace  # only where there are subtests

        session = self._session
        return replace(session, id=test, depth=session.depth + 1, kind=TEST_KIND)


def _take_entry(report: pytest.TestReport) -> str | None:
    """Our entry of a report that came from a worker; other plug-ins do not get to see it."""
    properties = report.user_properties
    for place, (name, value) in enumerate(properties):
        if name == PROPERTY:
            del properties[place]
            return value if isinstance(value, str) else None
    return None


def _subtest_name(nodeid: str, message: Any, kwargs: dict[str, Any]) -> str:
    parts = [nodeid]
    if message is not None:
        parts.append(f"[{message}]")
    if kwargs:
        parts.append(f"({', '.join(f'{name}={value!r}' for name, value in kwargs.items())})")
    return " ".join(parts)


def _spoken(value: Any, travelled: bool) -> Json:
    """The value that pytest keeps as its `repr`; a report that travelled has that of a `repr`."""
    for _ in range(2 if travelled else 1):
        if isinstance(value, str):
            try:
                value = literal_eval(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                break
    return clean_value(value).value
