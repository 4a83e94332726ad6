"""Real runs of pytest with the plug-in, and what the store then answers about them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execmeta.codec import execution_to_json
from execmeta.filters.binder import bind_query
from execmeta.recording.drain import drain_all
from execmeta.store.opening import open_store

OPTIONS = ("-p", "no:cacheprovider", "-p", "no:randomly")
EXECMETA = (
    sys.executable,
    "-c",
    "import sys; from execmeta.cli.main import main; sys.exit(main())",
)
"""The command line, wherever it is installed."""


def clean_environment(place: Path, **extra: str) -> dict[str, str]:
    """The environment of a run that records below `place` and nowhere else."""
    taken = ("EXECMETA_", "PYTEST_", "COV_")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(taken)}
    environ["EXECMETA_STORE"] = f"sqlite:///{place}/store.db"
    environ["EXECMETA_SPOOL"] = str(place / "spool")
    environ["COLUMNS"] = "120"
    return environ | extra


@dataclass
class Recorded:
    """One finished run of pytest."""

    place: Path
    code: int
    out: str
    err: str
    _rows: list[dict[str, Any]] | None = field(default=None, repr=False)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All executions of the store, oldest first."""
        if self._rows is None:
            self._rows = listed(self.place)
        return self._rows

    @property
    def session(self) -> dict[str, Any]:
        (found,) = [row for row in self.rows if row["kind"] == "session"]
        return found

    @property
    def tests(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["kind"] == "test"]

    def attempts(self, ending: str) -> list[dict[str, Any]]:
        """The test whose node id ends so, each attempt of it."""
        found = [row for row in self.tests if row["name"].endswith(ending)]
        return sorted(found, key=lambda row: row["attempt"])

    def test(self, ending: str) -> dict[str, Any]:
        (found,) = self.attempts(ending)
        return found

    def subtests(self, ending: str) -> list[dict[str, Any]]:
        parent = self.attempts(ending)[-1]["id"]
        found = [row for row in self.rows if row["kind"] == "subtest"]
        return sorted(
            (row for row in found if row["parent_id"] == parent),
            key=lambda row: row["iterator"]["index"],
        )


def execmeta(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line over the store below `place`."""
    return subprocess.run(
        [*EXECMETA, *arguments],
        env=clean_environment(place),
        capture_output=True,
        text=True,
        timeout=120,
    )


def listed(place: Path, text: str = "") -> list[dict[str, Any]]:
    """Everything below `place` that a filter chooses, oldest first, as `-o json` shows it."""
    if not (place / "store.db").exists() and not (place / "spool").exists():
        return []
    found: list[dict[str, Any]] = []
    store = open_store(f"sqlite:///{place}/store.db")
    try:
        drain_all(store, (place / "spool",), budget_s=60)
        cursor = None
        while True:
            query = bind_query(text, scope="all", sort="started", limit=1000, cursor=cursor)
            page = store.list(query)
            found += map(execution_to_json, page.executions)
            cursor = page.next_cursor
            if cursor is None:
                return found
    finally:
        store.close()


def run_in(
    place: Path, files: Mapping[str, str], *options: str, env: Mapping[str, str] | None = None
) -> Recorded:
    """Write a suite below `place` and run it. Files are dedented; store and spool lie beside."""
    suite = place / "suite"
    suite.mkdir(exist_ok=True)
    write_suite(suite, files)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *options],
        cwd=suite,
        env=clean_environment(place, **(env or {})),
        capture_output=True,
        text=True,
        timeout=200,
    )
    return Recorded(place, done.returncode, done.stdout, done.stderr)


def write_suite(folder: Path, files: Mapping[str, str]) -> None:
    """Write dedented files, and an empty pytest.ini where there is none."""
    (folder / "pytest.ini").touch()
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")
