"""Binding: what names, literals and places become, and which query a reader gets."""

from __future__ import annotations

from typing import Any

import pytest
from conformance.dataset import NOW_US, UNKNOWN_ID, id_of, resolve, us

from execmeta.errors import FilterError, QueryError
from execmeta.filters.binder import bind, bind_query
from execmeta.filters.bound import (
    All,
    AnyOf,
    BoundFilter,
    Compare,
    Constant,
    Contains,
    Exact,
    Glob,
    Has,
    IsNull,
    Not,
    OneOf,
    Path,
    Place,
)
from execmeta.filters.parser import parse
from execmeta.model.clock import wall_us
from execmeta.model.ids import ExecutionId

UNKNOWN = ExecutionId(UNKNOWN_ID)
ENV = Path("meta", "env")
STARTED = Path("field", "started")
ENDED = Path("field", "ended")
DAY = us("2026-01-31")
NEXT_DAY = us("2026-02-01")


def bound(text: str, **more: Any) -> BoundFilter:
    return bind(parse(text), text=text, now_us=NOW_US, **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Constant(True)),
        ("env=prod", OneOf(ENV, (Exact("prod"),))),
        ("env=5", OneOf(ENV, (Exact("5", 5),))),
        ("env=5.0", OneOf(ENV, (Exact("5.0", 5),))),
        ("env='5'", OneOf(ENV, (Exact("5"),))),
        ("env=true", OneOf(ENV, (Exact("true", None, True),))),
        ("env=2026-01-31", OneOf(ENV, (Exact("2026-01-31"),))),
        ("env in (a, 'a', a, 1)", OneOf(ENV, (Exact("a"), Exact("1", 1)))),
        ("env!=prod", All((Has(ENV), Not(OneOf(ENV, (Exact("prod"),)))))),
        ("env not in (a)", All((Has(ENV), Not(OneOf(ENV, (Exact("a"),)))))),
        ("env!~=p*", All((Has(ENV), Not(Glob(ENV, "p*"))))),
        ("env~=p*", Glob(ENV, "p*")),
        (r"env~=p\*", OneOf(ENV, (Exact("p*"),))),
        ("env~=5", OneOf(ENV, (Exact("5"),))),
        ("env>5", Compare(ENV, ">", 5)),
        ("env>'5'", Compare(ENV, ">", "5")),
        ("env>x", Compare(ENV, ">", "x")),
        ("env<=10KiB", Compare(ENV, "<=", 10_240)),
        ("env<1h30m", Compare(ENV, "<", 5400)),
        ("has(env)", Has(ENV)),
        ("env is null", IsNull(ENV)),
        ("env is not null", Not(IsNull(ENV))),
        ("not not env is null", IsNull(ENV)),
        ("not env is not null", IsNull(ENV)),
        ("meta contains '{\"a\":[1]}'", Contains("meta", {"a": [1]})),
        ("status!=failed", Not(OneOf(Path("field", "status"), (Exact("failed"),)))),
        ("has(status)", Constant(True)),
        ("status is null", Constant(False)),
        ("status is not null", Constant(True)),
        ("env=a and has(kind)", OneOf(ENV, (Exact("a"),))),
        ("env=a or has(kind)", Constant(True)),
        ("env=a and kind is null", Constant(False)),
        ("name=5", OneOf(Path("field", "name"), (Exact("5"),))),
        ("name>=5", Compare(Path("field", "name"), ">=", "5")),
        ("depth=2.0", OneOf(Path("field", "depth"), (Exact(number=2),))),
        ("depth='2'", OneOf(Path("field", "depth"), (Exact(number=2),))),
        ("duration=10m", OneOf(Path("field", "duration"), (Exact(number=600),))),
        ("duration>=0.5", Compare(Path("field", "duration"), ">=", 0.5)),
        ("iterator.item=x", OneOf(Path("item", ""), (Exact("x"),))),
        ("iterator.item.a.b=1", OneOf(Path("item", "a.b"), (Exact("1", 1),))),
        ("iterator.count is null", IsNull(Path("field", "iterator.count"))),
        ("git.sha=x", OneOf(Path("attr", "git.sha"), (Exact("x"),))),
        ("gitx.sha=x", OneOf(Path("meta", "gitx.sha"), (Exact("x"),))),
        ("attr.x=1", OneOf(Path("attr", "x"), (Exact("1", 1),))),
        ("meta.status=x", OneOf(Path("meta", "status"), (Exact("x"),))),
        (
            "started=2026-01-31",
            All((Compare(STARTED, ">=", DAY), Compare(STARTED, "<", NEXT_DAY))),
        ),
        (
            "started!=2026-01-31",
            Not(All((Compare(STARTED, ">=", DAY), Compare(STARTED, "<", NEXT_DAY)))),
        ),
        (
            "ended!=2026-01-31",
            All(
                (
                    Has(ENDED),
                    Not(All((Compare(ENDED, ">=", DAY), Compare(ENDED, "<", NEXT_DAY)))),
                )
            ),
        ),
        ("started<2026-01-31", Compare(STARTED, "<", DAY)),
        ("started<=2026-01-31", Compare(STARTED, "<", NEXT_DAY)),
        ("started>2026-01-31", Compare(STARTED, ">=", NEXT_DAY)),
        ("started_at>=2026-01-31", Compare(STARTED, ">=", DAY)),
        ("started>now-1s", Compare(STARTED, ">=", NOW_US - 999_999)),
        (f"id={UNKNOWN}", Place("id", UNKNOWN)),
        (f"id={UNKNOWN.upper().replace('-', '')}", Place("id", UNKNOWN)),
        (f"root!={UNKNOWN}", Not(Place("root", UNKNOWN))),
        (
            f"parent!={UNKNOWN}",
            All((Has(Path("field", "parent")), Not(Place("parent", UNKNOWN)))),
        ),
        (
            f"under in ({UNKNOWN}, {id_of('web')})",
            AnyOf((Place("under", UNKNOWN), Place("under", id_of("web")))),
        ),
    ],
)
def test_bound_forms(text: str, expected: BoundFilter) -> None:
    assert bound(text) == expected


