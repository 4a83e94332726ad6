"""Spools for the tests of delivery: segments of dead and of living writers, and stores for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from recording.spools import AT_US, Spool

from execmeta.model.ids import ExecutionId, new_id
from execmeta.store.base import Store
from execmeta.store.opening import open_store


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty spool directory."""
    directory = tmp_path / "spool"
    directory.mkdir(mode=0o700)
    spool = Spool(directory)
    yield spool
    for writer in spool.open:
        writer.close()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/store.db"
    store = open_store(url)
    yield store
    store.close()


@pytest.fixture
def ids() -> Callable[[int], list[ExecutionId]]:
    """A function to so many new ids, oldest first."""

    def ids_(count: int) -> list[ExecutionId]:
        return [new_id(AT_US + number * 1000) for number in range(count)]

    return ids_
