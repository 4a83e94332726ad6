"""Executions to look at, and the command in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.scribe import EXECMETA, Run, Scribe, Shell, environment
from click.testing import CliRunner, Result

from execmeta.cli.main import main


@pytest.fixture(autouse=True)
def terminal_of_any_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are as wide as they need, whatever runs the tests."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def scribe() -> Iterator[Scribe]:
    found = Scribe(os.environ["EXECMETA_STORE"])
    yield found
    found.store.close()


@pytest.fixture
def execmeta() -> Run:
    """Run the command in this process; `stdout` and `stderr` of the result are apart."""

    def run(*arguments: str, code: int | None = 0, **options: Any) -> Result:
        result = CliRunner().invoke(main, list(arguments), prog_name="execmeta", **options)
        if code is not None:
            assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run the command in a process of its own, in an empty folder."""

    def run(
        *arguments: str, code: int | None = 0, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        found = subprocess.run(
            [*EXECMETA, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            **{"cwd": tmp_path, "env": environment()} | options,
        )
        if code is not None:
            assert found.returncode == code, (found.returncode, found.stdout, found.stderr)
        return found

    return run
