"""Every entry of the corpus of bad input gets its stated answer, or is listed as waiting.

An entry is `{name, where, channel, enc, input, expect, then?, why}`. `rest` is what a person sends
now: it is rejected with the code in `then`. `sdk` is what a program says: it is recorded in some
form, and never raises.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from execmeta.codec import event_from_json
from execmeta.errors import ExecmetaError
from execmeta.filters.binder import bind_query
from execmeta.filters.printer import quoted
from execmeta.filters.query import Query
from execmeta.model.event import Event
from execmeta.model.execution import Execution
from execmeta.model.fold import fold
from execmeta.model.ids import new_id, parse_id
from execmeta.model.json_text import canonical_json, parse_json
from execmeta.model.metadata import check_key, validate_metadata
from execmeta.recording.drain import drain
from execmeta.recording.recorder import Recorder
from execmeta.recording.redaction import Redactor
from execmeta.settings import load_settings
from execmeta.store.base import Store
from execmeta.store.opening import open_store

ENTRIES: dict[str, dict[str, Any]] = {
    entry["name"]: entry
    for entry in json.loads((Path(__file__).parent / "data" / "hostile_inputs.json").read_text())
}
RUN = "0190a5d0-7c1e-7abc-8def-0123456789ab"

WAITING = dict.fromkeys(
    [
        *(name for name, entry in ENTRIES.items() if entry["where"] == "header"),
        *("body-slowloris", "body-batch-10001", "body-batch-one-bad", "body-text-plain"),
        *("body-form", "body-tenant-mismatch", "body-no-timezone", "val-10mb-rest"),
        *("body-otlp-truncated", "body-otlp-zero-trace", "body-otlp-short-span-id"),
        *("id-empty", "id-other-tenant"),
    ],
    "needs the server",
)
"""Entries that no pure function, recorder or command can answer, with the reason."""

STORED: dict[str, Any] = {
    "key-nfd": "café",
    "key-cyrillic-homoglyph": "tеam",
    "val-nul": "x\ufffdy",
    "val-lone-high-surrogate": "\ufffd",
    "val-valid-pair": "\U0001f600",
    "val-surrogateescape-path": "/data/\\xff\\xfe.csv",
    "val-nan-sdk": "NaN",
    "val-inf-sdk": "-Infinity",
    "val-1e-400": 0.0,
    "val-2p53-plus-1": 9007199254740993,
    "val-long-fraction": 0.1,
    "val-nested-secret": {"db": {"password": "[redacted:key]", "host": "h"}},
    "val-depth-9-sdk": [[[[[[[["[1]"]]]]]]]],
    "val-cycle": {"self": "<cycle>"},
    "val-str-subclass": "text",
}
"""What is stored where `then` says it in words. Other entries with `then` are stored as it reads,
entries without it as they were given."""
FLAGS = dict.fromkeys(["val-nul", "val-lone-high-surrogate", "val-cycle"], ("sanitized",))


class Name:
    """An object that must not be asked for anything."""

    def __repr__(self) -> str:
        raise AssertionError("foreign code ran")

    __str__ = __repr__


class Text(str):
    encode = None  # type: ignore[assignment]


def cycle() -> Any:
    found: dict[str, Any] = {}
    found["self"] = found
    return found


MADE: dict[str, Callable[[], Any]] = {
    "key-int-type": lambda: 1,
    "val-nan-sdk": lambda: float("nan"),
    "val-inf-sdk": lambda: float("-inf"),
    "val-cycle": cycle,
    "val-hostile-repr": Name,
    "val-infinite-generator": itertools.count,
    "val-str-subclass": lambda: Text("text"),
}
"""Inputs that the corpus describes in Python."""


def given(name: str) -> Any:
    """The input of an entry, decoded."""
    entry = ENTRIES[name]
    text = entry["input"]
    match entry["enc"]:
        case "text":
            return text
        case "json":
            return parse_json(text, max_depth=20)
        case "repeat":
            return "".join(
                piece[0] * int(piece[1])
                for part in re.findall(r"(?:.*?) \* \d+", text)
                if (piece := part.removeprefix(" + ").rsplit(" * ", 1))
            )
        case "base64":
            return base64.b64decode(text)
        case "base64-fsdecode":
            return os.fsdecode(base64.b64decode(text))
        case "base64-utf8-surrogatepass":
            return base64.b64decode(text).decode("utf-8", "surrogatepass")
        case _:
            return MADE[name]()


def code_of(name: str) -> str:
    return str(ENTRIES[name]["then"]).split()[1]


def names(where: str, *, expect: str, channel: str = "rest") -> list[str]:
    return [
        name
        for name, entry in ENTRIES.items()
        if (entry["where"], entry["expect"], entry["channel"]) == (where, expect, channel)
        and entry["enc"] != "generator"
        and name not in WAITING
        and name not in ANSWERED_ALONE
    ]


ANSWERED_ALONE = {
    *("key-secretish", "val-10mb-sdk", "val-1001-rest", "val-51-keys-rest", "val-51-keys-sdk"),
    *("val-hostile-repr", "val-infinite-generator"),
    *("body-unknown-field", "body-schema-999", "body-self-parent", "body-finish-before-start"),
    *("body-end-before-start", "body-dup-event-same", "body-dup-event-differs"),
    *("spool-zero-page", "spool-foreign-owner"),
    *("flt-limit-huge", "flt-sort-injection", "flt-cursor-tampered", "flt-tenant"),
    *("flt-nfd-value-key", "flt-percent-literal"),
}
"""Entries with a test of their own, named like them."""

KEYS_REJECTED = names("key", expect="reject")
KEYS_ACCEPTED = names("key", expect="accept")
KEYS_DROPPED = names("key", expect="reject", channel="sdk")
VALUES_TYPED = names("value", expect="accept")
VALUES_SAID = names("value", expect="accept", channel="sdk")
BODIES_REJECTED = names("body", expect="reject")
BODIES_ACCEPTED = names("body", expect="accept")
FILTERS_REJECTED = names("filter", expect="reject")
IDS_REJECTED = names("id", expect="reject")
IDS_ACCEPTED = names("id", expect="accept")


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(load_settings().store)
    yield opened
    opened.close()


@pytest.fixture
def record(store: Store) -> Callable[..., Execution]:
    """Records an execution with metadata, as a program does, and reads it back from the store."""

    def recorded(metadata: dict[Any, Any], **options: Any) -> Execution:
        recorder = Recorder(load_settings())
        execution_id = recorder.complete(
            "task", "t", metadata=metadata, status="success", **options
        )
        assert recorder.close(30.0).left == 0
        return store.get(execution_id)

    return recorded


def test_every_entry_is_answered_or_waiting_and_none_is_both() -> None:
    answered = Counter(
        [
            *KEYS_REJECTED,
            *KEYS_ACCEPTED,
            *KEYS_DROPPED,
            *VALUES_TYPED,
            *VALUES_SAID,
            *BODIES_REJECTED,
            *BODIES_ACCEPTED,
            *FILTERS_REJECTED,
            *IDS_REJECTED,
            *IDS_ACCEPTED,
            *ANSWERED_ALONE,
        ]
    )
    own_tests = {name[len("test_") :].replace("_", "-") for name in globals() if "test_" in name}

    assert [name for name, times in answered.items() if times > 1] == []
    assert set(answered) & set(WAITING) == set()
    assert set(answered) | set(WAITING) == set(ENTRIES)
    assert own_tests >= ANSWERED_ALONE
    assert own_tests & set(ENTRIES) == ANSWERED_ALONE


@pytest.mark.parametrize("name", KEYS_REJECTED)
def test_keys_that_are_typed_are_refused(name: str) -> None:
    with pytest.raises(ExecmetaError) as caught:
        validate_metadata({given(name): "x"})

    assert caught.value.code == code_of(name)
    assert caught.value.http_status == 400
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("name", [*KEYS_REJECTED, *KEYS_DROPPED])
def test_keys_that_a_program_says_are_dropped(name: str, record: Callable[..., Execution]) -> None:
    found = record({given(name): "x", "kept": "y"})

    assert found.metadata == {"kept": "y"}


@pytest.mark.parametrize("name", KEYS_ACCEPTED)
def test_keys_that_are_fine(name: str, record: Callable[..., Execution]) -> None:
    stored = STORED.get(name, given(name))

    assert check_key(given(name)) == stored
    assert record({given(name): "x"}).metadata == {stored: "x"}


def expected(name: str) -> Any:
    return STORED.get(name, ENTRIES[name].get("then", given(name)))


@pytest.mark.parametrize("name", VALUES_TYPED)
def test_values_that_are_typed(name: str) -> None:
    found = Redactor().redact_mapping(validate_metadata({"k": given(name)}))

    assert json.dumps(found["k"]) == json.dumps(expected(name))


@pytest.mark.parametrize("name", [*VALUES_TYPED, *VALUES_SAID])
def test_values_in_the_store(name: str, record: Callable[..., Execution]) -> None:
    found = record({"k": given(name)})

    assert canonical_json(found.metadata["k"]) == canonical_json(expected(name))
    assert found.flags == FLAGS.get(name, ())


@pytest.mark.parametrize("name", VALUES_TYPED)
def test_values_are_found_by_what_was_stored(
    name: str, record: Callable[..., Execution], store: Store
) -> None:
    execution = record({"k": given(name)})
    value = execution.metadata["k"]
    if isinstance(value, dict):
        text = f"meta contains {quoted(canonical_json({'k': value}))}"
    else:
        text = f"meta.k={quoted(value) if isinstance(value, str) else json.dumps(value)}"

    page = store.list(bind_query(text))

    assert [found.id for found in page.executions] == [execution.id]


@pytest.mark.parametrize("name", BODIES_REJECTED)
def test_bodies_that_are_refused(name: str) -> None:
    with pytest.raises(ExecmetaError) as caught:
        parse_json(given(name), expect_object=True)

    assert caught.value.code == code_of(name)
    assert caught.value.http_status == 400


@pytest.mark.parametrize("name", BODIES_ACCEPTED)
def test_bodies_that_are_fine(name: str) -> None:
    assert parse_json(given(name), expect_object=True) == {"metadata": {}}


@pytest.mark.parametrize("name", FILTERS_REJECTED)
def test_filters_that_are_refused(name: str) -> None:
    with pytest.raises(ExecmetaError) as caught:
        bind_query(given(name))

    assert caught.value.code == code_of(name)
    assert (caught.value.http_status, caught.value.exit_code) == (400, 2)


@pytest.mark.parametrize("name", IDS_REJECTED)
def test_ids_that_are_refused(name: str) -> None:
    with pytest.raises(ExecmetaError) as caught:
        parse_id(given(name))

    assert caught.value.code == code_of(name)
    assert caught.value.http_status == 400


@pytest.mark.parametrize("name", IDS_ACCEPTED)
def test_ids_that_are_fine(name: str) -> None:
    assert parse_id(given(name)) == RUN


def test_key_secretish(record: Callable[..., Execution]) -> None:
    key = given("key-secretish")

    assert record({key: "hunter2"}).metadata == {key: "[redacted:key]"}


def test_val_1001_rest() -> None:
    with pytest.raises(ExecmetaError) as caught:
        validate_metadata({"k": given("val-1001-rest")})

    assert caught.value.code == code_of("val-1001-rest")


def test_val_10mb_sdk(record: Callable[..., Execution]) -> None:
    found = record({"k": given("val-10mb-sdk")})

    value = found.metadata["k"]
    assert isinstance(value, str)
    assert len(value) == 1000
    assert re.search(r"x\[truncated 10485760 chars sha256:[0-9a-f]{16}\]$", value)
    assert found.flags == ("truncated",)


def test_val_hostile_repr(record: Callable[..., Execution]) -> None:
    assert record({"k": Name()}).metadata == {"k": "<unserialisable Name>"}


def test_val_infinite_generator(record: Callable[..., Execution]) -> None:
    endless = itertools.count()

    assert record({"k": endless}).metadata == {"k": "<unserialisable count>"}
    assert next(endless) == 0


FIFTY_ONE = {f"k{number}": "x" for number in range(51)}


def test_val_51_keys_rest() -> None:
    with pytest.raises(ExecmetaError) as caught:
        validate_metadata(FIFTY_ONE)

    assert caught.value.code == code_of("val-51-keys-rest")


def test_val_51_keys_sdk(record: Callable[..., Execution]) -> None:
    assert record(FIFTY_ONE).metadata.keys() == set(list(FIFTY_ONE)[:50])


def started(order: int, **body: Any) -> Event:
    return Event(
        "started", parse_id(RUN), (order, 1, 1), 1_000, {"kind": "task", "name": "t", **body}
    )


FINISHED = Event("finished", parse_id(RUN), (9, 1, 2), 5_000, {"status": "failed"})


def line(**changes: Any) -> dict[str, Any]:
    body = {"kind": "task", "name": "t", **changes.pop("b", {})}
    return {"v": 1, "t": "started", "x": RUN, "o": [1, 2, 3], "at": 1_000, "b": body, **changes}


def test_body_unknown_field() -> None:
    assert parse_json(given("body-unknown-field"), expect_object=True)["new_in_v2"] == 1

    event = event_from_json(line(new_in_v2=1, b={"new_in_v2": 1}))

    assert fold([event]).execution(event.execution_id) == fold([started(1)]).execution(
        event.execution_id
    )


def test_body_schema_999() -> None:
    with pytest.raises(ExecmetaError) as caught:
        event_from_json(given_object("body-schema-999"))

    assert caught.value.code == code_of("body-schema-999")


def given_object(name: str) -> Any:
    return parse_json(given(name), expect_object=True)


def test_body_self_parent() -> None:
    assert given_object("body-self-parent")["id"] == given_object("body-self-parent")["parent"]

    with pytest.raises(ExecmetaError) as caught:
        event_from_json(line(b={"parent": RUN}))

    assert caught.value.code == code_of("body-self-parent")


def test_body_finish_before_start(store: Store) -> None:
    store.apply([FINISHED])
    assert not store.list(bind_query("")).executions

    store.apply([started(1)])

    assert store.get(parse_id(RUN)) == fold([started(1), FINISHED]).execution(parse_id(RUN))


def test_body_end_before_start(store: Store) -> None:
    execution_id = new_id()
    body = {"kind": "task", "name": "t", "status": "success", "started": 10**15, "ended": 10**14}

    store.apply([Event("started", execution_id, (1, 1, 1), 10**15, body)])

    found = store.get(execution_id)
    assert (found.duration_s, found.flags) == (None, ("clock_skew",))


def test_body_dup_event_same(store: Store) -> None:
    first = store.apply([started(1)])
    second = store.apply([started(1)])

    assert (first.created, second.created, second.changed, second.unchanged) == (1, 0, 0, 1)


def test_body_dup_event_differs(store: Store) -> None:
    events = [started(1, metadata={"k": value}) for value in ("a", "b", "c")]

    winners = {
        str(fold(order).execution(parse_id(RUN))) for order in itertools.permutations(events)
    }
    store.apply(events[1:])
    store.apply(events[:1])

    assert winners == {str(store.get(parse_id(RUN)))}


def test_spool_zero_page(store: Store, tmp_path: Path) -> None:
    recorder = Recorder(load_settings({"spool": str(tmp_path)}))
    recorder.start("task", "t")
    recorder.close(0)
    (segment,) = tmp_path.glob("*.seg*")
    with segment.open("ab") as stream:
        stream.write(given("spool-zero-page"))

    report = drain(store, tmp_path)

    assert report.quarantined == 1
    assert len(store.list(bind_query("")).executions) == 1


def test_spool_foreign_owner(store: Store, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a file of another user")
    recorder = Recorder(load_settings({"spool": str(tmp_path)}))
    recorder.complete("task", "t", status="success")
    recorder.close(0)
    (segment,) = tmp_path.glob("*.seg*")
    os.chown(segment, 12345, 12345)

    report = drain(store, tmp_path)

    assert not store.list(bind_query("")).executions
    assert segment.exists()
    assert report.reasons


def test_flt_limit_huge() -> None:
    with pytest.raises(ExecmetaError) as caught:
        bind_query(limit=int(given("flt-limit-huge").partition("=")[2]))

    assert caught.value.code == code_of("flt-limit-huge")


def test_flt_sort_injection() -> None:
    sort: Any = given("flt-sort-injection").partition("=")[2]

    with pytest.raises(ExecmetaError) as caught:
        bind_query(sort=sort)

    assert caught.value.code == code_of("flt-sort-injection")


def test_flt_cursor_tampered(store: Store) -> None:
    with pytest.raises(ExecmetaError) as caught:
        store.list(Query(cursor=given("flt-cursor-tampered").partition("=")[2]))

    assert caught.value.code == code_of("flt-cursor-tampered")


def test_flt_tenant() -> None:
    with pytest.raises(ExecmetaError) as caught:
        bind_query(given("flt-tenant"))

    assert caught.value.code == code_of("flt-tenant")
    assert caught.value.exit_code == 2


def test_flt_nfd_value_key() -> None:
    assert bind_query(given("flt-nfd-value-key")).filter == bind_query("café=1").filter


def test_flt_percent_literal(record: Callable[..., Execution], store: Store) -> None:
    wanted = record({"note": "100%"})
    record({"note": "100 and more"})

    page = store.list(bind_query(given("flt-percent-literal"), now_us=0))

    assert [found.id for found in page.executions] == [wanted.id]
