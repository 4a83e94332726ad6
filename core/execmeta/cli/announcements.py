"""Announcements: what a list leaves out and why, one line each, on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from execmeta.cli.phrases import counted
from execmeta.cli.visible import visible
from execmeta.filters import usage
from execmeta.filters.binder import bind
from execmeta.filters.fields import Field, near_misses
from execmeta.filters.nodes import (
    And,
    Comparison,
    Has,
    In,
    Node,
    Not,
    Or,
    conjunction,
    disjunction,
)
from execmeta.filters.parser import parse
from execmeta.filters.query import Query
from execmeta.model.limits import COUNT_CAP
from execmeta.store.base import Page, Store

_TELLS_ITSELF: Final = frozenset({"json"})
"""Formats whose document has the cursor and the hidden count in it."""


def announcements(
    page: Page, query: Query, store: Store, output: str, fields: Sequence[Field] = ()
) -> Iterator[str]:
    """Lines about what the page does not show; none when it shows everything there is."""
    node = parse(query.text)
    if page.scan_truncated:
        yield (
            "Not everything was searched: this filter reads row by row. Go on with "
            f"--cursor {page.next_cursor}"
        )
    elif page.next_cursor and output not in _TELLS_ITSELF:
        shown = counted(page.total, "match", capped=page.total_capped)
        yield f"{len(page.executions):,} of {shown} shown. Next page: --cursor {page.next_cursor}"
    if page.hidden_below and output not in _TELLS_ITSELF:
        # Counted up to there only: it may be the number, or far more.
        or_more = " or" if page.hidden_below >= COUNT_CAP else ""
        yield f"{page.hidden_below:,}{or_more} more below: --all"
    for name in usage.uses_not_equal(node, tuple(fields)):
        left_out, capped = _left_out(node, name, query, store, fields)
        if left_out:
            yield (
                f"{counted(left_out, 'execution', capped=capped)} without {visible(name)} "
                f"left out: a comparison needs the key. 'not {visible(name)}=...' keeps them."
            )
    if not page.executions and not page.hidden_below and query.cursor is None:
        yield from _near_misses(node, store, fields)


def _left_out(
    node: Node, name: str, query: Query, store: Store, fields: Sequence[Field]
) -> tuple[int, bool]:
    """How many executions match all the rest and only lack the name."""
    lacking = bind(_without(node, name), now_us=query.now_us, resolver=store.resolve, fields=fields)
    return store.count(replace(query, filter=lacking, cursor=None))


def _without(node: Node, name: str) -> Node:
    """The filter with `not has(name)` in the place of the terms that leave the name out."""
    match node:
        case And():
            return conjunction(_without(item, name) for item in node.items)
        case Or():
            return disjunction(_without(item, name) for item in node.items)
        case Comparison(op="!=" | "!~=") | In(negated=True) if node.name == name:
            return Not(Has(name))
        case _:
            # What stands under `not` leaves nothing out.
            return node


def _near_misses(node: Node, store: Store, fields: Sequence[Field]) -> Iterator[str]:
    used = usage.names(node, tuple(fields))
    if not used:
        return
    known = store.key_names()
    heads = set(known)
    for name in used:
        parts = name.split(".")
        if any(".".join(parts[:end]) in heads for end in range(1, len(parts) + 1)):
            continue
        proposals = " or ".join(visible(near) for near in near_misses(name, known))
        hint = f" Did you mean {proposals}?" if proposals else ""
        yield f"No execution has the metadata key {visible(name)}.{hint}"
