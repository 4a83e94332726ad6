"""Stores that the contract is held to, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from execmeta.store.base import Store
from execmeta.store.opening import open_store

STORES = ("memory", "sqlite")


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """Opens an empty store of a kind; all are closed at the end."""
    opened: list[Store] = []

    def make(kind: str) -> Store:
        url = "memory:" if kind == "memory" else f"sqlite:///{tmp_path}/{len(opened)}.db"
        opened.append(open_store(url))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, make_store: Callable[[str], Store]) -> Store:
    """An empty store of each kind."""
    return make_store(request.param)