def test_chains_are_flat_and_not_equal_is_laid_into_them() -> None:
    found = bound("a=1 b!=2 (c=3 (d=4 or (e=5 or f=6)))")

    assert isinstance(found, All)
    assert [type(item) for item in found.items] == [OneOf, Has, Not, OneOf, AnyOf]
    assert isinstance(found.items[-1], AnyOf) and len(found.items[-1].items) == 3


def test_an_ending_is_resolved_and_an_unknown_one_matches_nothing() -> None:
    ending = id_of("web")[-7:]

    assert bound(f"id={ending}", resolver=resolve) == Place("id", id_of("web"))
    assert bound(f"under={ending.upper()}", resolver=resolve) == Place("under", id_of("web"))
    assert bound("parent=fedcba98", resolver=resolve) == Place("parent", None)


def test_a_full_id_is_not_looked_up() -> None:
    def refuse(ref: str) -> Any:
        raise AssertionError(ref)

    assert bound(f"id={UNKNOWN}", resolver=refuse) == Place("id", UNKNOWN)


def test_an_ambiguous_ending_names_its_candidates() -> None:
    with pytest.raises(FilterError) as caught:
        bound("a=1 id=beef01", resolver=resolve)

    assert (caught.value.code, caught.value.column) == ("ambiguous_reference", 8)
    assert id_of("twin1") in str(caught.value.hint) and id_of("twin2") in str(caught.value.hint)


def test_a_query_carries_what_a_store_needs() -> None:
    query = bind_query(
        "env = prod  or b=1",
        pairs=["k=v w", "priority>=5"],
        has=["owner"],
        sort="started",
        limit=7,
        cursor="c",
        now_us=NOW_US,
    )

    assert query.text == (
        '(env=prod or b=1) and meta.k="v w" and meta.priority>=5 and has(meta.owner)'
    )
    assert query.filter == bound(query.text)
    assert (query.sort, query.limit, query.cursor) == ("started", 7, "c")
    assert (query.now_us, query.scope) == (NOW_US, "all")


def test_now_is_the_present_by_default() -> None:
    before = wall_us()

    query = bind_query("started>now-1h")

    assert before <= query.now_us <= wall_us()


@pytest.mark.parametrize(
    "text",
    [
        "kind=test",
        f"id={UNKNOWN}",
        f"a=1 or not parent={UNKNOWN}",
        "parent_id is null",
        f"root={UNKNOWN}",
        f"under={UNKNOWN}",
        "depth>0",
        "has(kind)",
        "iterator.index=1",
        "iterator.item.user=ada",
        "pytest.nodeid~=*",
        "attr.pytest.nodeid=x",
        "airflow.task_id=x",
        "airflow.map_index in (1, 2)",
        """attr contains '{"pytest.nodeid":"x"}'""",
        "@tests",
    ],
)
def test_a_filter_that_asks_inside_a_tree_means_all(text: str) -> None:
    query = bind_query(text, default_scope="top", views={"tests": "kind=test"})

    assert query.scope == "all"


@pytest.mark.parametrize(
    "text", ["", "env=prod", "meta.kind=x", "airflow.dag_id=x", "status=failed", "name=kind"]
)
def test_any_other_filter_has_the_scope_of_its_caller(text: str) -> None:
    assert bind_query(text, default_scope="top").scope == "top"
    assert bind_query(text).scope == "all"


def test_a_scope_that_was_asked_for_holds() -> None:
    assert bind_query("kind=test", scope="top").scope == "top"
    assert bind_query("env=prod", scope="all", default_scope="top").scope == "all"


def test_filter_and_pairs_share_one_budget() -> None:
    with pytest.raises(FilterError) as caught:
        bind_query(" ".join(["a=1"] * 60), pairs=["b=1"] * 5)

    assert caught.value.code == "filter_too_complex"


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_limit_out_of_range_is_refused(limit: int) -> None:
    with pytest.raises(QueryError):
        bind_query(limit=limit)
