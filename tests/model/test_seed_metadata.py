"""The 16 cases of the first tagging system, by their names: parse 8, filter 3, validate 5."""

from __future__ import annotations

from typing import Any

import pytest

from execmeta import build_metadata_filter, parse_metadata, validate_metadata
from execmeta.errors import MetadataError
from execmeta.filters.parser import parse
from execmeta.filters.printer import to_text


def test_parse_single_pair() -> None:
    assert parse_metadata(["project=ml"]) == {"project": "ml"}


def test_parse_several_pairs() -> None:
    assert parse_metadata(["project=ml", "env=prod"]) == {"project": "ml", "env": "prod"}


def test_parse_empty_list_gives_an_empty_map() -> None:
    assert parse_metadata([]) == {}


def test_parse_splits_at_the_first_equals_sign() -> None:
    assert parse_metadata(["query=a=b=c"]) == {"query": "a=b=c"}


def test_parse_keeps_spaces_in_the_value() -> None:
    assert parse_metadata(["note= two  words "]) == {"note": " two  words "}


def test_parse_without_an_equals_sign_is_an_error() -> None:
    with pytest.raises(MetadataError, match=r"'project' has no '='. Expected key=value") as caught:
        parse_metadata(["project"])

    assert caught.value.code == "invalid_pair"


def test_parse_with_an_empty_key_is_an_error() -> None:
    with pytest.raises(MetadataError, match="no key in front of its '='") as caught:
        parse_metadata(["=ml"])

    assert caught.value.code == "invalid_pair"


def test_parse_takes_the_last_of_two_equal_keys() -> None:
    assert parse_metadata(["env=dev", "env=prod"]) == {"env": "prod"}


def test_filter_single_pair() -> None:
    assert build_metadata_filter(["env=prod"]) == "meta.env=prod"


def test_filter_several_pairs_are_anded() -> None:
    assert build_metadata_filter({"env": "prod", "project": "ml"}) == (
        "meta.env=prod and meta.project=ml"
    )


@pytest.mark.parametrize("pairs", [[], {}])
def test_filter_of_nothing_is_no_filter(pairs: Any) -> None:
    assert build_metadata_filter(pairs) is None


@pytest.mark.parametrize("key", [1, None, ("a",)])
def test_keys_are_strings(key: Any) -> None:
    with pytest.raises(MetadataError, match="is not text") as caught:
        validate_metadata({key: "x"})

    assert caught.value.code == "invalid_key"


def test_values_from_the_command_line_are_strings() -> None:
    assert parse_metadata(["a=5", "b=true", "c="]) == {"a": "5", "b": "true", "c": ""}


def test_at_most_50_keys() -> None:
    fifty = {f"k{number}": "v" for number in range(50)}

    assert validate_metadata(fifty) == fifty
    with pytest.raises(MetadataError, match=r"has 51 keys\. At most 50") as caught:
        validate_metadata({**fifty, "one_more": "v"})
    assert caught.value.code == "too_many_keys"


def test_a_key_has_at_most_100_characters() -> None:
    assert validate_metadata({"k" * 100: "v"})
    with pytest.raises(MetadataError, match=r"has 101 characters\. A key has 1 to 100") as caught:
        validate_metadata({"k" * 101: "v"})
    assert caught.value.code == "invalid_key"


def test_a_value_has_at_most_1000_characters() -> None:
    assert validate_metadata({"k": "é" * 1000})
    with pytest.raises(MetadataError, match=r"'k' has 1001 characters\. At most 1000") as caught:
        validate_metadata({"k": "v" * 1001})
    assert caught.value.code == "value_too_large"


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        (["status=a b"], 'meta.status="a b"'),
        (["name=x'y\"z"], 'meta.name="x\'y\\"z"'),
        (["in=and"], "meta.in=and"),
        (["1=2"], "meta.1=2"),
        (["a=b=c"], 'meta.a="b=c"'),
        (["a="], 'meta.a=""'),
        (["project~=ml-*", "priority>=5", "x!=y"], None),
        ({"a": "null"}, 'meta.a="null"'),
        ({"a": None}, "meta.a is null"),
        ({"a": True, "b": 1.5}, "meta.a=true and meta.b=1.5"),
        ({"a": "5"}, "meta.a=5"),
        ({"a": [1], "b": {"c": "d"}}, None),
        ({"cafe\u0301": "x"}, "meta.café=x"),
    ],
)
def test_a_built_filter_can_be_read_and_means_the_metadata_key(
    pairs: Any, text: str | None
) -> None:
    built = build_metadata_filter(pairs)

    assert built is not None
    assert to_text(parse(built)) == built
    assert all(term.startswith("meta") for term in built.split(" and "))
    assert text is None or built == text
