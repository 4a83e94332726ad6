"""Tree view: an execution with what ran below it; many equal lines become a count.

A parent with many children shows its failures, the first of the others, and a count of the
rest; tests are gathered by file, because that is how people look for them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rich.text import Text
from rich.tree import Tree

from execmeta.cli.list_view import pairs
from execmeta.cli.phrases import duration, status_mark, status_style, tally
from execmeta.cli.screen import one_line
from execmeta.cli.show_view import error_text, iterator_text
from execmeta.cli.visible import visible
from execmeta.model.execution import TOP_KINDS, Execution

MANY: Final = 10
"""Children of one parent that are listed whole."""
_LISTED: Final = {"success": MANY, "skipped": MANY}
"""How many of a status one parent lists; of every other status `_LISTED_MOST`."""
_LISTED_IN_FILE: Final = {"success": 0, "skipped": MANY}
"""The line of a file counts its tests, so the ones that passed need no line."""
_LISTED_MOST: Final = 100
_TEST_KINDS: Final = frozenset({"test", "subtest"})
"""Their names say what they are, and which turn of a loop."""


class Look(NamedTuple):
    """How much of a tree is shown."""

    everything: bool = False
    """Every execution has its line."""
    statuses: frozenset[str] = frozenset()
    """Only these and what is above them; empty for all."""
    ascii_only: bool = False


@dataclass
class _Family:
    """Who is below whom; the order is that of the start."""

    children: defaultdict[str, list[Execution]] = field(default_factory=lambda: defaultdict(list))
    parents: dict[str, str] = field(default_factory=dict)

    def add(self, child: Execution, parent_id: str) -> None:
        self.children[parent_id].append(child)
        self.parents[child.id] = parent_id

    def of(self, execution: Execution) -> list[Execution]:
        return self.children.get(execution.id, [])


def execution_tree(executions: Sequence[Execution], look: Look) -> Tree:
    """The tree of `Store.subtree`'s executions: the top one first, then oldest first."""
    top = executions[0]
    family = _family(executions, look.statuses)
    tree = Tree(_line(top, look), guide_style="dim")
    waiting = [(tree, top)]
    while waiting:
        branch, parent = waiting.pop()
        for place, siblings, listed in _places(branch, family.of(parent), look):
            shown, left = _shortened(siblings, family, listed)
            # What stands on the line above is not said again.
            above = parent.name if place is branch else _file(siblings[0])
            for execution in shown:
                node = place.add(_line(execution, look, above))
                waiting.append((node, execution))
            for status, count in left.items():
                place.add(_counted_line(status, count, look))
    return tree


def tree_summary(executions: Sequence[Execution]) -> str:
    """`2,459 executions below: 28 skipped, 2,431 success`; empty when nothing ran below."""
    below = executions[1:]
    if not below:
        return ""
    noun = "execution" if len(below) == 1 else "executions"
    return f"{len(below):,} {noun} below: {tally(execution.status for execution in below)}"


def _family(executions: Sequence[Execution], statuses: frozenset[str]) -> _Family:
    top = executions[0]
    known = {execution.id for execution in executions}
    whole = _Family()
    for execution in executions[1:]:
        parent = execution.parent_id
        # A parent beyond the limit of rows: better below the top than out of sight.
        whole.add(execution, parent if parent in known and parent else top.id)
    if not statuses:
        return whole

    kept: set[str] = set()
    for execution in executions:
        at = execution.id if execution.status in statuses else None
        while at is not None and at not in kept:
            kept.add(at)
            at = whole.parents.get(at)  # type: ignore[assignment]
    thinned = _Family()
    for execution in executions[1:]:
        if execution.id in kept:
            thinned.add(execution, whole.parents[execution.id])
    return thinned


