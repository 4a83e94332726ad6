"""Eight processes write and read one new file at once: nothing is lost, nobody sees an error."""

from __future__ import annotations

import multiprocessing
import sqlite3
import traceback
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from store.dumps import expected_tokens, missing_values, stored_rows, stored_tokens

from execmeta.filters.query import Query
from execmeta.model.event import Event
from execmeta.model.ids import ExecutionId, new_id
from execmeta.store.opening import open_store
from execmeta.store.sql.writer import Writer

PROCESSES = 8
ROUNDS = 25
PER_ROUND = 4
SHARED = ExecutionId("0190a5d0-7c1e-7abc-8def-0123456789ab")
"""A parent that every process starts, edits and names."""


def work(path: Path, number: int, results: Queue[Any]) -> None:
    try:
        store = open_store(f"sqlite:///{path}")
        seen = 0
        for round_ in range(ROUNDS):
            said = []
            for place in range(PER_ROUND):
                own, stamp = new_id(), (round_ * PER_ROUND + place) * 2 + 1
                body = {
                    "kind": "task",
                    "name": f"{number}-{round_}-{place}",
                    "parent": SHARED,
                    "root": SHARED,
                    "metadata": {"process": number, "round": f"r{round_}"},
                }
                said.append(Event("started", own, (stamp, number + 1, 0), stamp, body))
                end = {"status": "success"}
                said.append(Event("finished", own, (stamp + 1, number + 1, 1), stamp + 1, end))
            shared = {"kind": "session", "name": "shared"}
            said.append(Event("started", SHARED, (1, 1, 0), 1, shared))
            tag = {"set": {f"p{number}": round_}, "by": str(number)}
            said.append(Event("edited", SHARED, (round_ + 2, number + 1, 2), round_, tag))
            # Starts and ends in different transactions, every other one a single event.
            size = 1 if round_ % 2 else 5
            for begin in range(0, len(said), size):
                store.apply(
                    said[begin : begin + size],
                    durable=round_ % 10 == 0,
                    segment=(f"{number}.seg", round_ + 1),
                )
            total = store.list(Query(limit=5)).total
            assert total >= seen, "a reader went back in time"
            seen = total
        store.close()
        results.put(None)
    except BaseException:
        results.put(traceback.format_exc())


def test_eight_processes_write_and_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    start = multiprocessing.get_context("spawn")
    results: Queue[Any] = start.Queue()
    processes = [start.Process(target=work, args=(path, n, results)) for n in range(PROCESSES)]
    for process in processes:
        process.start()
    errors = [results.get(timeout=240) for _ in processes]
    for process in processes:
        process.join()

    assert errors == [None] * PROCESSES
    rows = stored_rows(path)
    assert {row.name for row in rows} == {"shared"} | {
        f"{number}-{round_}-{place}"
        for number in range(PROCESSES)
        for round_ in range(ROUNDS)
        for place in range(PER_ROUND)
    }
    assert {row.status for row in rows if row.kind == "task"} == {"success"}
    assert stored_tokens(path) == expected_tokens(path)
    assert missing_values(path) == set()
    writer = Writer(path)
    assert writer.check().problems == ()
    assert writer.segments() == {f"{number}.seg": ROUNDS for number in range(PROCESSES)}
    writer.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM edit").fetchone() == (PROCESSES * ROUNDS,)
