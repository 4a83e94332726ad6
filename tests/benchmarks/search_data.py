"""Search data: a million executions made to be hard to search, and the same in side tables.

Six tags each, drawn for each execution by itself, so that nothing is near its like:
`env`, `region` halves by coin; `zone` their parity: any two of the three meet, certain three
never; `tier` the shadow of `env`: certain pairs never meet; `team` 100 names, 1 % each;
`score` 0..999, a number. Beside them `ticket` (unique, on 2 %), `note` (1 %), `seen` (50 %) and
`solo-N` (each in one).
The oldest 50 executions are different: there, and only there, what never meets does.
"""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from execmeta.model.event import STARTED, Event
from execmeta.model.ids import ExecutionId, id_bytes, new_id, tid_of
from execmeta.store.base import Store
from execmeta.store.sql.store import SqlStore

VERSION: Final = 3
FIRST_US: Final = 1_755_000_000_000_000
SPAN_US: Final = 90 * 86_400_000_000
OLDEST: Final = 50
TEAMS: Final = tuple(f"{'ab'[i % 2]}-{i:02d}" for i in range(100))
FOLDER: Final = Path(
    os.environ.get("EXECMETA_BENCH_DIR") or Path(tempfile.gettempdir()) / "execmeta-bench"
)
SOLO_EVERY: Final = 5_000
BATCH: Final = 1_000


class Run(NamedTuple):
    """One execution."""

    id: ExecutionId
    started_at: int
    metadata: dict[str, Any]


def runs(count: int) -> Iterator[Run]:
    """`count` executions, oldest first, the same ones for the same count."""
    rng = random.Random(count)
    for number in range(count):
        started_at = FIRST_US + number * SPAN_US // count
        yield Run(_id(started_at, rng), started_at, _tags(number, rng))


def _id(started_at: int, rng: random.Random) -> ExecutionId:
    tail = f"{rng.getrandbits(62) | (0b10 << 62):016x}"
    return ExecutionId(f"{new_id(started_at)[:18]}-{tail[:4]}-{tail[4:]}")


def _tags(number: int, rng: random.Random) -> dict[str, Any]:
    if number < OLDEST:
        return {
            "env": "prod",
            "region": "eu",
            "zone": "odd",
            "tier": "basic",
            "team": f"old-{number % 5}",
            "score": -1 - number % 5,
            "legacy": True,
        }
    env, region = rng.choice(("prod", "dev")), rng.choice(("eu", "us"))
    tags: dict[str, Any] = {
        "env": env,
        "region": region,
        "zone": "even" if (env == "prod") == (region == "eu") else "odd",
        "tier": "gold" if env == "prod" else "basic",
        "team": rng.choice(TEAMS),
        "score": rng.randrange(1000),
        "era": "modern",
    }
    if rng.random() < 0.02:
        tags["ticket"] = f"T-{number:07d}"
    if rng.random() < 0.01:
        tags["note"] = "checked"
    if rng.random() < 0.5:
        tags["seen"] = True
    if number % SOLO_EVERY == 0:
        tags[f"solo-{number}"] = number
    return tags


def event_of(run: Run) -> Event:
    """Its whole life in one event."""
    return Event(
        STARTED,
        run.id,
        ((run.started_at // 1000) << 16, 1, 2),
        run.started_at,
        {
            "kind": "command",
            "name": "train",
            "status": "success",
            "started": run.started_at,
            "ended": run.started_at + 1_500_000,
            "metadata": run.metadata,
        },
    )


def folder() -> Path:
    """Where built databases are kept from one run to the next."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    return FOLDER


def store_of(count: int) -> tuple[Path, Store]:
    """The store with `runs(count)`, built if it is not there."""
    path = folder() / f"search-{VERSION}-{count}.db"
    if not path.exists():
        building = path.with_name(f"{path.name}.{os.getpid()}")
        store = SqlStore(building)
        batch = []
        for run in runs(count):
            batch.append(event_of(run))
            if len(batch) == BATCH:
                store.apply(batch)
                batch = []
        store.apply(batch)
        store.close()
        # Of several that build at once, each has a whole file of its own.
        building.rename(path)
    return path, SqlStore(path)


def side_tables_of(count: int) -> sqlite3.Connection:
    """The plain layout to compare with: one row per tag in an indexed side table."""
    path = folder() / f"side-{VERSION}-{count}.db"
    if not path.exists():
        building = path.with_name(f"{path.name}.{os.getpid()}")
        _build_side_tables(building, count)
        building.rename(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA mmap_size = 8589934592")
    return connection


def _build_side_tables(path: Path, count: int) -> None:
    made = sqlite3.connect(path, isolation_level=None)
    made.executescript(
        """
        PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
        CREATE TABLE execution (tid INTEGER PRIMARY KEY, id BLOB, metadata TEXT);
        CREATE TABLE tag (key TEXT, value ANY, tid INTEGER);
        """
    )
    made.execute("BEGIN")
    for run in runs(count):
        tid = tid_of(id_bytes(run.id))
        made.execute("INSERT INTO execution VALUES (?, ?, '')", (tid, id_bytes(run.id)))
        made.executemany(
            "INSERT INTO tag VALUES (?, ?, ?)",
            [(key, value, tid) for key, value in run.metadata.items()],
        )
    made.execute("COMMIT")
    made.executescript(
        """
        CREATE INDEX tag_value ON tag (key, value, tid);
        CREATE INDEX tag_execution ON tag (tid, key, value);
        ANALYZE;
        """
    )
    made.close()