def _places(
    branch: Tree, siblings: list[Execution], look: Look
) -> Iterator[tuple[Tree, list[Execution], dict[str, int] | None]]:
    """Where siblings go, and how many of each status are listed there (None: all).

    That is below their parent, or below a line for their file when there are many.
    """
    listed = None if look.everything else {} if look.statuses else _LISTED
    by_file: defaultdict[str, list[Execution]] = defaultdict(list)
    for execution in siblings:
        by_file[_file(execution)].append(execution)
    if len(siblings) <= MANY or set(by_file) == {""}:
        yield branch, siblings, listed
        return
    for file, found in by_file.items():
        if file:
            place = branch.add(_file_line(file, found, look))
            yield place, found, _LISTED_IN_FILE if listed is _LISTED else listed
        else:
            yield branch, found, listed


def _shortened(
    siblings: Sequence[Execution], family: _Family, listed: dict[str, int] | None
) -> tuple[list[Execution], Counter[str]]:
    """What has a line, and how many of each status become a count."""
    if listed is None:
        return list(siblings), Counter()
    lines: Counter[str] = Counter()
    left: Counter[str] = Counter()
    shown = []
    for execution in siblings:
        # What has children of its own is never uneventful.
        group = "" if family.of(execution) else execution.status
        if lines[group] < listed.get(group, _LISTED_MOST):
            lines[group] += 1
            shown.append(execution)
        else:
            left[execution.status] += 1
    # A file's own line has counted what passed.
    if listed is _LISTED_IN_FILE:
        left.pop("success", None)
    return shown, left


def _file(execution: Execution) -> str:
    """The file of a test, empty for everything else."""
    nodeid = execution.attributes.get("pytest.nodeid")
    file, found, _ = (nodeid if isinstance(nodeid, str) else execution.name).partition("::")
    return file if found and execution.kind in _TEST_KINDS else ""


def _line(execution: Execution, look: Look, above: str = "") -> Text:
    """Mark, name, kind, time, what a person said about it; then why it did not succeed."""
    style = status_style(execution.status)
    name = execution.name
    if above and name.startswith((f"{above}::", f"{above} ")):
        name = name[len(above) :].lstrip(": ")
    line = Text().append(status_mark(execution.status, ascii_only=look.ascii_only), style=style)
    line.append(" ").append(visible(name), style="" if execution.kind in _TEST_KINDS else "bold")
    if execution.kind not in _TEST_KINDS:
        line.append(f"  {visible(execution.kind)}", style="dim")
    if execution.iterator and execution.kind not in _TEST_KINDS:
        line.append(f"  {iterator_text(execution.iterator)}", style="dim")
    if execution.attempt > 1:
        line.append(f"  attempt {execution.attempt}", style="yellow")
    if execution.status not in ("success", "failed", "skipped"):
        line.append(f"  {execution.status}", style=style)
    if execution.duration_s is not None:
        line.append(f"  {duration(execution.duration_s)}", style="dim")
    if execution.kind in TOP_KINDS or execution.parent_id is None:
        line.append("  ").append_text(pairs(execution.metadata))
    reason = _reason(execution)
    if reason:
        line.append("\n  ").append(reason, style=style)
    return one_line(line)


def _reason(execution: Execution) -> str:
    """First line of the error or of the reason for a skip, with the place."""
    error = execution.error
    if error is None:
        reason = execution.attributes.get("pytest.reason")
        return visible(reason) if isinstance(reason, str) and reason else ""
    said = error_text(error).partition("\n")[0]
    return f"{said}  ({visible(error.where)})" if error.where else said


def _file_line(file: str, found: Sequence[Execution], look: Look) -> Text:
    statuses = Counter(execution.status for execution in found)
    worst = next((status for status in statuses if status not in ("success", "skipped")), None)
    shown = worst or ("success" if statuses["success"] else "skipped")
    mark = status_mark(shown, ascii_only=look.ascii_only)
    line = Text().append(mark, style=status_style(shown))
    line.append(f" {visible(file)}", style="bold")
    line.append(f"  {tally(statuses.elements())}", style="dim")
    return one_line(line)


def _counted_line(status: str, count: int, look: Look) -> Text:
    mark = status_mark(status, ascii_only=look.ascii_only)
    return Text(f"{mark} {count:,} more {visible(status)} (--all)", style="dim")
