"""A plug-in that somebody else has written, built as a wheel and installed, takes part."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parent / "foreign_plugin"

RECORD = """
import logging, sys
logging.basicConfig(format="%(message)s")
from execmeta.hooks.manager import Plugins
from execmeta.recording.recorder import Recorder
from execmeta.settings import load_settings
settings = load_settings()
plugins = Plugins(blocked=settings.plugins.blocked)
recorder = Recorder(settings, plugins=plugins)
context = recorder.start(
    "session", "tests", metadata={"env": "prod", "customer": "ACME", "password": "hunter2"}
)
recorder.finish(context.id, "success")
recorder.complete("session", "again", status="success")
shipped = recorder.close(10.0)
print(context.id, shipped.stored)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("foreign-wheel")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), SOURCE],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the wheel installed; execmeta and pluggy are those of this test."""
    folder = tmp_path_factory.mktemp("foreign-venv")
    venv.create(folder, with_pip=True, symlinks=True)
    found = folder / "bin" / "python"
    installed = subprocess.run(
        [found, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel],
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    assert installed.returncode == 0, installed.stderr
    return found


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.run(
        [python, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        cwd=python.parent,
    )


def execmeta(python: Path, *arguments: str) -> Any:
    ran = run(python, "-c", "from execmeta.cli.main import main; main()", *arguments, "-o", "json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def recorded(python: Path) -> tuple[str, str]:
    """(execution id, what was logged)"""
    ran = run(python, "-c", RECORD)
    assert ran.returncode == 0, ran.stderr
    execution_id, stored = ran.stdout.split()
    assert stored == "3"
    return execution_id, ran.stderr


def test_it_adds_metadata_and_attributes_and_takes_values_out(python: Path) -> None:
    execution_id, _ = recorded(python)

    found = execmeta(python, "show", execution_id)

    assert found["metadata"] == {
        "env": "prod",
        "customer": "[redacted:customer]",
        "password": "[redacted:key]",
        "orchard": "session under the tree",
    }
    assert found["sources"] == {"orchard": "adapter"}
    assert found["attributes"]["orchard.tree"] == "apple"


def test_its_filter_field_means_its_attribute(python: Path) -> None:
    recorded(python)

    assert execmeta(python, "list", "orchard.tree=apple")["total"] == 2
    assert execmeta(python, "list", "orchard.tree=pear")["total"] == 0
    assert execmeta(python, "list", "meta.orchard.tree=apple")["total"] == 0


def test_the_one_that_raises_is_fenced_named_and_told_once(python: Path) -> None:
    _, logged = recorded(python)

    (line,) = [line for line in logged.splitlines() if "orchard-broken" in line]
    assert "Plug-in orchard-broken failed in execmeta_before_start" in line
    assert "RuntimeError: rotten \\x1b[31mapple" in line


def test_doctor_lists_every_plugin_with_version_and_hooks(python: Path) -> None:
    plugins = {plugin["name"]: plugin for plugin in execmeta(python, "doctor")["plugins"]}

    assert plugins["orchard"] == {
        "name": "orchard",
        "version": "1.2.3",
        "hooks": ["before_start", "filter_fields", "redact"],
        "failures": 0,
        "refused": None,
    }
    assert plugins["orchard-broken"]["hooks"] == ["after_finish", "before_start"]
    assert "ModuleNotFoundError" in plugins["orchard-missing"]["refused"]
    assert plugins["orchard-missing"]["failures"] == 1


def test_a_blocked_one_takes_no_part(python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXECMETA_PLUGINS_BLOCKED", "orchard,orchard-broken")

    execution_id, logged = recorded(python)

    found = execmeta(python, "show", execution_id)
    assert found["metadata"] == {"env": "prod", "customer": "ACME", "password": "[redacted:key]"}
    assert "orchard-broken" not in logged


def test_failures_are_counted_for_each_plugin(python: Path) -> None:
    ran = run(python, "-c", RECORD + "print(dict(sorted(plugins.failures.items())))")

    assert ran.stdout.endswith("{'orchard-broken': 4, 'orchard-missing': 1}\n"), ran.stderr
