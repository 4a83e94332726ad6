"""Views: saved filters that a filter names with `@`, put in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NoReturn

from execmeta.errors import FilterError
from execmeta.filters.caps import too_complex
from execmeta.filters.fields import near_misses
from execmeta.filters.nodes import (
    And,
    Comparison,
    Everything,
    In,
    Node,
    Not,
    Or,
    ViewRef,
    conjunction,
    disjunction,
)
from execmeta.filters.parser import parse
from execmeta.filters.wording import listed, shown
from execmeta.model.limits import MAX_FILTER_TERMS

_MAX_CHAIN: Final = 8
"""Views inside views inside views."""


def replace_views(node: Node, views: Mapping[str, str] | None, text: str) -> Node:
    """`node` with every view replaced by its filter, whose columns become the view's own.

    Args:
        node: nodes of a filter.
        views: name to filter text; None where there are no views.
        text: what the columns of `node` count in.

    Raises:
        FilterError: with code `unknown_view`; `filter_too_complex` for more than 64 views, those
            inside views included; or as `parse` does, for a view's own text.
    """
    return _Replacement(views or {}).replaced(node, text, ())


class _Replacement:
    """One run of `replace_views`: the views, and how many were put in."""

    def __init__(self, views: Mapping[str, str]) -> None:
        self.views = views
        self.count = 0

    def replaced(self, node: Node, text: str, chain: tuple[str, ...]) -> Node:
        """`node` without views; `chain` names those that it stands in."""
        match node:
            case And():
                return conjunction([self.replaced(item, text, chain) for item in node.items])
            case Or():
                return disjunction([self.replaced(item, text, chain) for item in node.items])
            case Not():
                item = self.replaced(node.item, text, chain)
                if isinstance(item, Everything):
                    _refuse("an empty view under 'not', which selects nothing", text, node.column)
                return replace(node, item=item)
            case ViewRef():
                return _moved(self._filter_of(node, text, chain), node.column)
            case _:
                return node

    def _filter_of(self, ref: ViewRef, text: str, chain: tuple[str, ...]) -> Node:
        name = shown(f"@{ref.name}")
        if ref.name in chain:
            _refuse(f"the view {name} inside itself", text, ref.column)
        if ref.name not in self.views:
            near = [f"@{other}" for other in near_misses(ref.name, self.views)]
            hint = f"Did you mean {listed(near)}?" if near else None
            _refuse(f"the view {name}, which is not known", text, ref.column, hint)
        self.count += 1
        if self.count > MAX_FILTER_TERMS or len(chain) == _MAX_CHAIN:
            too_complex("found too many views inside views.", text=text, column=ref.column)
        own = self.views[ref.name]
        try:
            node = parse(own)
        except FilterError as exc:
            raise FilterError(
                f"in the view {name}: {exc.message}",
                text=own,
                column=exc.column,
                code=exc.code,
                hint=exc.hint,
            ) from None
        return self.replaced(node, own, (*chain, ref.name))


def _refuse(found: str, text: str, column: int, hint: str | None = None) -> NoReturn:
    raise FilterError(
        f"found {found}; expected the name of a saved view.",
        text=text,
        column=column,
        code="unknown_view",
        hint=hint,
    )


def _moved(node: Node, column: int) -> Node:
    """`node` with every column set to where its view stands."""
    match node:
        case And() | Or():
            items = tuple(_moved(item, column) for item in node.items)
            return replace(node, items=items, column=column)
        case Not():
            return replace(node, item=_moved(node.item, column), column=column)
        case Comparison():
            return replace(node, value=replace(node.value, column=column), column=column)
        case In():
            values = tuple(replace(value, column=column) for value in node.values)
            return replace(node, values=values, column=column)
        case _:
            return replace(node, column=column)
