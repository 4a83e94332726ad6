"""Binder: names to paths, literals to types, places to ids; text to a Query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from execmeta.filters.bound import BoundFilter, Constant, all_of, any_of, negation
from execmeta.filters.caps import check_node, too_complex
from execmeta.filters.fields import Field, catalogue
from execmeta.filters.nodes import And, Everything, Node, Not, Or, conjunction, terms
from execmeta.filters.pairs import parse_key, parse_pair
from execmeta.filters.parser import parse
from execmeta.filters.printer import to_text
from execmeta.filters.query import Query, Scope, Sort
from execmeta.filters.terms import Resolver, Surroundings, bind_term
from execmeta.filters.usage import asks_below
from execmeta.filters.views import replace_views
from execmeta.model.clock import wall_us
from execmeta.model.limits import DEFAULT_LIMIT, MAX_FILTER_TERMS


def bind(
    node: Node,
    *,
    text: str = "",
    now_us: int,
    resolver: Resolver | None = None,
    views: Mapping[str, str] | None = None,
    fields: Sequence[Field] = (),
) -> BoundFilter:
    """The bound form of a filter's nodes.

    Args:
        node: what `parse` gave.
        text: the text that its columns count in, for errors.
        now_us: what `now` is, microseconds since 1970 UTC.
        resolver: `Store.resolve`; without it `id=` and its like take full ids only. It is asked
            about endings, never about full ids.
        views: name to filter text.
        fields: filter fields of plug-ins.

    Raises:
        FilterError: a literal that does not fit its field (`invalid_value`), `tenant`
            (`tenant_not_filterable`), an unknown view (`unknown_view`), an ending that several
            ids have (`ambiguous_reference`), or over a cap (`filter_too_complex`).

    >>> from execmeta.filters.parser import parse
    >>> bind(parse("env=prod"), now_us=0)
    OneOf(path=Path(space='meta', key='env'), \
literals=(Exact(text='prod', number=None, boolean=None),))
    """
    whole = replace_views(node, views, text)
    check_node(whole, text)
    return _bound(whole, Surroundings(text, now_us, resolver, catalogue(tuple(fields))))


def bind_query(
    text: str = "",
    *,
    pairs: Sequence[str] = (),
    has: Sequence[str] = (),
    scope: Scope | Literal["auto"] = "auto",
    default_scope: Scope = "all",
    sort: Sort = "-started",
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    now_us: int | None = None,
    resolver: Resolver | None = None,
    views: Mapping[str, str] | None = None,
    fields: Sequence[Field] = (),
) -> Query:
    """What a store lists for a filter text and pairs, all of them ANDed.

    Args:
        text: a filter, empty for all.
        pairs: `k=v`, `priority>=5`, `project~=ml-*`, always about metadata keys.
        has: metadata keys that must be present.
        scope: `auto` is `all` when the filter names something inside a tree, such as `kind` or
            `parent`, else `default_scope`.
        default_scope: `top` for lists that people read.
        sort: `-started`, newest first, or `started`.
        limit: executions per page, 1 to 1000.
        cursor: `next_cursor` of the page before.
        now_us: what `now` is; the present by default.
        resolver: as for `bind`.
        views: as for `bind`.
        fields: as for `bind`.

    Raises:
        FilterError: its `text` is the filter or the one pair that is wrong.
        QueryError: limit or sort.
    """
    now = wall_us() if now_us is None else now_us
    known = catalogue(tuple(fields))
    parts: list[tuple[Node, str]] = [(parse(text), text)]
    parts += [(parse_pair(pair), pair) for pair in pairs]
    parts += [(parse_key(key), key) for key in has]
    bound: list[BoundFilter] = []
    nodes: list[Node] = []
    for part, source in parts:
        node = replace_views(part, views, source)
        check_node(node, source)
        bound.append(_bound(node, Surroundings(source, now, resolver, known)))
        nodes.append(node)
    whole = conjunction(nodes)
    count = sum(1 for _ in terms(whole))
    if count > MAX_FILTER_TERMS:
        too_complex(
            f"found {count} comparisons in filter and pairs; expected at most {MAX_FILTER_TERMS}.",
            text=text,
        )
    if scope == "auto":
        scope = "all" if asks_below(whole, known) else default_scope
    return Query(
        filter=all_of(bound),
        text=to_text(whole),
        scope=scope,
        sort=sort,
        limit=limit,
        cursor=cursor,
        now_us=now,
    )


def _bound(node: Node, around: Surroundings) -> BoundFilter:
    match node:
        case Everything():
            return Constant(True)
        case And():
            return all_of([_bound(item, around) for item in node.items])
        case Or():
            return any_of([_bound(item, around) for item in node.items])
        case Not():
            return negation(_bound(node.item, around))
        case _:
            return bind_term(node, around)
