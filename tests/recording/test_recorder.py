"""What a recorder writes, and what becomes of it in a store."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from execmeta.hooks import hookimpl
from execmeta.hooks.manager import Plugins
from execmeta.model.execution import ErrorInfo, IteratorContext
from execmeta.model.ids import new_id
from execmeta.recording.context import Context
from execmeta.recording.drain import drain
from execmeta.recording.recorder import Recorder
from execmeta.settings import Settings
from execmeta.spool.lines import json_of, payload_of
from execmeta.store.opening import open_store

BEGIN = 1_795_247_669_123_456


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=f"sqlite:///{tmp_path}/store.db", spool=str(tmp_path / "spool"))


@pytest.fixture
def recorder(settings: Settings) -> Iterator[Recorder]:
    recorder = Recorder(settings, plugins=Plugins(entry_points=lambda: []))
    yield recorder
    recorder.close(0)


@pytest.fixture
def events(settings: Settings) -> Callable[[], list[dict[str, Any]]]:
    """A function to all events in the spool, oldest segment first."""

    def events_() -> list[dict[str, Any]]:
        found = []
        for path in sorted(Path(settings.spool or "").glob("*.seg")):
            lines = path.read_bytes().splitlines()
            found += [json_of(payload_of(line)) for line in lines]
        return [event for event in found if event["t"] != "segment"]

    return events_


Events = Callable[[], list[dict[str, Any]]]


def test_nothing_is_opened_before_the_first_event(recorder: Recorder, settings: Settings) -> None:
    assert recorder.close() == (0, 0, None)
    assert not Path(settings.spool or "").exists()


def test_a_life_is_on_disk_when_each_call_returns_and_in_the_store_after_close(
    recorder: Recorder, settings: Settings, events: Events
) -> None:
    context = recorder.start("command", "train", metadata={"project": "ml", "n": 5})
    started = [event["t"] for event in events()]
    recorder.edit(context.id, set={"model": "x"}, unset=["n"], by="alice")
    recorder.finish(context.id, "failed", error=ErrorInfo("ValueError", "bad", "a.py:3"))
    written = [event["t"] for event in events()]
    shipped = recorder.close()

    store = open_store(settings.store)
    execution = store.get(context.id)
    history = store.history(context.id)
    store.close()
    assert (started, written) == (["started"], ["started", "edited", "finished"])
    assert shipped == (3, 0, None)
    assert (execution.status, execution.name) == ("failed", "train")
    assert execution.metadata == {"project": "ml", "model": "x"}
    assert execution.error == ErrorInfo("ValueError", "bad", "a.py:3")
    assert [(change.key, change.by) for change in history] == [("model", "alice"), ("n", "alice")]
    assert list(Path(settings.spool or "").glob("*.seg")) == []


def test_the_bytes_of_a_whole_life_are_these_in_every_release(
    recorder: Recorder, events: Events
) -> None:
    parent = Context(new_id(), new_id(), 1, "session", 5, {"env": "prod"})
    found = recorder.complete(
        "test",
        "tests/test_é.py::test[1]",
        status="failed",
        metadata={"owner": "alice"},
        attributes={"pytest.nodeid": "x"},
        parent=parent,
        iterator=IteratorContext(0, 3, {"a": [1]}),
        external_id="run 7",
        trace_id="0AF7651916CD43DD8448EB211C80319C",
        span_id="b7ad6b7169203331",
        attempt=2,
        started_at=BEGIN,
        ended_at=BEGIN + 1500,
        duration_s=0.0015,
        error=ErrorInfo("AssertionError", "no", None),
        flags=["truncated"],
    )

    [event] = events()
    assert event["x"] == found
    assert list(event) == ["v", "t", "x", "o", "at", "b"]
    assert event["b"] == {
        "kind": "test",
        "name": "tests/test_é.py::test[1]",
        "parent": parent.id,
        "root": parent.root_id,
        "depth": 2,
        "started": BEGIN,
        "status": "failed",
        "ended": BEGIN + 1500,
        "duration": 0.0015,
        "error": {"type": "AssertionError", "message": "no"},
        "attempt": 2,
        "iterator": {"index": 0, "count": 3, "item": {"a": [1]}},
        "external_id": "run 7",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
        "attributes": {"pytest.nodeid": "x"},
        "flags": ["truncated"],
        "metadata": {"owner": "alice", "env": "prod"},
        "sources": {"env": f"inherited:{parent.id}"},
    }


def test_what_was_said_wins_over_what_is_inherited(recorder: Recorder, events: Events) -> None:
    parent = recorder.start("command", "outer", metadata={"env": "prod", "team": "ml"})
    child = recorder.start(
        "function", "inner", parent=parent, metadata={"env": "dev", "n": 1}, sources={"n": "env"}
    )

    body = events()[-1]["b"]
    assert body["metadata"] == {"env": "dev", "n": 1, "team": "ml"}
    assert body["sources"] == {"n": "env", "team": f"inherited:{parent.id}"}
    assert (child.depth, child.root_id, child.metadata) == (1, parent.id, body["metadata"])


def test_fifty_keys_are_kept_and_inherited_ones_go_first(
    recorder: Recorder, events: Events
) -> None:
    parent = recorder.start("command", "outer", metadata={f"p{n}": n for n in range(40)})
    recorder.start("function", "x", parent=parent, metadata={f"o{n}": n for n in range(30)})

    body = events()[-1]["b"]
    assert len(body["metadata"]) == 50
    assert sum(key.startswith("o") for key in body["metadata"]) == 30
    assert body["flags"] == ["truncated"]
    assert recorder.counters.faults["too_many_keys"] == 20


def test_secrets_never_reach_the_disk(recorder: Recorder, settings: Settings) -> None:
    secret = "hunter2-canary"
    context = recorder.start(
        "command",
        f"curl --token={secret}",
        metadata={"password": secret, "url": f"postgresql://u:{secret}@db/x"},
        attributes={"process.api_key": secret},
        iterator=IteratorContext(0, None, {"password": secret}),
    )
    recorder.edit(context.id, set={"db_password": secret}, by="x")
    recorder.finish(context.id, "failed", error=ErrorInfo("E", f"login failed: password={secret}"))

    [segment] = Path(settings.spool or "").glob("*.seg")
    assert secret not in segment.read_text()
    assert segment.read_text().count("redacted") == 7


def test_a_context_from_the_environment_is_cleaned_and_redacted_again(
    recorder: Recorder, events: Events
) -> None:
    forged = {"__proto__": 1, "a b": 2, "password": "hunter2", "fine": "x" * 5000}
    parent = Context(new_id(), new_id(), 0, "command", 0, forged)  # type: ignore[arg-type]

    recorder.start("function", "x", parent=parent)

    body = events()[-1]["b"]
    assert set(body["metadata"]) == {"password", "fine"}
    assert body["metadata"]["password"] == "[redacted:key]"
    assert len(body["metadata"]["fine"]) <= 1000
    assert body["flags"] == ["truncated"]


def test_a_child_is_never_older_than_its_parent_though_its_clock_is_behind(
    recorder: Recorder, events: Events
) -> None:
    ahead = Context(new_id(), new_id(), 0, "command", (BEGIN // 1000 + 3_600_000) << 16)

    recorder.start("function", "x", parent=ahead)

    assert events()[-1]["o"][0] > 0
    assert events()[-1]["o"][0] > ahead.hlc or ahead.hlc >> 16 > BEGIN // 1000 + 86_400_000


def test_a_session_gets_facts_of_its_surroundings_and_its_tests_do_not(
    recorder: Recorder, events: Events
) -> None:
    session = recorder.start("session", "s", attributes={"host.name": "mine"})
    recorder.complete("test", "t", status="success", parent=session, ended_at=BEGIN)

    of_session, of_test = (event["b"].get("attributes", {}) for event in events())
    assert of_session["process.pid"] == os.getpid()
    assert of_session["host.name"] == "mine"
    assert of_test == {}


def test_hosts_own_what_they_say_they_own(recorder: Recorder, events: Events) -> None:
    recorder.start("task", "t", owner="host")

    assert events()[0]["b"]["owner"] == "host"


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": None},
        {"name": "x" * 5000},
        {"name": "nul\0 \ud800"},
        {"kind": 7},
        {"kind": ""},
        {"metadata": 5},
        {"metadata": {"a": object(), 5: 6, "b": float("nan"), "c": 2**70}},
        {"attributes": "text"},
        {"attributes": [("a.b", 1)]},
        {"execution_id": "not-an-id"},
        {"execution_id": 5},
        {"started_at": -1},
        {"started_at": "now"},
        {"started_at": float("nan")},
        {"started_at": float("inf")},
        {"attempt": 0},
        {"attempt": "x"},
        {"trace_id": "xyz"},
        {"span_id": 5},
        {"external_id": "line\nfeed"},
        {"external_id": ""},
        {"iterator": IteratorContext(-1, -1, object())},
        {"iterator": IteratorContext(0, None, ["x" * 9000])},
        {"sources": {"a": "forged", "b": 5}, "metadata": {"a": 1}},
    ],
)
def test_odd_arguments_are_recorded_as_far_as_a_store_can_hold_them(
    recorder: Recorder, settings: Settings, arguments: dict[str, Any]
) -> None:
    context = recorder.start(**{"kind": "function", "name": "odd", **arguments})
    recorder.finish(context.id, "success", duration_s=float("nan"), ended_at=-5)

    shipped = recorder.close()

    store = open_store(settings.store)
    assert store.get(context.id).status == "success"
    store.close()
    assert shipped == (2, 0, None)
    assert recorder.counters.dropped == 0
    assert recorder.counters.quarantined == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda r: r.finish(new_id(), "running"),
        lambda r: r.finish(new_id(), "nonsense"),
        lambda r: r.complete("test", "t", status="passed"),
        lambda r: r.start("x", "y", parent="no context"),
        lambda r: r.finish(new_id(), "failed", error="no error"),
        lambda r: r.complete("x", "y", status=[]),
        lambda r: r.complete("x", "y", status='","x":"', ended_at=5),
    ],
)
def test_nonsense_is_dropped_counted_and_never_raised(
    recorder: Recorder, caplog: pytest.LogCaptureFixture, call: Callable[[Recorder], Any]
) -> None:
    caplog.set_level(logging.WARNING)
    call(recorder)
    call(recorder)

    counters = recorder.counters
    assert (counters.offered, counters.dropped, counters.spooled) == (2, 2, 0)
    assert sum(counters.reasons.values()) == 2
    assert len(caplog.records) == 1


def test_an_edit_with_nothing_legal_in_it_is_no_event(recorder: Recorder) -> None:
    recorder.edit(new_id(), set={"a b": 1}, unset=["__x"])

    assert recorder.counters.offered == 0
    assert recorder.counters.faults == {"invalid_key": 1, "reserved_key": 1}


def test_a_key_that_a_field_hides_is_warned_about_once(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        recorder.start("command", "x", metadata={"status": "new", "git.sha": "x", "project": "y"})

    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "meta.status" in told[0]
    assert "meta.git.sha" in told[1]


def test_a_disabled_recorder_opens_nothing_and_still_gives_contexts(tmp_path: Path) -> None:
    recorder = Recorder(Settings(spool=str(tmp_path / "spool"), disabled=True))

    context = recorder.start("command", "x", metadata={"a": 1})
    recorder.finish(context.id, "success")

    assert context.metadata == {"a": 1}
    assert recorder.close() == (0, 0, None)
    assert not (tmp_path / "spool").exists()


def test_threads_record_at_once_and_nothing_is_lost_or_mixed(
    recorder: Recorder, settings: Settings
) -> None:
    parent = recorder.start("command", "x", metadata={"a": 1})

    def work(number: int) -> None:
        for step in range(200):
            recorder.complete(
                "function", f"{number}-{step}", status="success", parent=parent, ended_at=BEGIN
            )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.finish(parent.id, "success")
    shipped = recorder.close(30)

    store = open_store(settings.store)
    names = {child.name for child in store.children(parent.id)}
    store.close()
    assert len(names) == 1600
    assert (shipped.stored, shipped.left, recorder.counters.dropped) == (1602, 0, 0)


def test_an_execution_that_is_open_at_close_keeps_its_segment_as_a_proof(
    recorder: Recorder, settings: Settings
) -> None:
    context = recorder.start("command", "abandoned")
    shipped = recorder.close()
    store = open_store(settings.store)
    before = store.get(context.id).status

    report = drain(store, Path(settings.spool or ""))

    assert shipped == (1, 0, None)
    assert (before, store.get(context.id).status) == ("running", "lost")
    assert (report.lost, report.taken) == (1, 1)
    store.close()


def test_a_closed_recorder_goes_on_in_a_new_segment(recorder: Recorder, settings: Settings) -> None:
    first = recorder.start("command", "one")
    recorder.finish(first.id, "success")
    recorder.close()
    second = recorder.start("command", "two")
    recorder.finish(second.id, "success")

    assert recorder.close() == (4, 0, None)
    store = open_store(settings.store)
    assert store.get(second.id).status == "success"
    store.close()


def test_events_meant_for_memory_stay_in_the_spool(tmp_path: Path) -> None:
    recorder = Recorder(Settings(store="memory:", spool=str(tmp_path / "spool")))
    recorder.start("command", "x")

    shipped = recorder.close()

    assert (shipped.stored, shipped.left) == (0, 1)
    assert "memory store" in (shipped.reason or "")
    assert len(list((tmp_path / "spool").glob("*.seg"))) == 1


def test_recording_and_shipping_import_nothing_heavy(settings: Settings) -> None:
    program = f"""
