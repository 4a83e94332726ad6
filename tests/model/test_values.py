"""Values: what comes from programs is kept in some form, what people type is checked."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import hashlib
import itertools
import json
import pathlib
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execmeta.errors import MetadataError
from execmeta.model.item import iterator_item
from execmeta.model.values import (
    canonical_json,
    check_value,
    clean_value,
    clip_text,
)


class Hostile:
    """Everything that could be asked of it raises."""

    def _refuse(self, *_: Any) -> Any:
        raise AssertionError("foreign code ran")

    __class__ = property(_refuse)  # type: ignore[assignment]
    __repr__ = __str__ = __iter__ = __len__ = __hash__ = __bool__ = __eq__ = _refuse  # type: ignore
    __getattribute__ = __float__ = __int__ = __index__ = _refuse  # type: ignore


class HostileText(str):
    encode = None  # type: ignore[assignment]

    def __str__(self) -> str:
        raise AssertionError("foreign code ran")

    isascii = __len__ = __str__  # type: ignore[assignment]


class HostileMap(dict[str, Any]):
    def items(self) -> Any:
        raise AssertionError("foreign code ran")

    __iter__ = __len__ = __getitem__ = keys = items


class HostileZone(datetime.tzinfo):
    def utcoffset(self, _: Any) -> Any:
        raise AssertionError("foreign code ran")


class NamelessType(type):
    @property
    def __name__(cls) -> str:
        raise AssertionError("foreign code ran")


class Nameless(metaclass=NamelessType):
    pass


class Colour(enum.Enum):
    RED = "red"
    RGB = (1, 2, 3)


class Level(enum.IntEnum):
    HIGH = 3


class Word(enum.StrEnum):
    YES = "yes"


Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("", ""),
        (None, None),
        (True, True),
        (-0.0, 0.0),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        (-(2**63), -(2**63)),
        (-(2**63) - 1, "-9223372036854775809"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        ("\ud83d\ude00", "\U0001f600"),
        ("/data/\udcff\udcfe.csv", "/data/\\xff\\xfe.csv"),
        ((1, (2, "x")), [1, [2, "x"]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (pathlib.Path("a"), "a"),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (datetime.date(2026, 1, 31), "2026-01-31"),
        (datetime.datetime(2026, 1, 31, 10, tzinfo=datetime.UTC), "2026-01-31T10:00:00+00:00"),
        (Colour.RED, "red"),
        (Colour.RGB, [1, 2, 3]),
        (Level.HIGH, 3),
        (Word.YES, "yes"),
        (Pair(1, 2), [1, 2]),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        ({1: "x", None: "y", False: "z"}, {"1": "x", "null": "y", "false": "z"}),
        ({"cafe\u0301": 1}, {"café": 1}),
    ],
)
def test_a_foreign_value_is_stored_as_what_it_means(value: Any, stored: Any) -> None:
    cleaned = clean_value(value)

    assert canonical_json(cleaned.value) == canonical_json(stored)
    assert type(cleaned.value) is type(stored)
    assert cleaned.flags == frozenset()


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("x\0y", "x\ufffdy"),
        ("\ud800", "\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        (b"raw", "<unserialisable bytes>"),
        (itertools.count(), "<unserialisable count>"),
        ({"a": object()}, {"a": "<unserialisable object>"}),
    ],
)
def test_what_cannot_be_stored_is_replaced_and_flagged(value: Any, stored: Any) -> None:
    assert clean_value(value) == (stored, {"sanitized"})


def test_no_foreign_code_runs() -> None:
    moment = datetime.datetime(2026, 1, 31, tzinfo=HostileZone())

    assert clean_value(Hostile()) == ("<unserialisable Hostile>", {"sanitized"})
    assert clean_value(Nameless()) == ("<unserialisable Nameless>", {"sanitized"})
    assert clean_value([moment]) == (["<unserialisable datetime>"], {"sanitized"})
    assert clean_value({"k": HostileText("plain")}).value == {"k": "plain"}
    assert clean_value(HostileMap(a=1)).value == {"a": 1}


@pytest.mark.parametrize("container", [dict, HostileMap, list])
def test_a_container_in_itself_is_a_cycle(container: type) -> None:
    value = container()
    if isinstance(value, list):
        value.append(value)
    else:
        dict.__setitem__(value, "self", value)

    assert clean_value(value).value in ({"self": "<cycle>"}, ["<cycle>"])


def test_the_same_container_twice_is_no_cycle() -> None:
    shared = [1]

    assert clean_value([shared, shared]).value == [[1], [1]]


def test_what_lies_below_depth_8_becomes_json_text() -> None:
    assert clean_value([[[[[[[[[1]]]]]]]]]).value == [[[[[[[["[1]"]]]]]]]]
    assert clean_value([[[[[[[[1]]]]]]]]).value == [[[[[[[[1]]]]]]]]


def test_bottomless_nesting_and_endless_lists_are_cut() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    assert "truncated" in clean_value(deep).flags
    long = clean_value(list(range(1_000_000)))
    assert isinstance(long.value, list)
    assert long.value[-2:] == [9_999, "[truncated 1000000 members]"]
    wide = clean_value([{str(n): n for n in range(9_000)}] * 2)
    assert "[truncated 9000 members]" in canonical_json(wide.value)


def test_a_long_text_is_cut_and_marked() -> None:
    found = clean_value("x" * 10_485_760)

    assert isinstance(found.value, str)
    assert len(found.value) == 1000
    assert found.value.startswith("xxx")
    assert "[truncated 10485760 chars sha256:" in found.value
    assert found.flags == {"truncated"}
    assert clean_value("x" * 1000).value == "x" * 1000


def test_a_cut_never_leaves_half_a_word() -> None:
    text = "word " * 186 + "ghp_" + "a" * 36 + " more" * 30

    found = clean_value(text).value

    assert isinstance(found, str)
    assert "word [truncated" in found
    assert "ghp" not in found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=20,
)


@given(json_values)
def test_every_clean_value_is_json_and_stays_as_it_is(value: Any) -> None:
    cleaned = clean_value(value)

    text = canonical_json(cleaned.value)
    assert json.loads(text.encode()) == cleaned.value
    assert clean_value(cleaned.value) == (cleaned.value, frozenset())


@given(json_values)
def test_what_the_strict_rule_accepts_both_rules_store_alike(value: Any) -> None:
    try:
        checked = check_value("k", value)
    except MetadataError:
        return

    assert checked == clean_value(value)


@pytest.mark.parametrize(
    ("value", "code", "told"),
    [
        ("x" * 1001, "value_too_large", "1001 characters. At most 1000"),
        (["x" * 1001], "value_too_large", "At most 1000"),
        (2**63, "number_out_of_range", "beyond 64 bit"),
        (float("nan"), "invalid_value", "not a finite number"),
        ([[[[[[[[[1]]]]]]]]], "too_deep", "deeper than 8"),
        (pathlib.Path("x"), "invalid_value", "of type PosixPath. Expected text, a number"),
        ((1, 2), "invalid_value", "of type tuple"),
        ({1: 2}, "invalid_value", "a key that is no text"),
        ({"é": 1, "e\u0301": 2}, "duplicate_key", "same key twice"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_the_rule(value: Any, code: str, told: str) -> None:
    with pytest.raises(MetadataError, match=told) as caught:
        check_value("my.key", value)

    assert caught.value.code == code
    assert "'my.key'" in caught.value.message


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(MetadataError) as caught:
        check_value("k", "hunter2" * 1000)

    assert "hunter2" not in str(caught.value)


def test_a_byte_that_no_store_holds_is_replaced_by_the_strict_rule_too() -> None:
    assert check_value("k", {"a": "x\0y"}) == ({"a": "x\ufffdy"}, {"sanitized"})


def test_canonical_json_is_the_same_for_equal_values() -> None:
    assert canonical_json({"b": [1, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,null]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udc00": 1}])
def test_canonical_json_never_gives_what_others_cannot_read(value: Any) -> None:
    with pytest.raises(ValueError, match=r"surrogate|JSON"):
        canonical_json(value)


@given(st.text(), st.integers(3, 40))
def test_clipped_text_fits_and_is_a_beginning(text: str, most: int) -> None:
    clipped = clip_text(text, most)

    assert len(clipped.encode()) <= most
    assert clipped == text or (clipped.endswith("…") and text.startswith(clipped[:-1]))


def test_an_item_is_whole_up_to_4_kib() -> None:
    text = "x" * 4094

    assert iterator_item(text) == (text, frozenset())
    assert iterator_item({"user": {"id": 7}}).value == {"user": {"id": 7}}


def test_a_larger_item_is_digest_size_and_preview() -> None:
    text = "x" * 4095

    item = iterator_item(text)

    digest = hashlib.sha256(f'"{text}"'.encode()).hexdigest()
    assert item.value == {"digest": f"sha256:{digest}", "size": 4097, "preview": "x" * 200}
    assert item.flags == {"truncated"}


def test_an_item_is_redacted_before_it_is_digested() -> None:
    seen: list[Any] = []

    def scrub(value: Any) -> Any:
        seen.append(value)
        return {"password": "gone", "text": value["text"]}

    secret, plain = ({"password": word, "text": "x" * 5000} for word in ("hunter2", "hunter3"))

    assert iterator_item(secret, scrub=scrub) == iterator_item(plain, scrub=scrub)
    assert seen == [secret, plain]
