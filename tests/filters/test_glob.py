"""Globs: whole texts, literal brackets, escapes, and no text that makes them slow."""

from __future__ import annotations

import fnmatch

import pytest
from conformance.oracle import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from execmeta.filters.glob import glob_matcher, has_wildcard, literal_prefix, pieces

ALPHABET = st.sampled_from(["a", "b", "*", "?", "[", "]", "\\", "\n", "\u00e9"])
PATTERNS = st.lists(ALPHABET, max_size=8).map("".join)
TEXTS = st.lists(st.sampled_from(["a", "b", "[", "]", "\\", "*", "?", "\n", "\u00e9"]), max_size=8)


@settings(max_examples=2000)
@given(PATTERNS, TEXTS.map("".join))
def test_glob_equals_the_table_of_all_pairs(pattern: str, text: str) -> None:
    assert glob_matcher(pattern)(text) == fits(pattern, text)


@settings(max_examples=1000)
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_without_escapes_and_classes_it_is_fnmatch(pattern: str, text: str) -> None:
    assert glob_matcher(pattern)(text) == fnmatch.fnmatchcase(text, pattern)


@given(st.text("ab", max_size=5), PATTERNS)
def test_every_match_begins_with_the_literal_prefix(text: str, pattern: str) -> None:
    if glob_matcher(pattern)(text):
        assert text.startswith(literal_prefix(pattern))


@given(PATTERNS)
def test_a_pattern_without_wildcard_fits_its_prefix_only(pattern: str) -> None:
    if not has_wildcard(pattern):
        assert glob_matcher(pattern)(literal_prefix(pattern))
        assert not glob_matcher(pattern)(literal_prefix(pattern) + "x")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", []),
        ("abc", [("text", "abc")]),
        ("a**b", [("text", "a"), ("*", "*"), ("text", "b")]),
        ("a??", [("text", "a"), ("?", "?"), ("?", "?")]),
        (r"\*\?\\", [("text", "*?\\")]),
        (r"\d[x]", [("text", r"\d[x]")]),
        ("a\\", [("text", "a\\")]),
        (r"\\*", [("text", "\\"), ("*", "*")]),
    ],
)
def test_pieces(pattern: str, expected: list[tuple[str, str]]) -> None:
    assert list(pieces(pattern)) == expected


@pytest.mark.parametrize("length", [257, 10_000])
def test_a_longer_pattern_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="at most 256"):
        glob_matcher("*" * length)


@pytest.mark.parametrize(
    "pattern",
    ["*a" * 128, "*" + "?" * 254 + "b", "*a?" * 85 + "b", "a*" * 127 + "b", "*ab*ba" * 42],
)
def test_no_pattern_backtracks_over_its_stars(pattern: str) -> None:
    # A matcher that backtracks over its stars never comes back from these.
    matches = glob_matcher(pattern)

    assert [matches("a" * length + "c") for length in (10, 1000, 100_000)] == [False] * 3