import sys
from execmeta.recording.recorder import Recorder
from execmeta.settings import Settings
recorder = Recorder(Settings(store={settings.store!r}, spool={settings.spool!r}))
context = recorder.start("command", "x", metadata={{"a": 1}})
recorder.finish(context.id, "success")
assert recorder.close(30) == (2, 0, None)
heavy = {{"sqlalchemy", "alembic", "click", "rich", "pluggy"}}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


class Listener:
    """A plug-in that adds, redacts, listens, and raises on demand."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.failing = False

    @hookimpl
    def execmeta_before_start(self, draft: Any) -> dict[str, Any] | None:
        """Two keys, one of which is the user's."""
        if self.failing:
            raise RuntimeError("broken plug-in")
        draft.attributes["wheel.flavour"] = "sweet"
        draft.metadata["ignored"] = True
        return {"team": "core", "env": "plugin"}

    @hookimpl
    def execmeta_redact(self, key: str, value: Any) -> Any:
        """Customers are nobody's business."""
        return "[redacted:customer]" if key == "customer" else None

    @hookimpl
    def execmeta_after_start(self, execution: Any) -> None:
        """Listen."""
        self.heard.append(("start", execution.name, execution.status))

    @hookimpl
    def execmeta_metadata_changed(self, execution: Any, change: Any) -> None:
        """Listen."""
        self.heard.append(("change", execution.name, change.key, change.new, change.has_new))

    @hookimpl
    def execmeta_after_finish(self, execution: Any) -> None:
        """Listen."""
        self.heard.append(("finish", execution.name, execution.status))


