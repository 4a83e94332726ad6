"""Blocks of bitmaps follow whatever happens to their rows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from execmeta.filters.binder import bind_query
from execmeta.filters.query import Query
from execmeta.filters.targets.predicate import select
from execmeta.model.event import EDITED, FINISHED, STARTED, Event
from execmeta.model.ids import ExecutionId, new_id
from execmeta.store.base import Store
from execmeta.store.memory import MemoryStore
from execmeta.store.opening import open_store
from execmeta.store.sql import sealing
from execmeta.store.sql.reader import Reader

START_US = 1_770_000_000_000_000
FILTERS = (
    "not env=prod",
    "env=prod odd=true",
    "env=prod not odd=true",
    "env=prod odd=true note=x",
    "not (env=prod or odd=true)",
    "status=success env=prod",
    "not status=success",
    "(env=prod odd=true) or note=x",
    "not note=x env=dev",
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 16 rows."""
    monkeypatch.setattr(sealing, "BLOCK_ROWS", 16)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/blocks.db")


def ids(count: int) -> list[ExecutionId]:
    return [new_id(START_US + number * 1_000_000) for number in range(count)]


def start(execution_id: ExecutionId, number: int, **metadata: Any) -> Event:
    body = {"kind": "command", "name": "run", "status": "running", "metadata": metadata}
    return Event(STARTED, execution_id, (1, 1, number), START_US + number * 1_000_000, body)


def edit(execution_id: ExecutionId, stamp: int, **values: Any) -> Event:
    return Event(EDITED, execution_id, (stamp, 2, 1), START_US, {"set": values, "by": "ada"})


def end(execution_id: ExecutionId, stamp: int) -> Event:
    body = {"status": "success"}
    return Event(FINISHED, execution_id, (stamp, 3, 1), START_US + 999_000_000, body)


def tags(rng: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"env": rng.choice(("prod", "dev"))}
    if rng.random() < 0.5:
        found["odd"] = True
    if rng.random() < 0.03:
        found["note"] = "x"
    return found


def assert_same(store: Store, memory: MemoryStore) -> None:
    everyone = memory.list(Query(limit=1000)).executions
    for text in FILTERS:
        query = bind_query(text, scope="all")
        wanted = select(query.filter, everyone)
        page = store.list(Query(query.filter, query.text, limit=1000))
        assert list(page.executions) == wanted, text
        assert store.count(query) == (len(wanted), False)
        oldest = store.list(Query(query.filter, query.text, sort="started", limit=7))
        assert list(oldest.executions) == wanted[::-1][:7]
        assert oldest.total == len(wanted)
    assert store.check().problems == ()


def blocks(path: Path) -> list[int]:
    with Reader(path).snapshot() as connection:
        return [n for (n,) in connection.execute("SELECT n FROM block ORDER BY high")]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("order", ["as they start", "backwards", "shuffled"])
def test_rows_in_any_order_with_ends_and_edits(store: Store, tmp_path: Path, order: str) -> None:
    rng = random.Random(order)
    memory = MemoryStore()
    names = ids(300)
    events = [start(name, number, **tags(rng)) for number, name in enumerate(names)]
    if order == "backwards":
        events.reverse()
    if order == "shuffled":
        rng.shuffle(events)
    for begin in range(0, 300, 23):
        batch = events[begin : begin + 23]
        seen = events[: begin + 23]
        batch += [end(rng.choice(seen).execution_id, 100 + begin) for _ in range(5)]
        batch += [edit(rng.choice(seen).execution_id, 100 + begin, **tags(rng)) for _ in range(5)]
        for each in (store, memory):
            each.apply(batch)

    assert_same(store, memory)
    sizes = blocks(tmp_path / "blocks.db")
    assert len(sizes) >= 9
    assert max(sizes) < 32
    assert sum(sizes) > 300 - 32

    assert store.reindex() == 300
    assert_same(store, memory)


@pytest.mark.usefixtures("small")
def test_stubs_take_their_place_when_they_start(store: Store) -> None:
    memory = MemoryStore()
    names = ids(100)
    told = [end(name, 200) for name in names[:50:3]]
    later = [start(name, number, env="prod") for number, name in enumerate(names)]
    for batch in (told, later[50:], later[:50]):
        for each in (store, memory):
            each.apply(batch)

    assert_same(store, memory)


@pytest.mark.usefixtures("small")
def test_blocks_that_miss_a_change_are_caught(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of this file."""
    names = ids(64)
    store.apply([start(name, number, env="prod") for number, name in enumerate(names)])
    monkeypatch.setattr(sealing.Sealer, "follow", lambda self, changes: None)

    store.apply([edit(names[0], 500, env="dev")])

    assert store.list(bind_query("not env=prod", scope="all")).executions == ()
    assert any("differs from the search index" in text for text in store.check().problems)


def test_full_size_blocks(store: Store, tmp_path: Path) -> None:
    rng = random.Random(5)
    names = ids(10_000)
    events = [start(name, number, **tags(rng)) for number, name in enumerate(names)]
    for begin in range(0, len(events), 1000):
        store.apply(events[begin : begin + 1000])
    both = {e.execution_id for e in events if e.body["metadata"].get("odd")} & {
        e.execution_id for e in events if e.body["metadata"]["env"] == "prod"
    }

    assert blocks(tmp_path / "blocks.db") == [4096]
    assert store.count(bind_query("env=prod odd=true", scope="all")) == (len(both), False)
    assert store.count(bind_query("env=prod env=dev", scope="all")) == (0, False)
    page = store.list(bind_query("env=prod odd=true", scope="all"))
    newest = [e.execution_id for e in reversed(events) if e.execution_id in both][:100]
    assert [execution.id for execution in page.executions] == newest
    rare = store.list(bind_query("not (env=prod or env=dev) or note=x env=prod", scope="all"))
    assert rare.total == sum(
        e.body["metadata"].get("note") == "x" and e.body["metadata"]["env"] == "prod"
        for e in events
    )
