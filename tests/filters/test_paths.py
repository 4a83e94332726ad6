"""A dotted name finds every value that its parts lead to."""

from __future__ import annotations

from typing import Any

import pytest
from conformance.oracle import elements, inside
from hypothesis import given
from hypothesis import strategies as st

from execmeta.filters.paths import explode, hits, hits_inside

DOCUMENT: dict[str, Any] = {
    "a.b.c": 1,
    "a.b": {"c": 2},
    "a": {"b.c": 3, "b": {"c": 4}},
    "list": [{"x": 1}, [{"x": 2}], 3, {"x": [4, 5]}],
    "null": None,
    "empty": [],
    "end.": {"x": 1},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b.c", [1, 3, 4, 2]),
        ("a.b", [{"c": 2}, {"c": 4}]),
        ("list", [DOCUMENT["list"]]),
        ("list.x", [1, 2, [4, 5]]),
        ("null", [None]),
        ("null.x", []),
        ("empty", [[]]),
        ("empty.x", []),
        ("missing", []),
        ("a.missing", []),
        ("end..x", [1]),
        ("", []),
    ],
)
def test_hits(path: str, expected: list[Any]) -> None:
    assert hits(DOCUMENT, path) == expected


def test_an_item_may_be_any_json() -> None:
    assert hits_inside({"a": {"b": 1}}, "a.b") == [1]
    assert hits_inside([{"a": 1}, {"a": 2}], "a") == [1, 2]
    assert hits_inside("text", "a") == []
    assert hits_inside("text", "") == ["text"]
    assert hits_inside(["a"], "") == [["a"]]


JSON = st.recursive(
    st.none() | st.integers(0, 3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "a.b", ""]), inner, max_size=3)
    ),
)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "a.b", "a.b.a"]), JSON),
    st.sampled_from(["a", "b", "a.b", "a.a", "a.b.a", "b.a.b", "a..b", "a."]),
)
def test_hits_are_all_ways_that_spell_the_path(document: dict[str, Any], path: str) -> None:
    found, expected = hits(document, path), inside(document, path)

    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert list(explode(found)) == list(elements(found))