@pytest.fixture
def listened(settings: Settings) -> tuple[Recorder, Listener]:
    listener, plugins = Listener(), Plugins(entry_points=lambda: [])
    plugins.register(listener, "wheel")
    return Recorder(settings, plugins=plugins), listener


def test_plug_ins_add_metadata_and_attributes_below_what_was_said(
    listened: tuple[Recorder, Listener], events: Events
) -> None:
    recorder, _ = listened
    recorder.start("command", "x", metadata={"env": "prod", "customer": "ACME"})

    body = events()[0]["b"]
    assert body["metadata"] == {"env": "prod", "customer": "[redacted:customer]", "team": "core"}
    assert body["sources"] == {"team": "adapter"}
    assert body["attributes"]["wheel.flavour"] == "sweet"
    recorder.close(0)


def test_plug_ins_hear_of_starts_changes_and_ends(
    listened: tuple[Recorder, Listener],
) -> None:
    recorder, listener = listened
    context = recorder.start("command", "x")
    recorder.edit(context.id, set={"a": 1}, unset=["b"])
    recorder.finish(context.id, "success")
    recorder.complete("test", "t", status="failed", parent=context, ended_at=BEGIN)

    assert listener.heard == [
        ("start", "x", "running"),
        ("change", "x", "a", 1, True),
        ("change", "x", "b", None, False),
        ("finish", "x", "success"),
        ("finish", "t", "failed"),
    ]
    recorder.close(0)


def test_a_plug_in_that_raises_costs_its_own_part_only(
    listened: tuple[Recorder, Listener], events: Events
) -> None:
    recorder, listener = listened
    listener.failing = True
    recorder.start("command", "x", metadata={"a": 1})

    assert events()[0]["b"]["metadata"] == {"a": 1}
    assert recorder.counters.dropped == 0
    recorder.close(0)


def test_the_spool_of_a_recorder_is_plain_json_lines(
    recorder: Recorder, settings: Settings
) -> None:
    recorder.start("command", "é \U0001f600", metadata={"a": "日本"})

    [segment] = Path(settings.spool or "").glob("*.seg")
    for line in segment.read_bytes().splitlines():
        assert line.isascii()
        json.loads(line.split(b" ", 2)[2])
