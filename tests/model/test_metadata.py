"""Metadata maps: legal keys, limits, the lenient rule, and several sources joined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execmeta.errors import MetadataError
from execmeta.filters.names import fault_in
from execmeta.model.json_text import json_bytes
from execmeta.model.limits import MAX_ATTRIBUTES, MAX_METADATA_BYTES
from execmeta.model.metadata import (
    check_key,
    clean_key,
    clean_metadata,
    fault_in_key,
    merge_sources,
    validate_metadata,
)


@pytest.mark.parametrize(
    "key", ["a", "1", "_x", "build.image.tag", "team/owner", "a:b@c-d", "所属", "café", "k" * 100]
)
def test_a_legal_key_stays_as_it_is(key: str) -> None:
    assert check_key(key) == key
    assert clean_key(key) == (key, "")


def test_a_key_is_stored_in_nfc() -> None:
    assert check_key("cafe\u0301") == "café"
    assert clean_key("cafe\u0301") == ("café", "")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "is empty"),
        ("a b", "has a space at position 2"),
        ("a\nb", r"has the character U\+000A at position 2"),
        ("a\0b", r"U\+0000 at position 2"),
        ("\ud800", r"U\+D800"),
        ("a\u009bm", r"U\+009B"),
        ("../../etc/passwd", "'.' at position 1"),
        ("a..b", "two points at position 2"),
        ("a.", "ends in '.'"),
        ("a:", "ends in ':'"),
        ("-a", "'-' at position 1"),
        ("a=b", "'=' at position 2"),
        ("a[0]", r"'\[' at position 2"),
        ("🚀", "at position 1"),
        ("\u0301a", "at position 1"),
        ("ｔｅａｍ", "NFKC"),
        ("ﬁle", "NFKC"),
        ("k" * 101, "has 101 characters"),
    ],
)
def test_an_illegal_key_is_refused_with_its_fault(key: str, told: str) -> None:
    with pytest.raises(MetadataError, match=told) as caught:
        check_key(key)

    assert caught.value.code == "invalid_key"
    assert "A key has 1 to 100 letters" in caught.value.message
    assert caught.value.message.isprintable()
    assert clean_key(key) == (None, "invalid_key")


@pytest.mark.parametrize("key", ["__proto__", "execmeta.status", "_execmeta_x"])
def test_a_reserved_key_is_refused_unless_nothing_is_reserved(key: str) -> None:
    with pytest.raises(MetadataError, match="is reserved") as caught:
        check_key(key)

    assert caught.value.code == "reserved_key"
    assert clean_key(key) == (None, "reserved_key")
    assert check_key(key, reserved=()) == key


@given(st.text(max_size=8) | st.text("aZ0_.-/:@é", max_size=8))
def test_every_legal_key_can_be_named_in_a_filter(text: str) -> None:
    key, _ = clean_key(text, reserved=())

    if key is not None:
        assert fault_in(key, key=True) is None
        assert fault_in_key(key) is None


def test_two_spellings_of_one_key_are_an_error() -> None:
    with pytest.raises(MetadataError, match="given twice") as caught:
        validate_metadata({"café": 1, "cafe\u0301": 2})

    assert caught.value.code == "duplicate_key"


def test_a_whole_map_has_at_most_65536_bytes() -> None:
    exact: dict[str, Any] = {"k": ["é" * 500] * 65, "z": ""}
    exact["z"] = "x" * (MAX_METADATA_BYTES - json_bytes(exact))

    assert json_bytes(exact) == MAX_METADATA_BYTES
    assert validate_metadata(exact) == exact
    exact["z"] += "x"
    with pytest.raises(MetadataError, match="has 65537 bytes as JSON") as caught:
        validate_metadata(exact)
    assert caught.value.code == "metadata_too_large"


def test_metadata_that_is_no_map_is_an_error() -> None:
    with pytest.raises(MetadataError, match="not a map") as caught:
        validate_metadata(["a=b"])  # type: ignore[arg-type]

    assert caught.value.code == "invalid_metadata"


def test_the_lenient_rule_keeps_what_fits_and_counts_the_rest() -> None:
    given_: dict[Any, Any] = {
        "project": "ml",
        1: "number as key",
        "a b": "space",
        "__proto__": "reserved",
        "café": 1,
        "cafe\u0301": 2,
        "nul": "x\0",
        "long": "y" * 2000,
    }

    found = clean_metadata(given_)

    assert list(found.metadata) == ["project", "café", "nul", "long"]
    assert found.metadata["café"] == 2
    assert found.dropped == {"invalid_key": 2, "reserved_key": 1, "duplicate_key": 1}
    assert found.flags == {"sanitized", "truncated"}


def test_the_first_50_keys_are_kept() -> None:
    found = clean_metadata({f"k{number}": number for number in range(51)})

    assert list(found.metadata) == [f"k{number}" for number in range(50)]
    assert found.dropped == {"too_many_keys": 1}


def test_attributes_have_a_budget_of_their_own() -> None:
    attributes = {f"git.k{number}": number for number in range(65)}

    found = clean_metadata(attributes, reserved=(), max_keys=MAX_ATTRIBUTES)

    assert len(found.metadata) == 64


def test_keys_that_no_longer_fit_into_65536_bytes_are_dropped() -> None:
    found = clean_metadata({f"k{number}": ["é" * 1000] * 5 for number in range(10)} | {"z": 1})

    assert list(found.metadata) == [*(f"k{number}" for number in range(6)), "z"]
    assert found.dropped == {"metadata_too_large": 4}


class Broken(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


@pytest.mark.parametrize(
    ("given_", "kept", "dropped"),
    [
        (None, {}, {}),
        ([("a", 1)], {"a": 1}, {}),
        (5, {}, {"invalid_metadata": 1}),
        (Broken(), {}, {"invalid_metadata": 1}),
    ],
)
def test_the_lenient_rule_never_raises(given_: Any, kept: Any, dropped: Any) -> None:
    found = clean_metadata(given_)

    assert (found.metadata, found.dropped) == (kept, dropped)


def test_the_stronger_source_wins_and_others_are_named() -> None:
    merged = merge_sources(
        [
            ("user", {"env": "prod"}),
            ("env", {"env": "dev", "team": "ml"}),
            ("config", {"team": "web", "owner": "ann"}),
            ("inherited:x", {"owner": "bob", "run": 7}),
        ]
    )

    assert merged.metadata == {"env": "prod", "team": "ml", "owner": "ann", "run": 7}
    assert merged.sources == {"team": "env", "owner": "config", "run": "inherited:x"}
    assert not merged.dropped


def test_over_50_keys_inherited_ones_go_first() -> None:
    user = {f"u{number}": 1 for number in range(30)}
    inherited = {f"i{number}": 1 for number in range(30)}

    merged = merge_sources([("user", user), ("inherited:x", inherited)])

    assert list(merged.metadata) == [*user, *list(inherited)[:20]]
    assert set(merged.sources) == set(list(inherited)[:20])
    assert merged.dropped == {"too_many_keys": 10}


def test_over_65536_bytes_inherited_ones_go_first() -> None:
    user = {f"u{number}": ["x" * 1000] * 8 for number in range(8)}
    inherited = {f"i{number}": ["x" * 1000] * 8 for number in range(8)}

    merged = merge_sources([("user", user), ("inherited:x", inherited)])

    assert list(merged.metadata) == list(user)
    assert merged.sources == {}
    assert merged.dropped == {"metadata_too_large": 8}
