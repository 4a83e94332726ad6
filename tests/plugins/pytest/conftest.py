"""Fixtures that run pytest with the plug-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from plugins.pytest.recorded import OPTIONS, Recorded, run_in, write_suite


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


@pytest.fixture
def run_here(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Recorded]:
    """The same as `run` in this process: quicker, for what happens before the first test."""

    def run_(
        files: Mapping[str, str], *options: str, env: Mapping[str, str] | None = None
    ) -> Recorded:
        write_suite(pytester.path, files)
        monkeypatch.setenv("EXECMETA_STORE", f"sqlite:///{tmp_path}/store.db")
        monkeypatch.setenv("EXECMETA_SPOOL", str(tmp_path / "spool"))
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        done = pytester.runpytest_inprocess(*OPTIONS, *options)
        return Recorded(tmp_path, int(done.ret), str(done.stdout), str(done.stderr))

    return run_
