"""The line of a segment: golden bytes, and every damage to it is found."""

from __future__ import annotations

import json

import pytest

from execmeta.spool.lines import LineError, json_of, payload_of, to_line

GOLDEN = (
    b'dedaa880 120 {"v":1,"t":"edited","x":"0190a5d0-7c1e-7abc-8def-0123456789ab",'
    b'"o":[117,77,1],"at":1795247669123456,"b":{"set":{"a":1}}}\n'
)


def test_a_line_has_these_bytes_in_every_release() -> None:
    text = GOLDEN.split(b" ", 2)[2].decode().rstrip("\n")

    assert to_line(text) == GOLDEN


def test_a_line_reads_back_as_the_json_it_was_made_of() -> None:
    value = json_of(payload_of(GOLDEN[:-1]))

    assert value["o"] == [117, 77, 1]
    assert value["b"] == {"set": {"a": 1}}


def test_text_beyond_ascii_is_no_line() -> None:
    with pytest.raises(UnicodeEncodeError):
        to_line('{"a":"é"}')


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "wrong_length"),
        (b"561bacaf", "wrong_length"),
        (b'561bacaf 8 {"a":1}', "wrong_length"),
        (b'561bacaf +7 {"a":1}', "wrong_length"),
        (b'561bacaf 07 {"a":1}', "wrong_length"),
        (b'561bacae 7 {"a":1}', "wrong_checksum"),
        (b'561BACAF 7 {"a":1}', "wrong_checksum"),
        (b'0561bacaf 7 {"a":1}', "wrong_checksum"),
        (b'561bacaf  7 {"a":1}', "wrong_length"),
        (b"\x00" * 64, "wrong_length"),
    ],
)
def test_a_damaged_line_is_named(line: bytes, reason: str) -> None:
    with pytest.raises(LineError, match=reason):
        payload_of(line)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "not_json"),
        (b"\xff\xfe", "not_unicode"),
        (b"[NaN]", "not_json"),
        (b"[" * 100_000, "too_deep"),
        (b"[" + b"9" * 5000 + b"]", "not_json"),
        (rb'["\ud800"]', "not_unicode"),
        (rb'{"\udfff": 1}', "not_unicode"),
    ],
)
def test_json_that_no_store_can_hold_is_refused_though_its_checksum_is_right(
    payload: bytes, reason: str
) -> None:
    with pytest.raises(LineError, match=reason):
        json_of(payload)


def test_characters_beyond_the_basic_plane_pass() -> None:
    assert json_of(json.dumps(["😀"]).encode()) == ["😀"]
