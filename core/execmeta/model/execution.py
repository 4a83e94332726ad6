"""Execution: one run of something, as every reader sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from execmeta.model.ids import ExecutionId

Scalar = str | int | float | bool | None
Json = Scalar | list["Json"] | dict[str, "Json"]
"""A metadata value: what JSON can say, within `limits`."""
Metadata = dict[str, Json]

KINDS: Final = ("session", "test", "dag_run", "task", "command", "function", "span")
"""Kinds that execmeta itself makes; a plug-in may add its own."""
TOP_KINDS: Final = frozenset({"session", "dag_run", "command"})
"""Kinds that a list for people shows even when they have a parent (DESIGN §2, scope)."""

STATUSES: Final = ("queued", "running", "success", "failed", "skipped", "cancelled", "lost")
"""`lost`: the process died without saying how the execution ended."""
STATUS_RANK: Final = MappingProxyType(
    {"queued": 1, "running": 2, **dict.fromkeys(("success", "failed", "skipped"), 3)}
    | {"cancelled": 3, "lost": 3}
)
"""A status of higher rank replaces a lower one whatever the order of arrival."""


@dataclass(frozen=True, slots=True)
class IteratorContext:
    """Place of an execution in a loop."""

    index: int
    """0-based."""
    count: int | None = None
    """Length of the loop, None when it is not known."""
    item: Json = None
    """The item itself, or `{"digest", "size", "preview"}` when it was over 4 KiB."""


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """Why an execution failed; at most 2 KiB together, redacted."""

    type: str
    message: str
    where: str | None = None
    """`file:line` of the failure, as the tool reported it."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of something. Times are microseconds since 1970 UTC, durations are seconds."""

    id: ExecutionId
    kind: str
    name: str
    status: str
    started_at: int
    root_id: ExecutionId
    parent_id: ExecutionId | None = None
    depth: int = 0
    """Number of ancestors."""
    ended_at: int | None = None
    duration_s: float | None = None
    """None while it runs, and when its clock stepped back (flag `clock_skew`)."""
    attempt: int = 1
    metadata: Mapping[str, Json] = field(default_factory=dict)
    attributes: Mapping[str, Json] = field(default_factory=dict)
    iterator: IteratorContext | None = None
    trace_id: str | None = None
    """32 hex digits."""
    span_id: str | None = None
    """16 hex digits."""
    tenant: str = ""
    external_id: str | None = None
    error: ErrorInfo | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    """Key to `env`, `config`, `adapter` or `inherited:<id>`; a key not listed is the user's."""
    flags: tuple[str, ...] = ()
    """Sorted: `sanitized`, `truncated`, `clock_skew`, `status_conflict`, `no_tests`, ..."""

    @property
    def is_top(self) -> bool:
        """Whether a list of scope `top` shows it."""
        return self.parent_id is None or self.kind in TOP_KINDS
