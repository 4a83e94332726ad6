"""The session's execution: from the first hook to the exit code, header and footer included."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from execmeta.recording.context import Context, activate, restore
from execmeta.recording.propagation import context_to_env
from execmeta.recording.recorder import Recorder
from execmeta.recording.shipper import OUT_OF_TIME
from pytest_execmeta.facts import PLUGIN_NAME, FactFinder
from pytest_execmeta.fence import Fence
from pytest_execmeta.items import TestRecorder
from pytest_execmeta.options import Choice, choose
from pytest_execmeta.xdist import Workers

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextvars import Token

SESSION_KIND: Final = "session"
_STATUS: Final = {0: "success", 2: "cancelled", 5: "success"}
"""Exit code to status; every other code failed (DESIGN §1)."""
_NO_TESTS: Final = 5
_INTERRUPTED: Final = 2
_ALWAYS_COUNTED: Final = ("passed", "failed", "skipped", "errors")
_SHOWN_TAGS: Final = 8
_DELIVERY_SHARE: Final = 0.02
_DELIVERY_MIN_S: Final = 0.05
"""A run waits for the store at its end a fiftieth of the time it took, this long at least and
`exit_timeout` at most. What is left is on disk, and delivered by whoever asks for it."""
_LOOKING_ONLY: Final = (
    "collectonly",
    "showfixtures",
    "show_fixtures_per_test",
    "setuponly",
    "setupplan",
    "cacheshow",
)
"""Options with which pytest runs no test."""


def begin(config: pytest.Config) -> None:
    """Register what records this run. Raises UsageError for a tag that a person typed wrong."""
    choice = choose(config)
    if choice.settings.disabled:
        return
    if any(getattr(config.option, name, None) for name in _LOOKING_ONLY):
        return
    config.pluginmanager.register(SessionRecorder(config, choice), "execmeta-session")


class SessionRecorder:
    """Plug-in of the process that has the terminal: one session, its tests below it."""

    def __init__(self, config: pytest.Config, choice: Choice) -> None:
        self._config = config
        self._choice = choice
        self._fence = Fence()
        self._recorder = Recorder(choice.settings)
        self._context: Context | None = None
        self._tests: TestRecorder | None = None
        self._session: pytest.Session | None = None
        self._collection_failed = False
        self._session_tags: dict[str, Any] = {}
        self._environment: dict[str, str | None] = {}
        self._token: Token[Context | None] | None = None
        self._footer_shown = False
        self._pid = os.getpid()
        self._began = time.monotonic()

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        # xdist spawns its workers in a trylast hook: they inherit what is set here.
        self._session = session
        try:
            self._start()
        except Exception as error:  # nothing of this run is recorded
            self._fence.note("starting the session", error)

    def _start(self) -> None:
        config, choice = self._config, self._choice
        attributes: dict[str, Any] = {"pytest.version": pytest.__version__}
        workers = getattr(config.option, "numprocesses", None)
        if isinstance(workers, int) and workers > 0:
            attributes["pytest.workers"] = workers
        context = self._recorder.start(
            SESSION_KIND,
            choice.name or f"pytest {config.rootpath.name}",
            metadata=choice.metadata,
            sources=choice.sources,
            attributes=attributes,
            parent=choice.parent,
        )
        self._context = context
        finder = FactFinder(self._fence, choice.settings.reserved_prefixes)
        self._tests = TestRecorder(
            self._recorder,
            context,
            finder,
            self._fence,
            f"{config.rootpath}{os.sep}",
            self._tag_session,
        )
        manager = config.pluginmanager
        manager.register(finder, PLUGIN_NAME)
        manager.register(self._tests, "execmeta-tests")
        environment = context_to_env(context)
        if choice.store is not None:
            environment["EXECMETA_STORE"] = choice.store
        manager.register(
            Workers(environment, choice.settings.reserved_prefixes), "execmeta-workers"
        )
        self._token = activate(context)
        for name, value in environment.items():
            self._environment[name] = os.environ.get(name)
            os.environ[name] = value

    def _tag_session(self, tags: dict[str, Any]) -> None:
        # Every worker says the same; one edit is enough.
        known = self._session_tags
        new = {key: value for key, value in tags.items() if key not in known or known[key] != value}
        if new and self._context is not None:
            known.update(new)
            self._recorder.edit(self._context.id, set=new, by="pytest")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._collection_failed = True

    def pytest_report_header(self) -> str | None:
        context = self._context
        if context is None:
            return None
        tags = [f"{key}={_shown(value)}" for key, value in context.metadata.items()]
        more = f" and {len(tags) - _SHOWN_TAGS} more" if len(tags) > _SHOWN_TAGS else ""
        return f"execmeta: {' '.join([context.id, *tags[:_SHOWN_TAGS]])}{more}"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None]:
        # Around everybody else's, so that the id stands right above pytest's last line.
        yield
        self._show_footer(terminalreporter)

    def _show_footer(self, terminal: Any) -> None:
        if self._footer_shown or self._context is None:
            return
        self._footer_shown = True
        try:
            for line in self._footer():
                terminal.write_line(line)
        except Exception as error:  # the id is not shown
            self._fence.note("writing the footer", error)

    def _footer(self) -> list[str]:
        context = self._context
        if context is None:
            return []
        lines = [f"execmeta: recorded as {context.id} (execmeta tree {context.id[-8:]})"]
        lines += [f"execmeta: {problem}" for problem in self._choice.problems]
        if self._tests is not None and self._tests.left_out:
            count, reasons = self._tests.left_out.total(), ", ".join(sorted(self._tests.left_out))
            lines.append(f"execmeta: {count} tag(s) of tests left out: {reasons}")
        fence, dropped = self._fence, self._recorder.counters.dropped
        if fence.count:
            lines.append(
                f"execmeta: {fence.count} error(s) of its own left this record incomplete; "
                f"first: {fence.first}"
            )
        if dropped:
            reasons = ", ".join(self._recorder.counters.reasons)
            lines.append(f"execmeta: {dropped} event(s) could not be kept: {reasons}")
        return lines

    def pytest_unconfigure(self) -> None:
        # Last of all hooks, called after an internal error and pytest.exit() too; by now other
        # plug-ins have settled the exit code.
        if os.getpid() != self._pid:
            return
        try:
            self._finish()
        except Exception as error:  # the session stays without an end and becomes `lost`
            self._fence.note("ending the session", error)
        finally:
            self._restore()

    def _finish(self) -> None:
        context, tests = self._context, self._tests
        if context is None or tests is None:
            return
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        tests.close()
        code = 3 if self._session is None else int(self._session.exitstatus)
        self._recorder.finish(
            context.id,
            self._status(code),
            attributes={"pytest.exit_code": code, **self._counts(tests)},
            flags=("no_tests",) if code == _NO_TESTS else (),
        )
        if terminal is not None:
            self._show_footer(terminal)
        share = max(_DELIVERY_MIN_S, _DELIVERY_SHARE * (time.monotonic() - self._began))
        shipped = self._recorder.close(min(self._choice.settings.exit_timeout, share))
        if shipped.left and shipped.reason != OUT_OF_TIME and terminal is not None:
            why = f": {shipped.reason}" if shipped.reason else ""
            terminal.write_line(
                f"execmeta: {shipped.left} event(s) wait on disk for the next execmeta command{why}"
            )

    def _status(self, code: int) -> str:
        if code == _INTERRUPTED and self._collection_failed:
            return "failed"
        return _STATUS.get(code, "failed")

    def _counts(self, tests: TestRecorder) -> dict[str, int]:
        counts = {f"pytest.{word}": tests.counts[word] for word in _ALWAYS_COUNTED}
        for word, count in sorted(tests.counts.items()):
            if count:
                counts[f"pytest.{word}"] = count
        if tests.subtests:
            counts["pytest.subtests"] = tests.subtests
        return counts

    def _restore(self) -> None:
        if self._token is not None:
            restore(self._token)
            self._token = None
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._environment.clear()


def _shown(value: Any) -> str:
    """A value for the terminal: one line, control characters in words, not too long."""
    text = value if isinstance(value, str) else ascii(value)
    if not text.isprintable():
        text = ascii(text)
    return f"{text[:57]}..." if len(text) > 60 else text
