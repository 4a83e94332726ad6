"""Reads: pages, counts and lookups over one snapshot of the database."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import Final, Literal

from execmeta.filters.bound import Place
from execmeta.filters.query import Query, Scope
from execmeta.filters.targets.predicate import Predicate, compile_predicate
from execmeta.model.execution import Execution
from execmeta.model.ids import ExecutionId
from execmeta.model.limits import COUNT_CAP, SCAN_CAP
from execmeta.store.base import Page
from execmeta.store.cursors import sign, verify
from execmeta.store.sql.blocks import Blocks
from execmeta.store.sql.expression import Word, both, without, words
from execmeta.store.sql.fetch import fetch, passing
from execmeta.store.sql.plan import MANY_WORDS, Plan, plan_of
from execmeta.store.sql.seek import tid_at, tids_at
from execmeta.store.sql.vocabulary import Vocabulary
from execmeta.store.sql.walk import candidates
from execmeta.store.sql.where import IS_BELOW, IS_TOP, TRUE, conjunction
from execmeta.store.sql.window import Window
from execmeta.store.tokens import TOP

COUNT_BUDGET: Final = 1_000
"""Rows that SQL looks at for the total of a page when the index alone cannot count."""
DECODED_BUDGET: Final = 200
"""The same where every row must be decoded and checked."""
SMALL_COUNT: Final = 500
"""Where the total of a page stops when rare and frequent words meet."""


@dataclass(frozen=True, slots=True)
class Search:
    """One query against one snapshot."""

    connection: sqlite3.Connection
    blocks: Blocks
    query: Query
    plan: Plan
    matches: Predicate
    tenant: str

    @classmethod
    def of(cls, connection: sqlite3.Connection, query: Query, tenant: str) -> Search:
        """Plan a query with what the database knows now."""
        plan = plan_of(query.filter, Vocabulary(connection))

        def under(top: ExecutionId) -> Predicate:
            inside = frozenset(tids_at(connection, Place("under", top)))
            return lambda execution: tid_at(connection, execution.id) in inside

        matches = compile_predicate(query.filter, under=under)
        return cls(connection, Blocks(connection), query, plan, matches, tenant)

    def page(self) -> Page:
        """The page that the query asks for. Raises QueryError for a cursor of another list."""
        query = self.query
        key = _cursor_key(self.connection)
        after = verify(key, query, self.tenant)
        window = Window(newest=query.sort == "-started")
        if after is not None:
            window = window.after(after)
        found: list[tuple[int, Execution]] = []
        last = self._scan(self._part(query.scope), window, SCAN_CAP, query.limit + 1, found)
        truncated = last is not None
        shown = found[: query.limit]
        if len(found) > query.limit:
            last = shown[-1][0]
        if after is None and last is None:
            total, capped = len(shown), False
        else:
            total, capped = self._count(self._part(query.scope), self._budget, self._cap)
            if capped:  # what the page itself has seen is known too
                total = min(max(total, len(found)), COUNT_CAP)
        hidden = 0
        if query.scope == "top":
            cap = max(self._cap, SMALL_COUNT)
            hidden, _ = self._count(self._part("below"), self._budget, cap)
        return Page(
            executions=tuple(execution for _, execution in shown),
            next_cursor=None if last is None else sign(key, query, self.tenant, last),
            total=total,
            total_capped=capped,
            hidden_below=hidden,
            scan_truncated=truncated and len(found) <= query.limit,
        )

    def count(self) -> tuple[int, bool]:
        """(matches, whether there may be more). At most `limits.SCAN_CAP` rows are read when the
        index alone cannot count."""
        return self._count(self._part(self.query.scope), SCAN_CAP, COUNT_CAP)

    def newest(self, limit: int) -> tuple[list[Execution], bool]:
        """(up to `limit` matches, newest first; whether there may be more)."""
        found: list[tuple[int, Execution]] = []
        last = self._scan(self._part(self.query.scope), Window(), SCAN_CAP, limit + 1, found)
        more = last is not None or len(found) > limit
        return [execution for _, execution in found[:limit]], more

    def _part(self, scope: Scope | Literal["below"]) -> Plan:
        """The plan narrowed to the executions of a scope, or to those that `top` hides."""
        if scope == "all":
            return self.plan
        word = Word(TOP) if scope == "top" else without(Word(TOP))
        plan = replace(
            self.plan,
            index=both([self.plan.index, word]),
            coarse=both([self.plan.coarse, word]),
        )
        if not plan.has_set:
            return plan
        # A known set of rows is read without the index.
        narrow = IS_TOP if scope == "top" else IS_BELOW
        return replace(plan, where=conjunction([plan.where, narrow]))

    @property
    def _budget(self) -> int:
        return COUNT_BUDGET if self.plan.exact else DECODED_BUDGET

    @property
    def _cap(self) -> int:
        """Where the count for a page stops, so that a list does not wait for its total; 0: what
        the page has seen must do."""
        if len(words(self.plan.index)) > MANY_WORDS:
            return 0
        return SMALL_COUNT if self.blocks.is_mixed(self.plan.index) else COUNT_CAP

    def _scan(
        self,
        plan: Plan,
        window: Window,
        budget: int,
        wanted: int,
        found: list[tuple[int, Execution]],
    ) -> int | None:
        """Add up to `wanted` matches to `found`; the key of the last row that was looked at
        when `budget` ended the scan, else None."""
        if plan.is_empty:
            return None
        seen = last = 0
        for piece in candidates(self.connection, self.blocks, plan, window, wanted):
            if seen >= budget:
                return last
            seen, last = seen + len(piece), piece[-1]
            for tid, execution in fetch(self.connection, piece, plan.where, self.tenant):
                if self.matches(execution):
                    found.append((tid, execution))
                    if len(found) == wanted:
                        return None
        return None

    def _count(self, plan: Plan, budget: int, cap: int) -> tuple[int, bool]:
        """(matches up to `cap`, whether there may be more)."""
        if plan.is_empty:
            return 0, False
        if cap == 0:
            return 0, True
        if plan.exact and plan.where == TRUE and not plan.has_set:
            number = self.blocks.count(plan.index, cap + 1)
            return min(number, cap), number > cap
        number = seen = 0
        certain = replace(plan, coarse=plan.index)
        for piece in candidates(self.connection, self.blocks, certain, Window(), self._budget):
            if seen >= budget or number > cap:
                return min(number, cap), True
            seen += len(piece)
            if plan.exact:
                number += passing(self.connection, piece, plan.where)
            else:
                rows = fetch(self.connection, piece, plan.where, self.tenant)
                number += sum(self.matches(execution) for _, execution in rows)
        return min(number, cap), number > cap


def _cursor_key(connection: sqlite3.Connection) -> bytes:
    row = connection.execute("SELECT value FROM property WHERE name = 'cursor_key'").fetchone()
    return bytes.fromhex(row[0])
