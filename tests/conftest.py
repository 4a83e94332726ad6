"""What every test stands on: its own store and spool, and what to do when a tool is missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

# Read once: it is for the suite, and no test's programs should see it.
REQUIRED = frozenset(os.environ.get("EXECMETA_TEST_REQUIRE", "").split(",")) - {""}

# No deadline: nothing here is asserted on wall time. Where a failure must mean the same thing to
# everybody, the drawn data are the same in each run; a developer's runs go on exploring.
settings.register_profile("execmeta", deadline=None, derandomize=bool(REQUIRED))
settings.load_profile("execmeta")


@pytest.fixture(autouse=True)
def no_users_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Point store and spool, of this process and of its children, to a fresh folder.

    Everything else that execmeta reads from the environment is taken away, so that a suite which
    is itself recorded, or run on a developer's machine, gives the same answers as one in CI.
    """
    for name in [name for name in os.environ if name.startswith("EXECMETA_")]:
        monkeypatch.delenv(name)
    for name in ("TRACEPARENT", "TRACESTATE", "BAGGAGE"):
        monkeypatch.delenv(name, raising=False)

    place = tmp_path_factory.mktemp("execmeta", numbered=True)
    monkeypatch.setenv("EXECMETA_STORE", f"sqlite:///{place}/store.db")
    monkeypatch.setenv("EXECMETA_SPOOL", str(place / "spool"))
    # Settings files of the user, and the places that are looked at beside the named ones.
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(place / name.lower()))
    # The last place of a spool is shared by everything on the machine.
    (place / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(place / "tmp"))
    return place


@pytest.fixture
def missing() -> Callable[[str, str], NoReturn]:
    """A function (what, hint) to call when something outside Python is not there.

    It skips with the hint; where EXECMETA_TEST_REQUIRE names it, or is `all`, it fails: what CI
    promised to have is never skipped in silence.
    """

    def missing_(what: str, hint: str) -> NoReturn:
        if "all" in REQUIRED or what in REQUIRED:
            pytest.fail(f"{what} is required here and missing: {hint}", pytrace=False)
        pytest.skip(f"{what} is missing: {hint}")

    return missing_
