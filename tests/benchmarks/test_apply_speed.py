"""Applying events stays near SQLite's own floor, and a stored execution small (DESIGN §6)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from benchmarks.apply_speed import measure, measure_single, report

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

EXECUTIONS = int(os.environ.get("BENCH_EXECUTIONS", "200000"))


def test_batches_cost_a_few_times_a_plain_insert(tmp_path: Path) -> None:
    speed = measure(EXECUTIONS, 1_000, tmp_path)
    print(f"\n{report(speed)}")

    # The aim is 30,000 executions per second on two quiet cores, 5 to 6 times the floor there.
    assert speed.ratio <= 10
    assert speed.bytes <= 600


def test_one_commit_each_stays_near_a_plain_insert(tmp_path: Path) -> None:
    single = measure_single(20_000, 2_000, tmp_path)
    print(f"\n{single}")

    assert single.start_ms <= 20 * single.floor_ms
    assert single.finish_ms <= 20 * single.floor_ms
