"""Search speed: our store against side tables in the same run, and 100 k against 1 M.

    python tests/benchmarks/search.py [EXECUTIONS] [QUERIES PER KIND]

Time is that of a reader: filter text in, 50 `Execution` objects with their total out.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

if not __package__:
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "core")]

from benchmarks.search_data import side_tables_of, store_of
from benchmarks.search_queries import CLASSES, World

from execmeta.filters.binder import bind_query
from execmeta.model.ids import id_bytes, tid_of
from execmeta.store.base import Store

LIMIT = 50
SLOW_S = 0.2
"""A kind of query on which the side tables take longer is asked of them a few times only."""


class Times(NamedTuple):
    """Milliseconds of each query of one kind."""

    ours: list[float]
    cpu: list[float]
    """Of ours: what a machine that does other work as well cannot blur."""
    theirs: list[float]
    rows: int


def world_of(path: Path, count: int, seed: int) -> World:
    """What questions about a store are drawn from."""
    connection = sqlite3.connect(path)
    found = connection.execute(
        "SELECT metadata FROM execution WHERE metadata LIKE '%\"ticket\"%' LIMIT 5000 OFFSET ?",
        (count // 100,),
    )
    tickets = [(tags["ticket"], tags) for (text,) in found for tags in [json.loads(text)]]
    connection.close()
    return World(random.Random(seed), tickets, count)


def run(count: int, queries: int, *, compare: bool = True) -> dict[tuple[str, str], Times]:
    """Times of every class and selectivity over `count` executions.

    Raises AssertionError when the answers differ.
    """
    path, store = store_of(count)
    side = side_tables_of(count) if compare else None
    world = world_of(path, count, seed=queries)
    results = {}
    for name, kinds in CLASSES.items():
        for kind, make in kinds.items():
            ours: list[float] = []
            cpu: list[float] = []
            theirs: list[float] = []
            rows = 0
            for turn in range(queries):
                question = make(world)
                begin, spent = perf_counter(), process_time()
                found = ask(store, question.text)
                ours.append((perf_counter() - begin) * 1e3)
                cpu.append((process_time() - spent) * 1e3)
                rows = len(found)
                if side is None or (turn >= 3 and max(theirs) > SLOW_S * 1e3):
                    continue
                begin = perf_counter()
                wanted = [tid for (tid,) in side.execute(question.statement, question.parameters)]
                theirs.append((perf_counter() - begin) * 1e3)
                assert found == wanted, f"{question.text}: {found[:3]} instead of {wanted[:3]}"
            results[name, kind] = Times(sorted(ours), sorted(cpu), sorted(theirs), rows)
    store.close()
    return results


def ask(store: Store, text: str) -> list[int]:
    """Keys of the newest 50 matches."""
    page = store.list(replace(bind_query(text, scope="all"), limit=LIMIT))
    assert not page.scan_truncated
    return [tid_of(id_bytes(execution.id)) for execution in page.executions]


def share(times: list[float], part: float) -> float:
    """The value below which a part of the sorted times lies."""
    return times[min(len(times) - 1, int(len(times) * part))]


def table(results: dict[tuple[str, str], Times]) -> str:
    """One line per class and selectivity."""
    lines = [f"{'':30}{'p50 ms':>8}{'p95':>8}{'cpu p95':>9}{'side p50':>10}{'ratio':>8}{'rows':>6}"]
    for (name, kind), times in results.items():
        p50, p95 = share(times.ours, 0.5), share(times.ours, 0.95)
        line = f"{name + ', ' + kind:30}{p50:8.2f}{p95:8.2f}{share(times.cpu, 0.95):9.2f}"
        if times.theirs:
            side = share(times.theirs, 0.5)
            line += f"{side:10.2f}{side / p50:8.1f}"
        lines.append(f"{line:65}{times.rows:6}")
    wall, cpu = everything(results), everything(results, cpu=True)
    lines.append(
        f"{'all':30}{share(wall, 0.5):8.2f}{share(wall, 0.95):8.2f}{share(cpu, 0.95):9.2f}"
    )
    return "\n".join(lines)


def everything(results: dict[tuple[str, str], Times], *, cpu: bool = False) -> list[float]:
    """All times of a run, sorted."""
    return sorted(time for times in results.values() for time in (times.cpu if cpu else times.ours))


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    print(table(run(*(numbers + [1_000_000, 20][len(numbers) :]))))
