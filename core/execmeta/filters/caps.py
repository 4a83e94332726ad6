"""Caps: how large a filter may be, so that nobody can stall a reader with one."""

from __future__ import annotations

from typing import NoReturn

from execmeta.errors import FilterError
from execmeta.filters.nodes import And, In, Node, Not, Or, terms
from execmeta.model.limits import (
    MAX_FILTER_BYTES,
    MAX_FILTER_DEPTH,
    MAX_FILTER_TERMS,
    MAX_IN_MEMBERS,
)


def too_complex(message: str, *, text: str, column: int = 1) -> NoReturn:
    """Raise FilterError with code `filter_too_complex`."""
    raise FilterError(message, text=text, column=column, code="filter_too_complex")


def check_text(text: str) -> None:
    """Refuse a text over 4 KiB before anything reads it."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_FILTER_BYTES:
        too_complex(
            f"found {size} bytes of text; expected at most {MAX_FILTER_BYTES}.",
            text=text,
            column=min(len(text), MAX_FILTER_BYTES + 1),
        )


def check_node(node: Node, text: str) -> None:
    """Refuse more than 64 terms, 1000 members of one `in`, or 16 levels.

    A comparison alone has one level; `not`, `and` and `or` add one each. The node must not be
    nested deeper than Python recurses: the parser bounds that.
    """
    for number, term in enumerate(terms(node), 1):
        if number > MAX_FILTER_TERMS:
            too_complex(
                f"found more than {MAX_FILTER_TERMS} comparisons.", text=text, column=term.column
            )
        if isinstance(term, In) and len(term.values) > MAX_IN_MEMBERS:
            too_complex(
                f"found {len(term.values)} members; expected at most {MAX_IN_MEMBERS}.",
                text=text,
                column=term.values[MAX_IN_MEMBERS].column,
            )
    _check_depth(node, text, 1)


def _check_depth(node: Node, text: str, depth: int) -> None:
    if depth > MAX_FILTER_DEPTH:
        too_complex(
            f"found nesting of more than {MAX_FILTER_DEPTH} levels.", text=text, column=node.column
        )
    if isinstance(node, And | Or):
        for item in node.items:
            _check_depth(item, text, depth + 1)
    elif isinstance(node, Not):
        _check_depth(node.item, text, depth + 1)
