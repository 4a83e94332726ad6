"""`-m` and `--has-metadata` always mean the metadata key, and take the whole rest as value."""

from __future__ import annotations

import pytest

from execmeta.errors import FilterError
from execmeta.filters.nodes import (
    Comparison,
    ContainsJson,
    Everything,
    Has,
    Operator,
    Value,
)
from execmeta.filters.pairs import from_pairs, parse_key, parse_pair
from execmeta.filters.printer import to_text


@pytest.mark.parametrize(
    ("pair", "name", "op", "value"),
    [
        ("env=prod", "meta.env", "=", Value("prod")),
        ("env!=prod", "meta.env", "!=", Value("prod")),
        ("priority>=5", "meta.priority", ">=", Value("5")),
        ("priority<=5", "meta.priority", "<=", Value("5")),
        ("priority>5", "meta.priority", ">", Value("5")),
        ("priority<5", "meta.priority", "<", Value("5")),
        ("project~=ml-*", "meta.project", "~=", Value("ml-*")),
        ("project!~=ml-*", "meta.project", "!~=", Value("ml-*")),
        ("expr=a=b", "meta.expr", "=", Value("a=b", quoted=True)),
        ("expr==b", "meta.expr", "=", Value("=b", quoted=True)),
        ("note=two words", "meta.note", "=", Value("two words", quoted=True)),
        ("note='x'", "meta.note", "=", Value("'x'", quoted=True)),
        ("note=and", "meta.note", "=", Value("and")),
        ("note=", "meta.note", "=", Value("", quoted=True)),
        ("note= x", "meta.note", "=", Value(" x", quoted=True)),
        ("note=a\nb", "meta.note", "=", Value("a\nb", quoted=True)),
        ("kind=x", "meta.kind", "=", Value("x")),
        ("in=x", "meta.in", "=", Value("x")),
        ("1st=x", "meta.1st", "=", Value("x")),
        ("meta.x=1", "meta.meta.x", "=", Value("1")),
        ("cafe\u0301=1", "meta.caf\u00e9", "=", Value("1")),
        ("team/env:a@b-c=1", "meta.team/env:a@b-c", "=", Value("1")),
    ],
)
def test_a_pair(pair: str, name: str, op: Operator, value: Value) -> None:
    assert parse_pair(pair) == Comparison(name, op, value)


def test_a_json_object_is_what_metadata_contains() -> None:
    assert parse_pair(' {"b": 1, "a": [2]}') == ContainsJson("meta", '{"a":[2],"b":1}')


def test_pairs_and_keys_are_anded_and_none_selects_all() -> None:
    assert to_text(from_pairs(["a=1", "b~=x*"], ["c"])) == "meta.a=1 and meta.b~=x* and has(meta.c)"
    assert from_pairs([], []) == Everything()
    assert parse_key("in") == Has("meta.in")


@pytest.mark.parametrize(
    ("pair", "column", "message", "hint"),
    [
        ("env", 4, "found 'env'; expected key=value", "--has-metadata"),
        ("", 1, "expected key=value", "--has-metadata"),
        ("env:prod", 9, "expected key=value", "Write env=prod"),
        ("=prod", 1, "found no key in '=prod'", None),
        ("a b=1", 2, "found ' ' in 'a b=1'", None),
        ("priority >= 5", 9, "found ' '", "Write priority without spaces"),
        ("a..b=1", 3, "found '.'", None),
        ("k:=5", 2, "found ':'", None),
        ("k=null", 3, "found 'null'; expected a value", "meta.k is null"),
        ("k>=", 4, "found ''; expected a value after '>='", None),
        ("k=a\0b", 4, "found U+0000", None),
        ("k=\udcff", 3, "found U+DCFF", None),
        ("{", 1, "Expected JSON", None),
        ("{} x", 1, "Expected JSON", None),
        ("k=" + "x" * 4095, 4097, "4097 bytes", None),
    ],
)
def test_a_wrong_pair_is_named(pair: str, column: int, message: str, hint: str | None) -> None:
    with pytest.raises(FilterError) as caught:
        parse_pair(pair)

    assert (caught.value.text, caught.value.column) == (pair, column)
    assert message in caught.value.message
    assert (hint or "") in (caught.value.hint or "")


@pytest.mark.parametrize("key", ["", "a b", "a=1", "-a", "a.", "a\0"])
def test_a_wrong_key_is_named(key: str) -> None:
    with pytest.raises(FilterError, match="expected a key") as caught:
        parse_key(key)

    assert caught.value.text == key
