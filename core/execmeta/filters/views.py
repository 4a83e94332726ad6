"""Views: saved filters that a filter names with `@`, put in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

from execmeta.errors import FilterError
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


def replace_views(
    node: Node, views: Mapping[str, str] | None, text: str, open_: tuple[str, ...] = ()
) -> Node:
    """`node` with every view replaced by its filter, whose columns become the view's own.

    Args:
        node: nodes of a filter.
        views: name to filter text; None where there are no views.
        text: what the columns of `node` count in.
        open_: views that are being replaced further out.

    Raises:
        FilterError: with code `unknown_view`; or as `parse` does, for a view's own text.
    """
    match node:
        case And():
            return conjunction(replace_views(item, views, text, open_) for item in node.items)
        case Or():
            return disjunction(replace_views(item, views, text, open_) for item in node.items)
        case Not():
            item = replace_views(node.item, views, text, open_)
            if isinstance(item, Everything):
                _refuse("an empty view under 'not', which selects nothing", text, node.column)
            return replace(node, item=item)
        case ViewRef():
            return _view(node, views, text, open_)
        case _:
            return node


def _view(ref: ViewRef, views: Mapping[str, str] | None, text: str, open_: tuple[str, ...]) -> Node:
    name = shown(f"@{ref.name}")
    if ref.name in open_:
        _refuse(f"the view {name} inside itself", text, ref.column)
    if views is None or ref.name not in views:
        near = [f"@{other}" for other in near_misses(ref.name, views or ())]
        hint = f"Did you mean {listed(near)}?" if near else None
        _refuse(f"the view {name}, which is not known", text, ref.column, hint)
    filter_text = views[ref.name]
    try:
        node = parse(filter_text)
    except FilterError as exc:
        raise FilterError(
            f"in the view {name}: {exc.message}",
            text=filter_text,
            column=exc.column,
            code=exc.code,
            hint=exc.hint,
        ) from None
    node = replace_views(node, views, filter_text, (*open_, ref.name))
    return _moved(node, ref.column)


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
