"""The recorded tests are those of pytest's own junit file: none missing, extra or different."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import pytest
from plugins.pytest.recorded import EXECMETA, OPTIONS, clean_environment, listed, write_suite
from plugins.pytest.test_outcomes_recorded import SUITE as ENDS
from plugins.pytest.test_subtests_recorded import SUITE as SUBTESTS

COMPARE = Path(__file__).with_name("compare_junit.py")
BOTH = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])


def record_and_compare(
    place: Path, suite: Path, *options: str
) -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
    """(the run, the comparison) of a suite recorded below `place`."""
    environ = clean_environment(place)
    junit = place / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-q", *OPTIONS, *options]
    ran = subprocess.run(
        [*command, "--exec-meta", "project=thirdparty", f"--junitxml={junit}"],
        cwd=suite,
        env=environ,
        capture_output=True,
        text=True,
    )
    (session,) = [row["id"] for row in listed(place) if row["kind"] == "session"]
    compared = subprocess.run(
        [sys.executable, "-I", str(COMPARE), session, str(junit), *EXECMETA],
        env=environ,
        capture_output=True,
        text=True,
    )
    return ran, compared


@BOTH
def test_every_kind_of_end_is_in_both(tmp_path: Path, workers: tuple[str, ...]) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    write_suite(suite, ENDS | SUBTESTS)

    _, compared = record_and_compare(tmp_path, suite, *workers)

    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "0 missing, 0 extra, 0 different, 0 with another duration" in compared.stdout


def test_a_test_that_was_not_recorded_is_noticed(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_x.py").write_text("def test_a(): pass\ndef test_b(): pass\n", encoding="utf-8")
    (suite / "conftest.py").write_text(
        "def pytest_sessionstart(session):\n"
        "    plugin = session.config.pluginmanager.get_plugin('execmeta-tests')\n"
        "    keep = plugin._recorder.complete\n"
        "    def forget(kind, name, **more):\n"
        "        if 'test_b' not in name:\n"
        "            keep(kind, name, **more)\n"
        "    plugin._recorder.complete = forget\n"
        "pytest_sessionstart.pytest_impl = {'trylast': True}\n",
        encoding="utf-8",
    )

    _, compared = record_and_compare(tmp_path, suite)

    assert compared.returncode == 1
    assert "- test_x::test_b passed 1" in compared.stdout


@pytest.fixture(scope="module")
def click_suite(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path | str:
    """click's source of the version that is installed here; a text says why there is none."""
    name = f"click-{version('click')}"
    cache = getattr(request.config, "cache", None)
    place = cache.mkdir("thirdparty") if cache else tmp_path_factory.mktemp("thirdparty")
    if not (place / name / "tests").is_dir():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        requirement = name.replace("-", "==")
        try:
            done = subprocess.run(
                [*pip, "--no-deps", "--no-binary", ":all:", "--dest", str(place), requirement],
                env=os.environ | {"PIP_RETRIES": "1", "PIP_TIMEOUT": "15"},
                capture_output=True,
                text=True,
                timeout=240,
            )
        except subprocess.TimeoutExpired:
            return "the package index does not answer"
        if done.returncode:
            return f"pip could not fetch {requirement}: {done.stderr[-300:]}"
        with tarfile.open(place / f"{name}.tar.gz") as archive:
            archive.extractall(place, filter="data")
    return place / name


@pytest.mark.thirdparty
@BOTH
def test_same_rows_for_the_suite_of_click(
    click_suite: Path | str,
    missing: Callable[[str, str], NoReturn],
    tmp_path: Path,
    workers: tuple[str, ...],
) -> None:
    if isinstance(click_suite, str):
        missing("the source of click", click_suite)

    ran, compared = record_and_compare(tmp_path, click_suite, "tests", "-m", "not stress", *workers)

    assert ran.returncode in (0, 1), ran.stdout[-2000:] + ran.stderr[-2000:]
    assert compared.returncode == 0, compared.stdout[-4000:] + compared.stderr
    assert "0 missing, 0 extra, 0 different, 0 with another duration" in compared.stdout
    assert len(listed(tmp_path, "kind=test")) > 2000
