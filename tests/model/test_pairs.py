"""Pairs: typed forms of the command line, and variables of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from execmeta.errors import MetadataError
from execmeta.model.pairs import env_metadata, parse_metadata, parse_pair, parse_typed_pairs


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        ("a b=1", "invalid_key"),
        (" a=1", "invalid_key"),
        ("__x=1", "reserved_key"),
        ("a=" + "x" * 1001, "value_too_large"),
        ("\udcff=1", "invalid_key"),
        ("\udcff", "invalid_pair"),
    ],
)
def test_a_pair_keeps_the_rules_of_keys_and_values(pair: str, code: str) -> None:
    with pytest.raises(MetadataError) as caught:
        parse_metadata([pair])

    assert caught.value.code == code
    assert caught.value.message.isprintable()


def test_a_key_is_normalised_and_a_value_cleaned() -> None:
    assert parse_pair("cafe\u0301=\udcff") == ("café", "\\xff")


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("k=5", "5"),
        ("k:=5", 5),
        ("k:=null", None),
        ('k:={"a": [1, "b=c"]}', {"a": [1, "b=c"]}),
        ("k:=true", True),
        ("k=:=", ":="),
        ("k==@x", "=@x"),
    ],
)
def test_typed_pairs_are_text_or_json(pair: str, value: Any) -> None:
    assert parse_typed_pairs([pair]) == {"k": value}


def test_a_typed_pair_reads_a_file(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes("two\nlines é\r\n".encode())

    assert parse_typed_pairs([f"note@={note}"]) == {"note": "two\nlines é"}


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (None, "invalid_pair", "No such file"),
        (b"\xff", "invalid_utf8", "not text in UTF-8"),
        (b"x" * 65_537, "value_too_large", "larger than 65536 bytes"),
        (b"x" * 1001, "value_too_large", "At most 1000"),
    ],
)
def test_a_file_that_cannot_be_a_value_is_named(
    tmp_path: Path, content: bytes | None, code: str, told: str
) -> None:
    file = tmp_path / "value"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(MetadataError, match=told) as caught:
        parse_typed_pairs([f"k@={file}"])

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        ("k:=", "invalid_json"),
        ("k:={'a':1}", "invalid_json"),
        ("k:=" + "[" * 9 + "]" * 9, "too_deep"),
        ("k:=1e400", "number_out_of_range"),
        (":=1", "invalid_key"),
        ("k:", "invalid_pair"),
        ('k:="' + "x" * 1001 + '"', "value_too_large"),
    ],
)
def test_a_wrong_typed_pair_is_named(pair: str, code: str) -> None:
    with pytest.raises(MetadataError) as caught:
        parse_typed_pairs([pair])

    assert caught.value.code == code


def test_variables_give_lower_case_keys_with_text() -> None:
    found = env_metadata(
        {"EXECMETA_META_FOO_BAR": "5", "EXECMETA_METAX": "no", "EXECMETA_META_": "no", "PATH": "/"}
    )

    assert found.metadata == {"foo_bar": "5"}
    assert found.dropped == {"invalid_key": 1}


def test_the_json_variable_gives_exact_keys_and_wins() -> None:
    found = env_metadata(
        {"EXECMETA_META_ENV": "dev", "EXECMETA_META": '{"customerId": 7, "env": "prod"}'}
    )

    assert found.metadata == {"env": "prod", "customerId": 7}


@pytest.mark.parametrize("text", ["{", "[1]", '{"a":1,"a":2}', "[" * 1000, '{"a":1e400}'])
def test_a_json_variable_that_cannot_be_read_is_counted(text: str) -> None:
    found = env_metadata({"EXECMETA_META": text, "EXECMETA_META_ENV": "dev"})

    assert found.metadata == {"env": "dev"}
    assert found.dropped == {"invalid_json": 1}


def test_a_variable_of_the_environment_is_cut_not_refused() -> None:
    found = env_metadata({"EXECMETA_META_NOTE": "x" * 5000})

    assert len(str(found.metadata["note"])) == 1000
    assert found.flags == {"truncated"}
