"""What a test says before its reports: id, markers, place among its parameters, tags.

Only the process that runs a test knows this. In a worker it travels to the controller as one
JSON text in one entry of `user_properties`, replaced and never appended to: xdist cannot carry
arbitrary objects, and every report of the item shares the list (pytest.md §0.4, §0.5).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from execmeta.model.execution import IteratorContext, Json
from execmeta.model.ids import ExecutionId, new_id
from execmeta.model.metadata import RESERVED_PREFIXES, clean_metadata
from pytest_execmeta.markers import MarkerReader
from pytest_execmeta.parameters import parameters_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from pytest_execmeta.fence import Fence

PROPERTY: Final = "execmeta"
"""Name of the entry in `user_properties`; the controller takes it out again."""
ID_CHARS: Final = len('["00000000-0000-7000-8000-000000000000"')
"""Beginning of the text of `Facts` that holds the id, and so tells one attempt from another."""
PLUGIN_NAME: Final = "execmeta-facts"


class Facts:
    """One attempt of one test, as the process that runs it knows it."""

    __slots__ = (
        "attempt",
        "flags",
        "id",
        "iterator",
        "left_out",
        "markers",
        "nodeid",
        "session",
        "tags",
    )

    def __init__(
        self,
        nodeid: str,
        markers: tuple[str, ...] = (),
        iterator: IteratorContext | None = None,
        attempt: int = 0,
    ) -> None:
        self.nodeid = nodeid
        self.id = new_id()
        self.markers = markers
        self.iterator = iterator
        self.attempt = attempt
        """From 1; 0 before the first one starts."""
        self.tags: dict[str, Json] | None = None
        self.session: dict[str, Json] | None = None
        """Tags for the session that this attempt brought."""
        self.left_out: dict[str, int] | None = None
        """Why tags of both kinds were left out, and how many."""
        self.flags: list[str] | None = None
        """What was done to tags to keep them: `sanitized`, `truncated`."""

    def to_text(self) -> str:
        """JSON for `user_properties`."""
        place = self.iterator
        told: list[Any] = [
            self.id,
            self.attempt,
            self.markers,
            place and [place.index, place.count, place.item],
        ]
        # Most tests have none of the rest.
        if self.tags or self.session or self.left_out:
            told += [self.tags, self.session, self.left_out, self.flags]
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def from_text(cls, nodeid: str, text: str) -> Facts:
        """Read `to_text` back; raises ValueError or TypeError for anything else."""
        found, attempt, markers, place, *rest = json.loads(text)
        facts = cls(nodeid, tuple(markers), place and IteratorContext(*place), attempt)
        facts.id = ExecutionId(found)
        if rest:
            facts.tags, facts.session, facts.left_out, facts.flags = rest
        return facts


class FactFinder:
    """Plug-in of every process that runs tests: finds the facts of the test that runs now."""

    def __init__(self, fence: Fence, reserved: tuple[str, ...] = RESERVED_PREFIXES) -> None:
        self.current: Facts | None = None
        """The test that runs, or ran last."""
        self._fence = fence
        self._reserved = reserved
        self._markers = MarkerReader()
        self._item: pytest.Item | None = None
        self._index: dict[str, int] = {}
        """Node id of a parametrised test to its 0-based place among those of its function."""
        self._count: dict[str, int] = {}
        """Node id of a parametrised function to the number of its tests."""

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        # Here a function's tests are complete; later some are deselected or not even asked for,
        # and the place of a test must not depend on the command line.
        report = yield
        try:
            self._number(collector, report.result or ())
        except Exception as error:  # the iterator contexts of this file are lost
            self._fence.note("numbering parameters", error)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        try:
            self._item = item
            self.current = self._facts_of(item)
        except Exception as error:  # tags and markers of this test are lost
            self.current = None
            self._fence.note("reading a test", error)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        # Once per attempt, also where a plug-in repeats a test inside one protocol.
        try:
            facts = self.current
            if facts is None or facts.nodeid != nodeid or self._item is None:
                return
            if facts.attempt:
                self.current = again = self._facts_of(self._item)
                again.attempt = facts.attempt + 1
            else:
                facts.attempt = 1
            self.changed()
        except Exception as error:  # a later attempt keeps the facts of the first
            self._fence.note("starting an attempt", error)

    def changed(self) -> None:
        """The current facts are new or have changed."""

    def tag(self, item: pytest.Item, tags: dict[Any, Any]) -> None:
        """Add tags to the running test; nothing happens when it is another one."""
        facts = self.current
        if facts is not None and facts.nodeid == item.nodeid:
            facts.tags = {**(facts.tags or {}), **self._clean(facts, tags)}
            self.changed()

    def tag_session(self, tags: dict[Any, Any]) -> None:
        """Add tags for the session; they leave with the next report."""
        facts = self.current
        if facts is not None:
            facts.session = {**(facts.session or {}), **self._clean(facts, tags)}
            self.changed()

    def _clean(self, facts: Facts, tags: dict[Any, Any]) -> dict[str, Json]:
        found, dropped, flags = clean_metadata(tags, reserved=self._reserved)
        if dropped:
            known = facts.left_out or {}
            facts.left_out = {key: known.get(key, 0) + dropped[key] for key in known | dropped}
        if flags:
            facts.flags = sorted(flags.union(facts.flags or ()))
        return found

    def _number(self, collector: pytest.Collector, nodes: Iterable[Any]) -> None:
        counts: dict[str, int] = {}
        for node in nodes:
            # The session collects what was asked for, out of the folders that own it.
            if getattr(node, "callspec", None) is not None and node.parent is collector:
                function = node.originalname
                place = counts.get(function, 0)
                self._index[node.nodeid] = place
                counts[function] = place + 1
        for function, count in counts.items():
            self._count[f"{collector.nodeid}::{function}"] = count

    def _facts_of(self, item: pytest.Item) -> Facts:
        nodeid = item.nodeid
        names, tags = self._markers.read(item)
        callspec = getattr(item, "callspec", None)
        place = None
        if callspec is not None:
            parent = item.parent.nodeid if item.parent is not None else ""
            function = f"{parent}::{getattr(item, 'originalname', '')}"
            place = IteratorContext(
                self._index.get(nodeid, 0), self._count.get(function), parameters_of(callspec)
            )
        facts = Facts(nodeid, names, place)
        if tags:
            facts.tags = self._clean(facts, tags)
        return facts


class WorkerFactFinder(FactFinder):
    """The same in a worker of xdist: every change goes into the item's one entry."""

    def changed(self) -> None:
        item, facts = self._item, self.current
        if item is None or facts is None:
            return
        entry = (PROPERTY, facts.to_text())
        properties = item.user_properties
        for place, (name, _) in enumerate(properties):
            if name == PROPERTY:
                properties[place] = entry
                return
        properties.append(entry)
