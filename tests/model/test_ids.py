"""Ids are strict on the way in and ordered by time inside."""

from __future__ import annotations

import pytest

from execmeta.errors import InvalidIdError
from execmeta.model.ids import (
    id_bytes,
    id_text,
    id_time_us,
    is_time_ordered,
    new_id,
    parse_id,
    tid_of,
)

KNOWN = "0190a5d0-7c1e-7abc-8def-0123456789ab"


@pytest.mark.parametrize("text", [KNOWN, KNOWN.upper(), KNOWN.replace("-", "")])
def test_every_accepted_spelling_gives_the_canonical_id(text: str) -> None:
    assert parse_id(text) == KNOWN


@pytest.mark.parametrize(
    "text",
    [
        "",
        KNOWN + "\n",
        "{" + KNOWN + "}",
        "urn:uuid:" + KNOWN,
        KNOWN.replace("0", "\uff10", 1),
        KNOWN[:-1],
        "0190a5d07c1e-7abc-8def-0123456789ab",
        "0" * 32,
        KNOWN + "\0",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidIdError):
        parse_id(text)


def test_new_ids_sort_by_time_inside_and_outside() -> None:
    ids = [new_id(at) for at in range(1_700_000_000_000_000, 1_700_000_000_000_000 + 9_000, 3)]

    tids = [tid_of(id_bytes(execution_id)) for execution_id in ids]

    assert sorted(ids) == ids
    assert sorted(set(tids)) == tids
    assert all(0 < tid < 2**63 for tid in tids)


def test_an_id_keeps_its_time_to_the_microsecond_fraction() -> None:
    at = 1_700_000_000_123_456

    assert abs(id_time_us(new_id(at)) - at) <= 1


def test_bytes_and_text_are_two_forms_of_one_id() -> None:
    made = new_id()

    assert id_text(id_bytes(made)) == made
    assert is_time_ordered(made)
    assert not is_time_ordered("0190a5d0-7c1e-4abc-8def-0123456789ab")
