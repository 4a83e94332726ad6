"""Recording 5,000 passing tests stays within its budget of CPU time (DESIGN §6)."""

from __future__ import annotations

import pytest
from benchmarks.capture_pytest import measure

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]


def test_recording_alone_costs_less_than_its_budget() -> None:
    costs = measure(5)

    assert costs["execmeta"] <= 60
    assert costs["execmeta"] < costs["junitxml"]


def test_recording_with_two_workers_costs_less_than_its_budget() -> None:
    costs = measure(3, workers=2)

    assert costs["execmeta"] <= 60
