"""Cost of a recording call in the caller's thread, as a ratio to the least that could be done.

The floor of each row is `json.dumps` of an event of the same content and one `os.write` to a file
on the same disk, timed in turns with the call in the same run. Prints p50 and p99 in microseconds.

    python tests/benchmarks/capture_call.py [calls]
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from execmeta.model.ids import new_id
from execmeta.recording.recorder import Recorder
from execmeta.settings import Settings

INHERITED = {"project": "search", "env": "prod"}
OWN = {"owner": "alice", "area": "ranking"}


def attributes(number: int) -> dict[str, Any]:
    """Three attributes as the pytest plug-in gives them; two of them differ in every call."""
    node = f"tests/unit/test_module.py::TestThing::test_case[{number}]"
    return {"pytest.nodeid": node, "pytest.outcome": "passed", "pytest.worker": "gw0"}


def main(calls: int = 20_000) -> None:
    """Time every kind of call against its floor."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(store=f"sqlite:///{folder}/store.db", spool=f"{folder}/spool")
        recorder = Recorder(settings)
        session = recorder.start("session", "bench", metadata=INHERITED)
        floor_file = os.open(Path(folder, "floor"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        open_ids: list[Any] = []

        def complete(number: int, own: dict[str, Any] | None = None) -> None:
            now = time.time_ns() // 1000
            recorder.complete(
                "test",
                f"tests/unit/test_module.py::TestThing::test_case[{number}]",
                status="success",
                metadata=own,
                attributes=attributes(number),
                parent=session,
                started_at=now - 1234,
                ended_at=now,
                duration_s=0.001234,
            )

        def start(number: int) -> None:
            context = recorder.start(
                "function", f"step {number}", attributes=attributes(number), parent=session
            )
            open_ids.append(context.id)

        def floor(number: int) -> None:
            now = time.time_ns() // 1000
            event = {
                "id": new_id(),
                "at": now,
                "kind": "test",
                "name": f"tests/unit/test_module.py::TestThing::test_case[{number}]",
                "parent": session.id,
                "root": session.id,
                "status": "success",
                "started": now - 1234,
                "ended": now,
                "duration": 0.001234,
                "attributes": attributes(number),
                "metadata": INHERITED,
            }
            os.write(floor_file, json.dumps(event).encode() + b"\n")

        def floor_of_end(number: int) -> None:
            event = {"id": session.id, "at": time.time_ns() // 1000, "status": "success"}
            os.write(floor_file, json.dumps(event).encode() + b"\n")

        rows: list[tuple[str, Callable[[int], None], Callable[[int], None]]] = [
            ("complete, 2 inherited keys", complete, floor),
            ("complete, 2 inherited + 2 own", lambda number: complete(number, OWN), floor),
            ("start", start, floor),
            (
                "finish",
                lambda number: recorder.finish(open_ids[number], "success", duration_s=0.5),
                floor_of_end,
            ),
        ]
        print(f"{'call':32}{'p50 us':>8}{'p99 us':>8}{'floor':>8}{'ratio':>7}{'CPU us':>8}")
        for name, call, least in rows:
            spent, floors, cpu = timed(call, least, calls)
            ratio = spent[0] / floors[0]
            print(f"{name:32}{spent[0]:8.1f}{spent[1]:8.1f}{floors[0]:8.1f}{ratio:7.2f}{cpu:8.1f}")
        counters = recorder.counters
        print(f"offered {counters.offered}, spooled {counters.spooled}, dropped {counters.dropped}")


def timed(
    call: Callable[[int], None], least: Callable[[int], None], calls: int
) -> tuple[tuple[float, float], tuple[float, float], float]:
    """(p50, p99) of both in microseconds, and CPU microseconds of one call, system included."""
    clock = time.perf_counter_ns
    spent, floors = [], []
    used = time.process_time_ns()
    for number in range(calls):
        begin = clock()
        call(number)
        spent.append(clock() - begin)
    used = time.process_time_ns() - used
    for number in range(calls):
        begin = clock()
        least(number)
        floors.append(clock() - begin)
    return percentiles(spent), percentiles(floors), used / calls / 1000


def percentiles(spent: list[int]) -> tuple[float, float]:
    """Median and 99th percentile, in microseconds."""
    spent.sort()
    return spent[len(spent) // 2] / 1000, spent[len(spent) * 99 // 100] / 1000


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
