"""Whatever text comes, the answer is a filter or a FilterError, at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execmeta.errors import FilterError
from execmeta.filters.binder import bind_query
from execmeta.filters.pairs import from_pairs
from execmeta.filters.parser import parse
from execmeta.filters.printer import to_text

PIECES = st.sampled_from(
    [
        *("(", ")", ",", "'", '"', "!", "=", "<", ">", "~", "!=", "~=", "!~=", "==", "&&", "\\"),
        *("and", "or", "not", "in", "is", "null", "has", "contains", "meta", "attr", "metadata"),
        *("a", "meta.a", "attr.", "@v", "@", "1", "-", ".", ":", "x:y", "status", "started", "id"),
        *("5", "now-7d", "2026-01-31", "10MB", "failed", "'x'", '"y"', "'{}'", "\\u0041", "*"),
        *(" ", "  ", "\n", "\t", "\0", "\x1b", "\ud800", "\u00a0", "\u0301", "\u200b"),
    ]
)
SOUP = st.lists(PIECES, max_size=30).map("".join) | st.lists(PIECES, max_size=30).map(" ".join)


def check(text: str) -> None:
    try:
        query = bind_query(text, now_us=0)
    except FilterError as error:
        assert error.message and error.text is not None
        assert 1 <= error.column <= len(text) + 1
        assert error.message.isprintable()
    else:
        assert parse(query.text) == parse(text)


@settings(max_examples=1500, deadline=None)
@given(SOUP)
def test_any_mixture_of_tokens(text: str) -> None:
    check(text)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    check(text)


@given(st.binary(max_size=60))
def test_any_bytes(raw: bytes) -> None:
    check(raw.decode("utf-8", "surrogateescape"))
    check(raw.decode("latin-1"))


@settings(max_examples=500, deadline=None)
@given(st.lists(SOUP, max_size=3), st.lists(SOUP, max_size=2))
def test_any_pairs(pairs: list[str], has: list[str]) -> None:
    try:
        node = from_pairs(pairs, has)
    except FilterError as error:
        assert error.text in (*pairs, *has)
        assert 1 <= error.column <= len(error.text) + 1
    else:
        assert parse(to_text(node)) == node


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4096,
        "(" * 2000 + "a=1" + ")" * 2000,
        "not " * 1000 + "a=1",
        "!" * 4095,
        "!(" * 2000,
        "(not " * 800,
        "a=1 or (b=2 and (" * 200,
        "a in (" * 600,
        "has(" * 1000,
        "'" * 4095,
        '"' + "\\" * 4094,
        "a='" + "\\u" * 2000,
        "meta contains '" + "[" * 4000 + "'",
        "meta contains '" + '{"a":' * 800 + "'",
        "meta contains '" + "9" * 4000 + "'",
        "a=" + "9" * 4090,
        "a>" + "9" * 4090,
        "a>" + "9" * 4000 + "w",
        "a>0." + "9" * 4000 + "w",
        "a>" + "9" * 4000 + "TiB",
        "a>" + "1s" * 2000,
        "duration>" + "9" * 4000,
        "duration>-" + "9" * 4000 + "." + "9" * 50 + "w",
        "started>now-" + "9" * 4000 + "w",
        "started>now-" + "9" * 400 + ".5w",
        "started=9999-12-31",
        "started=9999-12-31T23:59:59.9999999-23:59",
        "started=0001-01-01T00:00+23:59",
        "depth=1e999999999",
        "id=" + "0" * 32,
        "id=" + "a" * 4000,
        "a" * 4096,
        "a." * 2047 + "a=1",
        "." * 4000,
        "@" * 4000,
        "x" * 10_000,
        "a=1 " * 10_000,
        "\u0301" * 2000,
        "\ufdfa" * 1300 + "=1",
    ],
    ids=lambda text: f"{text[:12]}x{len(text)}",
)
def test_hostile_shapes(text: str) -> None:
    check(text)
