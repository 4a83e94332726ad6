"""docs/pytest.md names everything, and what it shows works."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from plugins.pytest.recorded import EXECMETA, clean_environment

PAGE = Path(__file__).resolve().parents[3] / "docs" / "pytest.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.M | re.S)


def test_every_option_setting_marker_and_fixture_is_on_the_page(
    pytestconfig: pytest.Config,
) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, check=True
    ).stdout
    options = set(re.findall(r"--(?:no-)?exec-\w+", shown))
    settings = set(re.findall(r"^  (exec_\w+)", shown, re.M))

    assert len(options) == 5
    assert settings == {"exec_meta", "exec_meta_record"}
    for name in options | settings | {"exec_session"}:
        assert f"`{name}" in TEXT


def test_every_attribute_is_on_the_page() -> None:
    sources = PAGE.parents[1] / "plugins" / "pytest_execmeta"
    names = set()
    for path in sources.glob("*.py"):
        names |= set(re.findall(r'"(pytest\.[a-z_]+)"', path.read_text(encoding="utf-8")))

    assert {"pytest.nodeid", "pytest.worker", "pytest.exit_code"} <= names
    assert [name for name in sorted(names) if f"`{name}`" not in TEXT] == []


def test_every_example_runs(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, command in (("pytest", (sys.executable, "-m", "pytest")), ("execmeta", EXECMETA)):
        tool = tools / name
        tool.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        tool.chmod(0o755)
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_first.py").write_text("def test_first(): pass\n", encoding="utf-8")
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    environ = clean_environment(tmp_path, PATH=path, PYTEST_ADDOPTS="-p no:cacheprovider")
    ran = []
    for language, body in BLOCKS:
        if language != "console":
            first = body.splitlines()[0]
            (suite / first.removeprefix("# ")).write_text(body, encoding="utf-8")
            continue
        for line in body.splitlines():
            if line.startswith("$ "):
                command, _, remark = line.removeprefix("$ ").partition("    # ")
                expected = int(remark.removeprefix("exit code ") or 0)
                done = subprocess.run(
                    ["sh", "-c", command], cwd=suite, env=environ, capture_output=True, text=True
                )
                assert done.returncode == expected, f"{line}\n{done.stdout}{done.stderr}"
                if command.startswith("execmeta list"):
                    assert "No execution" not in done.stdout, f"{line}\n{done.stdout}"
                ran.append(command)

    assert len(ran) > 15
    assert shutil.which("pytest", path=path) == str(tools / "pytest")
