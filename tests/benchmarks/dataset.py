"""Data set: a made-up but realistic quarter of a team's runs, the same one for the same seed.

60 % of the executions stand in pytest sessions of 1+200, 20 % in DAG runs of 1+10, 20 % alone.
Each has six tags: `env` (3 values, prod 30 %), `project` (50, zipf), `team` (20, zipf),
`customerId` (100,000, uniform), `priority` (0..9, numbers), `git_sha` (20 a day); 1 % also has
`flaky`. Tags belong to the tree, as in reality, `customerId` and `priority` to the execution.
Source: storage.md, setup.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

from execmeta.model.event import FINISHED, STARTED, Event
from execmeta.model.ids import ExecutionId

DAY_US = 86_400_000_000
FIRST_US = 1_755_000_000_000_000
"""2025-08-12, the start of the quarter."""
DAYS = 90
PROJECTS = tuple(f"{area}-{i}" for i in range(13) for area in ("ml", "web", "data", "ops"))[:50]
TEAMS = tuple(f"team-{i:02d}" for i in range(20))
ENVS = ("dev", "prod", "staging")
STATUSES = ("success", "failed", "skipped", "running")
CUSTOMERS = 100_000


class Life(NamedTuple):
    """One execution from its start to its end."""

    id: ExecutionId
    parent_id: ExecutionId | None
    root_id: ExecutionId
    kind: str
    name: str
    status: str
    started_at: int
    """Microseconds since 1970 UTC."""
    duration_s: float
    trace_id: str
    span_id: str
    metadata: dict[str, Any]
    writer: int


def lives(count: int, seed: int = 7) -> Iterator[Life]:
    """`count` executions, oldest first."""
    rng = random.Random(seed)
    shas = [f"{rng.getrandbits(160):040x}" for _ in range(DAYS * 20 + 1)]
    waiting: list[tuple[int, int, Life]] = []
    made = 0
    for at, size in _units(count, rng):
        while waiting and waiting[0][0] < at:
            yield heapq.heappop(waiting)[2]
        for life in _unit(at, size, rng, shas):
            made += 1
            heapq.heappush(waiting, (life.started_at, made, life))
    while waiting:
        yield heapq.heappop(waiting)[2]


def events_of(life: Life) -> tuple[Event, Event]:
    """Its start and its end, as two processes' lines would tell them."""
    stamp = (life.started_at // 1000) << 16
    ended_at = life.started_at + round(life.duration_s * 1_000_000)
    begin = Event(STARTED, life.id, (stamp, life.writer, 2), life.started_at, start_body(life))
    end = Event(
        FINISHED,
        life.id,
        ((ended_at // 1000) << 16, life.writer, 3),
        ended_at,
        {"status": ended_status(life), "ended": ended_at, "duration": life.duration_s},
    )
    return begin, end


def event_of(life: Life) -> Event:
    """Its whole life in one event; one in 200 still runs."""
    stamp = (life.started_at // 1000) << 16
    body = start_body(life) | {"status": life.status}
    if life.status != "running":
        body["ended"] = life.started_at + round(life.duration_s * 1_000_000)
        body["duration"] = life.duration_s
    return Event(STARTED, life.id, (stamp, life.writer, 2), life.started_at, body)


def start_body(life: Life) -> dict[str, Any]:
    """Body of its started event."""
    body: dict[str, Any] = {
        "kind": life.kind,
        "name": life.name,
        "started": life.started_at,
        "metadata": life.metadata,
        "trace_id": life.trace_id,
        "span_id": life.span_id,
    }
    if life.parent_id:
        body |= {"parent": life.parent_id, "root": life.root_id, "depth": 1}
    return body


def ended_status(life: Life) -> str:
    """How it ends when all ends are told."""
    return "success" if life.status == "running" else life.status


def _zipf(size: int, power: float) -> list[float]:
    return list(accumulate(1 / (rank + 1) ** power for rank in range(size)))


_PROJECT_WEIGHTS = _zipf(len(PROJECTS), 0.9)
_TEAM_WEIGHTS = _zipf(len(TEAMS), 0.8)
_PRIORITY_WEIGHTS = _zipf(10, 0.5)
_ENV_WEIGHTS = [0.5, 0.8, 1.0]
_STATUS_WEIGHTS = [0.92, 0.98, 0.995, 1.0]


def _units(count: int, rng: random.Random) -> list[tuple[int, int]]:
    sessions, dag_runs = int(count * 0.6 / 201), int(count * 0.2 / 11)
    alone = count - sessions * 201 - dag_runs * 11
    sizes = [201] * sessions + [11] * dag_runs + [1] * alone
    rng.shuffle(sizes)
    starts = sorted(FIRST_US + rng.randrange(DAYS * DAY_US) for _ in sizes)
    return list(zip(starts, sizes, strict=True))


def _unit(at: int, size: int, rng: random.Random, shas: list[str]) -> Iterator[Life]:
    root_kind, kind, step = {
        201: ("session", "test", 900_000),
        11: ("dag_run", "task", 30_000_000),
        1: ("command", "command", 0),
    }[size]
    project = rng.choices(PROJECTS, cum_weights=_PROJECT_WEIGHTS)[0]
    shared = {
        "env": rng.choices(ENVS, cum_weights=_ENV_WEIGHTS)[0],
        "project": project,
        "team": rng.choices(TEAMS, cum_weights=_TEAM_WEIGHTS)[0],
        "git_sha": shas[(at - FIRST_US) // (DAY_US // 20)],
    }
    trace = f"{rng.getrandbits(128):032x}"
    writer = rng.getrandbits(63)
    names = {"session": "nightly", "dag_run": f"{project}_dag", "command": f"{project} run"}
    root: ExecutionId | None = None
    for place in range(size):
        started = at + place * step + (rng.randrange(500_000) if place else 0)
        own = _id(started, rng)
        metadata: dict[str, Any] = {
            **shared,
            "customerId": f"CUST-{rng.randrange(CUSTOMERS):06d}",
            "priority": rng.choices(range(10), cum_weights=_PRIORITY_WEIGHTS)[0],
        }
        if rng.random() < 0.01:
            metadata["flaky"] = True
        name = names[root_kind] if place == 0 else f"task_{place}"
        if kind == "test" and place:
            name = f"tests/test_mod{place % 40}.py::test_case_{place}"
        yield Life(
            id=own,
            parent_id=root,
            root_id=root or own,
            kind=kind if place else root_kind,
            name=name,
            status=rng.choices(STATUSES, cum_weights=_STATUS_WEIGHTS)[0],
            started_at=started,
            duration_s=round(rng.lognormvariate(0, 1.5), 4),
            trace_id=trace,
            span_id=f"{rng.getrandbits(64) | 1:016x}",
            metadata=metadata,
            writer=writer,
        )
        root = root or own


def _id(at_us: int, rng: random.Random) -> ExecutionId:
    # `model.ids.new_id` takes its random bits from the system; these come from the seed.
    ms, rest = divmod(at_us, 1000)
    high = (ms << 16) | 0x7000 | (rest * 4096 // 1000)
    text = f"{high:016x}{rng.getrandbits(62) | (0b10 << 62):016x}"
    return ExecutionId(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")
