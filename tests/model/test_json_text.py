"""Strict JSON: one meaning or an error, whatever the engine below would say."""

from __future__ import annotations

from typing import Any

import pytest

from execmeta.errors import MetadataError
from execmeta.model.json_text import parse_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null, true, "é"]}', {"a": [1, 2.5, None, True, "é"]}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9007199254740993", 9007199254740993),
        ("0.1000000000000000055511151231257827", 0.1),
        ("1e-400", 0.0),
        ('"[[[[[[[[[[[[[[[[[[[["', "[" * 20),
        ('"\\\\"', "\\"),
        ('["\\"[[[[[[[[[[[[", "]"]', ['"[[[[[[[[[[[[', "]"]),
    ],
)
def test_valid_json_is_read(text: str | bytes, value: Any) -> None:
    assert parse_json(text) == value


def test_minus_zero_has_no_sign() -> None:
    assert str(parse_json("-0.0")) == "0.0"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_json"),
        ("{'a':1}", "invalid_json"),
        ('{"a":1}/*x*/', "invalid_json"),
        ("[1,]", "invalid_json"),
        ("NaN", "invalid_json"),
        ("-Infinity", "invalid_json"),
        ('"a\nb"', "invalid_json"),
        ("]" * 100, "invalid_json"),
        (b"\xff", "invalid_utf8"),
        ("{}".encode("utf-16"), "invalid_utf8"),
        (b'"\xed\xa0\x80"', "invalid_utf8"),
        ('{"a":1,"a":1}', "duplicate_key"),
        ('[{"x":{"a":1,"\\u0061":1}}]', "duplicate_key"),
        ("[" * 100_000 + "]" * 100_000, "too_deep"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "too_deep"),
        ("[" * 11 + "]" * 11, "too_deep"),
        ("[" * 1_000_000, "too_deep"),
        ("1e400", "number_out_of_range"),
        ("-1e131073", "number_out_of_range"),
        ("9223372036854775808", "number_out_of_range"),
        ("1" * 5000, "number_out_of_range"),
    ],
)
def test_everything_else_has_a_code(text: str | bytes, code: str) -> None:
    with pytest.raises(MetadataError) as caught:
        parse_json(text)

    assert caught.value.code == code


def test_where_an_object_is_expected_nothing_else_is_taken() -> None:
    with pytest.raises(MetadataError) as caught:
        parse_json('"x"', expect_object=True)

    assert caught.value.code == "object_expected"


def test_an_error_tells_the_place_and_not_the_text() -> None:
    with pytest.raises(MetadataError, match="Line 2, column 11") as caught:
        parse_json('{"password":\n"hunter2" "x"}')

    assert "hunter2" not in str(caught.value)


def test_depth_is_counted_outside_of_strings_only() -> None:
    assert parse_json('["[", "{\\"[["]', max_depth=1) == ["[", '{"[[']
