"""Scribe: puts executions into a test's store. EXECMETA: the command as a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from click.testing import Result

from execmeta.model.event import EDITED, FINISHED, STARTED, Event
from execmeta.model.ids import ExecutionId, new_id
from execmeta.store.base import Store
from execmeta.store.opening import open_store

Run = Callable[..., Result]
Shell = Callable[..., CompletedProcess[str]]

ROOT = Path(__file__).resolve().parents[2]
START_US = 1_763_711_669_123_456
"""2025-11-21T07:54:29.123456Z"""
EXECMETA = (sys.executable, "-c", "from execmeta.cli.main import main; main()")
"""The command, whether or not it is installed."""


class Scribe:
    """Puts executions into the test's store, each a second after the one before."""

    def __init__(self, url: str) -> None:
        self.store: Store = open_store(url)
        self._count = 0

    def add(self, name: str = "train.py", *, status: str = "success", **body: Any) -> ExecutionId:
        """An execution; `running` has no end. Everything else is part of the started event."""
        self._count += 1
        at = START_US + self._count * 1_000_000
        found = body.pop("id", None) or new_id(at)
        body = {"kind": "command", "name": name, "started": at, **body}
        error = body.pop("error", None)
        order = (at // 1000 << 16, 1, self._count * 2)
        events = [Event(STARTED, found, order, at, body)]
        if status != "running":
            end = {"status": status, "ended": at + 500_000, "duration": 0.5, "error": error}
            end["attempt"] = body.get("attempt", 1)
            events.append(Event(FINISHED, found, (*order[:2], order[2] + 1), at + 500_000, end))
        assert not self.store.apply(events).rejected
        return found

    def below(self, root: ExecutionId, name: str, **body: Any) -> ExecutionId:
        """A test below its session; `parent`, `depth` and `kind` may say otherwise."""
        return self.add(name, **{"kind": "test", "parent": root, "root": root, "depth": 1} | body)

    def edit(self, execution_id: ExecutionId, **change: Any) -> None:
        """An edit by ann."""
        self._count += 1
        at = START_US + self._count * 1_000_000
        order = (at // 1000 << 16, 1, self._count * 2)
        self.store.apply([Event(EDITED, execution_id, order, at, {**change, "by": "ann"})])


def environment(**more: str) -> dict[str, str]:
    """This process' variables, with the sources on the path."""
    paths = [str(ROOT / "core"), str(ROOT / "plugins"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **more}
