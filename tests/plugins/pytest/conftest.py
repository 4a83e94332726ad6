"""Fixtures that run pytest with the plug-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from plugins.pytest.recorded import Recorded, run_in


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Recorded]:
    """`run({"test_x.py": text}, "--exec-meta", "a=1", env={...})`: a `Recorded`."""

    def run_(
        files: Mapping[str, str], *options: str, env: Mapping[str, str] | None = None
    ) -> Recorded:
        return run_in(tmp_path, files, *options, env=env)

    return run_


@pytest.fixture(scope="session")
def new_place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A function that makes a fresh folder, for runs that several tests look at."""
    return lambda: tmp_path_factory.mktemp("recorded")
