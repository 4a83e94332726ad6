"""Apply speed: executions per second into a SQLite file, against SQLite's own floor, and bytes.

    python tests/benchmarks/apply_speed.py [EXECUTIONS] [BATCH]

Started and finished events of `dataset.lives` go through `Writer.apply`; the floor is one plain
`executemany` per batch that puts the same columns into a table without index, on the same disk,
turn by turn. What makes the events and the columns is not timed.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

if __package__ in (None, ""):
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "core")]

from benchmarks.dataset import Life, events_of, lives

from execmeta.model.ids import id_bytes, tid_of
from execmeta.store.sql.fresh import fresh_row
from execmeta.store.sql.rows import COLUMNS
from execmeta.store.sql.writer import Writer


class Speed(NamedTuple):
    """What one run measured; microseconds of wall and CPU time per execution."""

    executions: int
    wall_us: float
    cpu_us: float
    floor_us: float
    bytes: float
    """Of the file, per execution, all indexes included."""

    @property
    def per_second(self) -> float:
        """Executions per second."""
        return 1e6 / self.wall_us

    @property
    def ratio(self) -> float:
        """Times the floor."""
        return self.wall_us / self.floor_us


class Single(NamedTuple):
    """Median milliseconds of one commit each."""

    start_ms: float
    finish_ms: float
    floor_ms: float


def measure(count: int, batch: int, folder: Path) -> Speed:
    """Apply `count` executions in batches of `batch`."""
    path = folder / "apply.db"
    writer, floor = Writer(path), _Floor(folder)
    writer.running(0)
    wall = cpu = floor_s = 0.0
    for chunk in _chunks(lives(count), batch):
        said = [event for life in chunk for event in events_of(life)]
        rows = [_row(life) for life in chunk]
        begin, begin_cpu = perf_counter(), process_time()
        applied = writer.apply(said)
        wall += perf_counter() - begin
        cpu += process_time() - begin_cpu
        assert applied.created == len(chunk)
        floor_s += floor.insert(rows)
    writer.close()
    scale = 1e6 / count
    size = path.stat().st_size / count
    return Speed(count, wall * scale, cpu * scale, floor_s * scale, size)


def measure_single(before: int, count: int, folder: Path) -> Single:
    """One commit per start and one per finish, `count` times, after `before` executions."""
    writer, floor = Writer(folder / "single.db"), _Floor(folder)
    made = lives(before + count)
    for chunk in _chunks(islice(made, before), 1000):
        writer.apply([event for life in chunk for event in events_of(life)])
    starts, finishes, floors = [], [], []
    for life in made:
        start, finish = events_of(life)
        for event, times in ((start, starts), (finish, finishes)):
            begin = perf_counter()
            writer.apply([event])
            times.append(perf_counter() - begin)
        floors.append(floor.insert([_row(life)]))
    writer.close()
    return Single(*(sorted(times)[count // 2] * 1e3 for times in (starts, finishes, floors)))


class _Floor:
    """A table of the same columns, without index, and the time to fill it."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "wal_autocheckpoint = 4000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("DROP TABLE IF EXISTS floor")
        columns = ["tid INTEGER PRIMARY KEY", *COLUMNS[1:]]
        self._connection.execute(f"CREATE TABLE floor ({', '.join(columns)})")
        self._insert = f"INSERT INTO floor VALUES ({', '.join('?' * len(COLUMNS))})"

    def insert(self, rows: list[tuple[object, ...]]) -> float:
        """Seconds of one transaction."""
        begin = perf_counter()
        self._connection.execute("BEGIN")
        self._connection.executemany(self._insert, rows)
        self._connection.execute("COMMIT")
        return perf_counter() - begin


def _row(life: Life) -> tuple[object, ...]:
    raw = id_bytes(life.id)
    above = tid_of(id_bytes(life.root_id)) if life.parent_id else None
    row = fresh_row(list(events_of(life)), tid_of(raw), raw, above, above)
    assert row is not None
    return row


def _chunks(made: Iterator[Life], size: int) -> Iterator[list[Life]]:
    while chunk := list(islice(made, size)):
        yield chunk


def report(speed: Speed) -> str:
    """One line for people."""
    return (
        f"{speed.executions:,} executions: {speed.per_second:,.0f}/s "
        f"({speed.wall_us:.1f} us wall, {speed.cpu_us:.1f} us CPU each; floor "
        f"{speed.floor_us:.1f} us, ratio {speed.ratio:.1f}), {speed.bytes:.0f} bytes each"
    )


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    batch = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000
    with tempfile.TemporaryDirectory() as folder:
        print(report(measure(count, batch, Path(folder))))
        single = measure_single(20_000, 2_000, Path(folder))
        print(
            f"one commit each: start {single.start_ms:.3f} ms, finish {single.finish_ms:.3f} ms, "
            f"floor {single.floor_ms:.3f} ms (medians)"
        )


if __name__ == "__main__":
    main()
