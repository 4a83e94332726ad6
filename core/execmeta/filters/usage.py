"""Usage: which names a filter uses, and what a reader should know about it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from execmeta.filters.bound import Path
from execmeta.filters.fields import Catalogue, Field, catalogue
from execmeta.filters.nodes import (
    And,
    Comparison,
    ContainsJson,
    In,
    Node,
    Not,
    Or,
    Term,
    ViewRef,
    terms,
)

_BELOW: frozenset[str] = frozenset({"id", "parent", "root", "under", "depth", "kind"})
"""Fields that ask for executions inside a tree."""
_BELOW_ATTRIBUTES: frozenset[str] = frozenset({"airflow.task_id", "airflow.map_index"})


def paths(term: Term, known: Catalogue) -> Iterator[Path]:
    """Where a term looks; nowhere for a view, which is not replaced yet."""
    if isinstance(term, ContainsJson):
        for key in json.loads(term.document):
            yield Path(term.space, key)
    elif not isinstance(term, ViewRef):
        yield known.resolve(term.name).path


def names(node: Node, fields: tuple[Field, ...] = ()) -> list[str]:
    """Metadata keys that a filter uses, each once, in its order; for near-miss proposals.

    >>> from execmeta.filters.parser import parse
    >>> names(parse("projcet=ml status=failed git.sha=1 or meta.name=x"))
    ['projcet', 'name']
    """
    known = catalogue(fields)
    found = (path for term in terms(node) for path in paths(term, known))
    return list(dict.fromkeys(path.key for path in found if path.space == "meta"))


def uses_not_equal(node: Node, fields: tuple[Field, ...] = ()) -> list[str]:
    """Names whose `!=`, `!~=` or `not in` leaves out executions that do not have them.

    A field that every execution has leaves out none, and under `not` they come back in.

    >>> from execmeta.filters.parser import parse
    >>> uses_not_equal(parse("env!=prod status!=failed not team!=a"))
    ['env']
    """
    known = catalogue(fields)
    left_out = []
    for term, negated in _signed(node, False):
        if isinstance(term, Comparison):
            excludes = term.op in ("!=", "!~=")
        else:
            excludes = isinstance(term, In) and term.negated
        if excludes and not negated and isinstance(term, Comparison | In):
            field = known.resolve(term.name).field
            if field is None or not field.required:
                left_out.append(term.name)
    return list(dict.fromkeys(left_out))


def _signed(node: Node, negated: bool) -> Iterator[tuple[Node, bool]]:
    if isinstance(node, And | Or):
        for item in node.items:
            yield from _signed(item, negated)
    elif isinstance(node, Not):
        yield from _signed(node.item, not negated)
    else:
        yield node, negated


def asks_below(node: Node, known: Catalogue) -> bool:
    """Whether a filter names something that only executions inside a tree have, so that it
    means all executions and not the tops alone (DESIGN §2, scope)."""
    return any(_is_below(path) for term in terms(node) for path in paths(term, known))


def _is_below(path: Path) -> bool:
    match path.space:
        case "item":
            return True
        case "field":
            return path.key in _BELOW or path.key.startswith("iterator.")
        case "attr":
            return path.key in _BELOW_ATTRIBUTES or path.key.startswith("pytest.")
        case _:
            return False
