"""Query: what every reader hands to a store (bound filter, scope, sort, limit, cursor)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from execmeta.errors import QueryError
from execmeta.filters.bound import BoundFilter, Constant
from execmeta.model.limits import DEFAULT_LIMIT, MAX_LIMIT

Scope = Literal["top", "all"]
Sort = Literal["-started", "started"]
SORTS: tuple[Sort, ...] = ("-started", "started")
EVERYTHING = Constant(True)
"""The filter of an empty text."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question to a store. Built by `filters.binder.bind_query`; stores take it as it is."""

    filter: BoundFilter = EVERYTHING
    text: str = ""
    """Canonical text of the filter: what a cursor is bound to."""
    scope: Scope = "all"
    sort: Sort = "-started"
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    now_us: int = 0
    """The `now` that the filter was bound with, microseconds since 1970 UTC. A cursor carries
    the first page's."""

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise QueryError(
                f"limit {self.limit} is out of range. Expected 1 to {MAX_LIMIT}.",
                code="invalid_limit",
            )
        if self.sort not in SORTS:
            raise QueryError(
                f"sort {self.sort!a} is not known. Expected -started or started.",
                code="invalid_sort",
            )
