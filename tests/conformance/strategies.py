"""Strategies: filters that use every production of the grammar, and executions to ask.

`filters()` draws nodes that bind without error; `spelling` writes them. `events()` draws what a
store applies, `executions()` the same as readers see it.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from execmeta.filters.nodes import (
    OPERATORS,
    Comparison,
    ContainsJson,
    Everything,
    Has,
    In,
    IsNull,
    Node,
    Not,
    Value,
    ViewRef,
    conjunction,
    disjunction,
)
from execmeta.model.event import STARTED, Event
from execmeta.model.execution import STATUSES, Execution
from execmeta.model.fold import fold
from execmeta.model.ids import ExecutionId

NOW_US: Final = 1_770_724_800_000_000  # 2026-02-10T12:00:00Z
VIEWS: Final = {"prod": "env=prod", "busy": "status=running or not has(k)", "deep": "@prod k!=5"}
IDS: Final = tuple(
    ExecutionId(f"019c2{number:03x}-0000-7000-8000-0000c0de{number:04x}") for number in range(12)
)
"""Every execution has one of these ids, by its place in the list; each list is a forest."""

KEYS: Final = ("k", "env", "a.b", "b", "caf\u00e9", "in", "1st", "name", "git.sha")
"""Metadata keys: plain, dotted, accented, a keyword, a digit first, hidden by a field."""
_BARE_NAMES: Final = ("k", "env", "a.b", "a.b.c", "b", "a", "caf\u00e9", "b.c", "missing")
_FORCED: Final = ("in", "1st", "name", "git.sha", "k", "a.b", "a.b.c", "missing")
ATTRIBUTES: Final = ("git.sha", "pytest.nodeid", "ci.run", "airflow.map_index")
_TEXT_FIELDS: Final = ("name", "error.type", "error.message", "error.where")
_EXACT_FIELDS: Final = ("kind", "external_id", "trace_id", "span_id")
_NUMBER_FIELDS: Final = ("depth", "attempt", "iterator.index", "iterator.count")
_ITEMS: Final = ("iterator.item", "iterator.item.a", "iterator.item.a.b")

NUMBER_LIKE: Final = ("5", "05", "5.0", "1e3", "-7", "-0", "-0.0", "0", "1000", "0.5", "9e999")
_INTEGERS: Final = (0, 1, 5, -7, 1000, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
_FLOATS: Final = (0.0, -0.0, 0.5, 5.0, 1e3, -7.0, 1e-300, 1e300, 9007199254740992.0)
_TEXTS: Final = ("", "prod", "dev", "PROD", "true", "false", "null", "10m", "2026-01-31", "a*b")
_ODD_TEXTS: Final = (
    "it's",
    'say "hi"',
    "back\\slash",
    "two words",
    "a=b",
    "line\nbreak\ttab",
    "\x1b[31m",
    "\U0001f680",
    "cafe\u0301",
    "and",
    "[x]",
    "a?",
    "\u200b",
)


_SCALARS: Final[st.SearchStrategy[Any]] = st.one_of(
    st.sampled_from((None, True, False)),
    st.sampled_from(_INTEGERS),
    st.sampled_from(_FLOATS),
    st.sampled_from((*NUMBER_LIKE, *map(str, _INTEGERS))),
    st.sampled_from((*_TEXTS, *_ODD_TEXTS)),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
)
"""Null, booleans, numbers at the edges, texts that look like numbers, any text."""

_VALUES: Final[st.SearchStrategy[Any]] = st.one_of(
    _SCALARS,
    st.recursive(
        _SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(("a", "b", "c", "b.c")), inner, max_size=3)
        ),
        max_leaves=4,
    ),
)
"""Scalars, arrays, objects, arrays of both."""


# ---------------------------------------------------------------------------------- executions


_BODIES: Final[st.SearchStrategy[dict[str, Any]]] = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(("session", "test", "task", "command")),
        "name": st.sampled_from(("run", *_TEXTS[1:], *_ODD_TEXTS)),
        "status": st.sampled_from(STATUSES),
        "started": st.sampled_from((0, 1, 30, 3600, 86_400, 864_000)),
        "attempt": st.integers(1, 2),
        "metadata": st.dictionaries(st.sampled_from(KEYS), _VALUES, max_size=5),
        "attributes": st.dictionaries(st.sampled_from(ATTRIBUTES), _VALUES, max_size=2),
    },
    optional={
        "iterator": st.fixed_dictionaries(
            {
                "index": st.integers(0, 5),
                "count": st.sampled_from((None, 1, 5)),
                "item": _VALUES,
            }
        ),
        "error": st.fixed_dictionaries(
            {
                "type": st.just("E"),
                "message": st.sampled_from(_TEXTS),
                "where": st.sampled_from((None, "a.py:1")),
            }
        ),
        "external_id": st.sampled_from(("job-1", "5", "prod")),
        "trace_id": st.sampled_from(("ab" * 16, "12" * 16)),
        "span_id": st.just("cd" * 8),
    },
)
"""Bodies; `started` is still seconds before `NOW_US`."""
_PLACES: Final = st.tuples(st.integers(-3, 5), st.sampled_from((0, 1, 250_000, 3_600_000_000)))
"""Parent (none when below 0 or not before it) and microseconds until the end."""


@st.composite
def events(draw: st.DrawFn, max_size: int = 6) -> list[Event]:
    """`started` events of a forest, parents first; the ids are the first of `IDS`."""
    found: list[Event] = []
    drawn = draw(st.lists(st.tuples(_BODIES, _PLACES), min_size=1, max_size=max_size))
    for number, (body, (parent, until_end)) in enumerate(drawn):
        body["started"] = NOW_US - body["started"] * 1_000_000 - number
        body["owner"] = "host"
        if body["status"] not in ("queued", "running"):
            body["ended"] = body["started"] + until_end
        if 0 <= parent < number:
            above = found[parent]
            body["parent"] = above.execution_id
            body["root"] = above.body.get("root", above.execution_id)
            body["depth"] = above.body.get("depth", 0) + 1
        order = (number + 1, 1, number + 1)
        found.append(Event(STARTED, IDS[number], order, body["started"], body))
    return found


def executions(max_size: int = 6) -> st.SearchStrategy[list[Execution]]:
    """What `events` folds into."""
    return events(max_size).map(
        lambda drawn: [
            row for event in drawn if (row := fold([event]).execution(event.execution_id))
        ]
    )


# ------------------------------------------------------------------------------------- filters


def _is_bare(text: str) -> bool:
    return bool(text) and text.lower() != "null" and not set(text) & set(" \n\t\x1b(),'\"=<>!~")


_LITERALS: Final = st.tuples(
    st.one_of(
        st.sampled_from((*NUMBER_LIKE, *map(str, _INTEGERS))),
        st.sampled_from((*_TEXTS, "10KiB", "1h30m", "a.py:1")),
        st.sampled_from(_ODD_TEXTS),
        st.text(st.characters(exclude_categories=["C", "Z"]), max_size=4),
    ),
    st.booleans(),
).map(lambda drawn: Value(drawn[0], quoted=drawn[1] or not _is_bare(drawn[0])))
"""Literals of any type, quoted or not."""


def _names() -> st.SearchStrategy[str]:
    return st.one_of(
        st.sampled_from(_BARE_NAMES),
        st.sampled_from(_FORCED).map("meta.{}".format),
        st.sampled_from((*ATTRIBUTES, "pytest.nodeid.a")),
        st.sampled_from((*ATTRIBUTES, "k")).map("attr.{}".format),
        st.sampled_from(_ITEMS),
    )


def _patterns() -> st.SearchStrategy[Value]:
    text = st.lists(st.sampled_from(("*", "?", "\\*", "\\?", "\\\\", "\\", "a", "prod", "[x]", "")))
    return text.map("".join).flatmap(
        lambda pattern: st.sampled_from(
            [Value(pattern, True), Value(pattern)] if pattern else [Value(pattern, True)]
        )
    )


def _compared(
    names: st.SearchStrategy[str],
    operators: tuple[str, ...],
    right: st.SearchStrategy[Value],
) -> st.SearchStrategy[Node]:
    """Comparisons and memberships; a glob takes a pattern."""
    plain = [op for op in operators if "~" not in op]
    choices: list[st.SearchStrategy[Node]] = [
        st.builds(Comparison, names, st.sampled_from(plain), right),
        st.builds(In, names, st.lists(right, min_size=1, max_size=3).map(tuple), st.booleans()),
    ]
    if "~=" in operators:
        choices.append(st.builds(Comparison, names, st.sampled_from(("~=", "!~=")), _patterns()))
    return st.one_of(choices)


def _unquoted(*texts: str) -> st.SearchStrategy[Value]:
    return st.sampled_from([Value(text) for text in texts])


_ORDER: Final = ("=", "!=", "<", "<=", ">", ">=")
_TIMES: Final = (
    "now",
    "now-30s",
    "today",
    "today-1d",
    "now+1h",
    "2026-02-10",
    "2026-02-10T11:00",
    "2026-02-10T11:59:30",
    "2026-02-10T12:00:00.000000Z",
    "2026-02-10T13:00+01:00",
)


def terms() -> st.SearchStrategy[Node]:
    """One comparison of each kind, with literals that its name takes."""
    every_name = st.one_of(
        _names(),
        st.sampled_from((*_TEXT_FIELDS, *_EXACT_FIELDS, *_NUMBER_FIELDS, "parent", "ended")),
    )
    documents = st.dictionaries(st.sampled_from(("k", "env", "b", "a.b")), _VALUES, max_size=2)
    return st.one_of(
        _compared(_names(), OPERATORS, _LITERALS),
        _compared(_names(), OPERATORS, _LITERALS),
        _compared(st.sampled_from(_TEXT_FIELDS), OPERATORS, _LITERALS),
        _compared(st.sampled_from(_EXACT_FIELDS), ("=", "!=", "~="), _LITERALS),
        _compared(st.just("status"), ("=", "!=", "~="), _unquoted(*STATUSES)),
        _compared(st.sampled_from(_NUMBER_FIELDS), _ORDER, _unquoted("0", "1", "2.0", "5", "1e0")),
        _compared(st.sampled_from(("started", "ended_at")), _ORDER, _unquoted(*_TIMES)),
        _compared(st.just("duration"), _ORDER, _unquoted("0", "250ms", "1h", "3600", "0.25")),
        _compared(
            st.sampled_from(("id", "parent", "root", "under", "parent_id")),
            ("=", "!="),
            _unquoted(*IDS[:7]),
        ),
        st.builds(Has, every_name),
        st.builds(IsNull, every_name, st.booleans()),
        st.builds(
            ContainsJson,
            st.sampled_from(("meta", "attr")),
            documents.map(
                lambda document: json.dumps(
                    document, sort_keys=True, ensure_ascii=False, separators=(",", ":")
                ).replace("-0.0", "0.0")
            ),
        ),
        st.builds(ViewRef, st.sampled_from(tuple(VIEWS))),
    )


@cache
def filters(max_leaves: int = 8) -> st.SearchStrategy[Node]:
    """Any filter that binds with `VIEWS`, `NOW_US` and full ids, the empty one included."""
    nested = st.recursive(
        terms(),
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(conjunction),
            st.lists(inner, min_size=2, max_size=3).map(disjunction),
        ),
        max_leaves=max_leaves,
    )
    return st.one_of(st.just(Everything()), nested, nested, nested)
