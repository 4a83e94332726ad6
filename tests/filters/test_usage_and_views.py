"""Which names a filter uses, and what `@view` stands for."""

from __future__ import annotations

import pytest

from execmeta.errors import FilterError
from execmeta.filters.binder import bind_query
from execmeta.filters.parser import parse
from execmeta.filters.usage import names, uses_not_equal

VIEWS = {
    "prod": "env=prod or env=live",
    "mine": "@prod owner=me",
    "loop": "a=1 @pool",
    "pool": "@loop",
    "broken": "a==1",
    "all": "",
    "hidden": "tenant=x",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("env=a or (env=b not team~=c)", ["env", "team"]),
        ("status=failed git.sha=x iterator.item.a=1", []),
        ("meta.status=x has(meta.git.sha) owner is null", ["status", "git.sha", "owner"]),
        ("a in (1) metadata=b=2", ["a", "b"]),
        ("""meta contains '{"x":1,"y":2}'""", ["x", "y"]),
        ("""attr contains '{"x":1}'""", []),
    ],
)
def test_names_are_the_metadata_keys_used(text: str, expected: list[str]) -> None:
    assert names(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env=prod", []),
        ("env!=prod", ["env"]),
        ("env!~=p* team not in (a) env!=x", ["env", "team"]),
        ("status!=failed kind!=test started!=today", []),
        ("ended!=today error.type!=E", ["ended", "error.type"]),
        ("not env!=prod", []),
        ("not not env!=prod", ["env"]),
        ("not (a=1 or not b!=2)", ["b"]),
        ("not env=prod", []),
        ("env is not null", []),
    ],
)
def test_names_that_leave_out_executions_without_them(text: str, expected: list[str]) -> None:
    assert uses_not_equal(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("@prod", "env=prod or env=live"),
        ("@prod a=1", "(env=prod or env=live) and a=1"),
        ("not @prod", "not (env=prod or env=live)"),
        ("@prod or a=1", "env=prod or env=live or a=1"),
        ("@mine", "(env=prod or env=live) and owner=me"),
        ("@all", ""),
        ("@all a=1", "a=1"),
        ("@all or a=1", ""),
    ],
)
def test_a_view_stands_for_its_filter(text: str, canonical: str) -> None:
    query = bind_query(text, views=VIEWS)

    assert query.text == canonical
    assert query.filter == bind_query(canonical).filter


@pytest.mark.parametrize(
    ("text", "column", "code", "message"),
    [
        ("a=1 @prdo", 5, "unknown_view", "'@prdo', which is not known"),
        ("@loop", 1, "unknown_view", "inside itself"),
        ("a=1 not @all", 5, "unknown_view", "selects nothing"),
        ("@broken", 2, "filter_syntax", "in the view '@broken': found '=='"),
        ("a=1 @hidden", 5, "tenant_not_filterable", "tenant"),
    ],
)
def test_a_view_that_cannot_be_used_is_named(
    text: str, column: int, code: str, message: str
) -> None:
    with pytest.raises(FilterError, match=message) as caught:
        bind_query(text, views=VIEWS)

    assert caught.value.code == code
    assert caught.value.column == column


def test_a_near_view_is_proposed_and_without_views_all_are_unknown() -> None:
    with pytest.raises(FilterError) as near:
        bind_query("@prdo", views=VIEWS)
    with pytest.raises(FilterError) as none:
        bind_query("@prod")

    assert near.value.hint == "Did you mean @prod?"
    assert (none.value.code, none.value.hint) == ("unknown_view", None)


def test_views_cannot_smuggle_a_filter_over_the_caps() -> None:
    views = {"many": " ".join(["a=1"] * 40)}

    with pytest.raises(FilterError) as caught:
        bind_query("@many or not @many", views=views)

    assert caught.value.code == "filter_too_complex"


def test_views_cannot_grow_without_bound() -> None:
    views = {f"v{level}": f"@v{level + 1} or @v{level + 1} x=1" for level in range(40)}
    views["v40"] = "a=1"

    with pytest.raises(FilterError) as caught:
        bind_query("@v0", views=views)

    assert caught.value.code == "filter_too_complex"
