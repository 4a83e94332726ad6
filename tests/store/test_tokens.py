"""Tokens: what is the same gets the same one, what differs does not."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execmeta.store.tokens import (
    EMPTY,
    MAX_NODES,
    SEVERAL,
    Part,
    day_token,
    day_tokens,
    entry_of,
    has_token,
    id_token,
    part_of_document,
    part_of_fields,
    part_of_item,
    several_token,
    tail_token,
    value_token,
)

NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=8)


def words(part: Part) -> set[str]:
    return set(part.tokens.split())


@given(SCALARS, SCALARS)
def test_values_share_a_token_when_they_are_equal_and_of_one_type(one: Any, other: Any) -> None:
    number = {int: "n", float: "n"}
    same_type = number.get(type(one), type(one)) == number.get(type(other), type(other))

    assert (value_token("m", "k", one) == value_token("m", "k", other)) == (
        same_type and one == other
    )


@pytest.mark.parametrize(
    ("one", "other"), [(5, 5.0), (0, -0.0), (2**53, float(2**53)), (10**22, 1e22)]
)
def test_a_number_has_one_token_however_it_is_stored(one: int, other: float) -> None:
    assert value_token("m", "k", one) == value_token("m", "k", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (0, False), ("5", 5), ("true", True), ("", None), (2**63 - 1, float(2**63))],
)
def test_what_differs_has_another_token(one: Any, other: Any) -> None:
    assert value_token("m", "k", one) != value_token("m", "k", other)


def test_a_space_and_a_path_are_part_of_the_token() -> None:
    tokens = {value_token(letter, path, "x") for letter in "maif" for path in ("k", "l", "k.l")}

    assert len(tokens) == 12


@given(SCALARS)
def test_a_tokens_id_is_the_entrys(value: Any) -> None:
    assert id_token(entry_of("m", "k", value).id) == value_token("m", "k", value)


@given(st.text(max_size=5), SCALARS)
def test_tokens_are_words_of_lower_case_letters_and_digits(path: str, value: Any) -> None:
    for token in (value_token("m", path, value), has_token("m", path)):
        assert token.isascii()
        assert token.isalnum()
        assert token == token.lower()


@pytest.mark.parametrize(
    "document",
    [{"a.b.c": 1}, {"a": {"b.c": 1}}, {"a.b": {"c": 1}}, {"a": {"b": {"c": 1}}}],
)
def test_every_way_to_write_a_path_gives_one_token(document: dict[str, Any]) -> None:
    assert {has_token("m", "a.b.c"), value_token("m", "a.b.c", 1)} <= words(
        part_of_document("m", document)
    )


def test_each_part_of_a_path_is_present() -> None:
    part = part_of_document("m", {"a": {"b": {"c": None}}})

    assert {has_token("m", path) for path in ("a", "a.b", "a.b.c")} <= words(part)
    assert part.keys == ("m:a", "m:a.b", "m:a.b.c")


def test_elements_of_arrays_are_values_of_the_arrays_path() -> None:
    part = part_of_document("m", {"k": ["x", [2, None], {"l": True}]})

    assert words(part) == {
        *(has_token("m", "k"), has_token("m", "k.l"), several_token("m", "k")),
        *(value_token("m", "k", "x"), value_token("m", "k", 2), value_token("m", "k.l", True)),
    }


def test_an_empty_container_is_present_without_a_value() -> None:
    for value in ({}, []):
        part = part_of_document("m", {"k": value})
        assert words(part) == {has_token("m", "k"), several_token("m", "k")}


def test_a_path_with_two_values_says_so() -> None:
    part = part_of_document("m", {"a.b": 1, "a": {"b": 2}})

    assert several_token("m", "a.b") in words(part)
    assert several_token("m", "c") not in words(part_of_document("m", {"c": 1}))


def test_the_item_stands_at_the_empty_path() -> None:
    assert words(part_of_item("x")) == {has_token("i", ""), value_token("i", "", "x")}
    assert value_token("i", "k", 1) in words(part_of_item({"k": 1}))
    assert value_token("i", "", 1) not in words(part_of_item({"": 1}))
    assert part_of_item(None) == EMPTY


def test_fields_have_values_and_no_presence() -> None:
    part = part_of_fields("test", "a", "failed")

    assert words(part) == {
        value_token("f", name, value)
        for name, value in (("kind", "test"), ("name", "a"), ("status", "failed"))
    }


@pytest.mark.parametrize(("nodes", "overflow"), [(MAX_NODES, False), (MAX_NODES + 1, True)])
def test_a_document_with_too_many_nodes_says_so(nodes: int, overflow: bool) -> None:
    part = part_of_document("m", {f"k{number:03d}": number for number in range(nodes)})

    assert part.overflow is overflow
    assert len(part.entries) == MAX_NODES
    assert len(words(part)) == 2 * MAX_NODES


def test_a_deep_document_does_not_end_the_process() -> None:
    deep: Any = 1
    for _ in range(600):
        deep = [deep]

    assert part_of_document("m", {"k": deep}).overflow


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("prod", ("s", "prod", None)),
        ("5", ("s", "5", 5.0)),
        ("-1e3", ("s", "-1e3", -1000.0)),
        ("1" * 400, ("s", "1" * 400, math.inf)),
        ("x" * 1001, ("s", None, None)),
        (5.0, ("n", "5", 5.0)),
        (2**63 - 1, ("n", "9223372036854775807", 2.0**63)),
        (True, ("b", "true", None)),
        (None, ("z", None, None)),
    ],
)
def test_a_dictionary_entry_holds_what_glob_and_range_need(
    value: Any, expected: tuple[str, str | None, float | None]
) -> None:
    entry = entry_of("m", "k", value)

    assert (entry.vtype, entry.text, entry.number) == expected
    assert entry.storable is (value != "x" * 1001)


def test_an_entry_of_several_values_is_storable() -> None:
    entry, _ = part_of_document("m", {"k": ["x"]}).entries

    assert (entry.vtype, entry.text, entry.storable) == (SEVERAL, None, True)


def test_a_lone_surrogate_has_a_token_of_its_own() -> None:
    assert value_token("m", "k", "\ud800") != value_token("m", "k", "\ud801")


def test_days_are_those_of_utc() -> None:
    day = 86_400_000_000

    assert day_token(day - 1) != day_token(day)
    assert list(day_tokens(day - 1, 2 * day)) == [day_token(d * day) for d in range(3)]


def test_any_ending_of_six_digits_finds_the_id() -> None:
    whole = "0190a5d0-7c1e-7abc-8def-0123456789ab"

    assert {tail_token(whole[-length:]) for length in (6, 8, 12, 36)} == {"t6789ab"}
