"""Rules that every file of the repository keeps: no machine's names, no file without a place."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LINES_MAX = 450

# Spelled as expressions that do not match themselves, so that this file keeps its own rule.
FORBIDDEN = {
    "a package registry": re.compile(
        r"\bpypi\.(?:org|python\.org)\b|\bpythonhosted\.org\b|--(?:extra-)?index-url\b"
    ),
    # The homes of nobody (`me`, `you`, ...) are test data.
    "a path of one machine": re.compile(
        r"(?<![\w.~$})\]*-])/(?:work|root|(?:home|Users)/(?!(?:me|you|user|local)\b)\w+|opt/wheels)"
        r"(?:/|\b(?=[\"'\s]))"
    ),
}


def committed_files() -> list[Path]:
    """Files of the repository; of an unpacked sdist, those that are not hidden or built."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True
    )
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.rstrip("\0").split("\0")
        # A file that is deleted but not yet committed is still listed.
        return [ROOT / name for name in names if (ROOT / name).is_file()]
    found = []
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = [
            name
            for name in subfolders
            if name == ".ci" or not (name.startswith(".") or name in {"dist", "__pycache__"})
        ]
        found += [Path(folder, name) for name in names]
    return found


def offences(text: str) -> list[str]:
    return [
        f"line {number} names {what}: {line.strip()[:120]}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in FORBIDDEN.items()
        if pattern.search(line)
    ]


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = {
        str(path.relative_to(ROOT)): listed
        for path in committed_files()
        if (listed := offences(path.read_text(encoding="utf-8", errors="replace")))
    }

    assert found == {}


@pytest.mark.parametrize(
    "planted",
    [
        "https://" + "pypi" + ".org/simple",
        "files." + "pythonhosted" + ".org",
        "pip install --" + "index-url x",
        'open("/' + 'work/x")',
        "/" + "root/.cache",
        "/" + "home/ann/src",
        "/" + "Users/ann/src",
    ],
)
def test_a_planted_name_is_found(planted: str) -> None:
    assert len(offences(planted)) == 1


@pytest.mark.parametrize(
    "innocent", ["core/root/x", "$HOME/work/x", "the root/parent pair", "/home/me/src"]
)
def test_a_path_of_no_machine_is_not_an_offence(innocent: str) -> None:
    assert offences(innocent) == []


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in committed_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {"core", "plugins"}
    }

    assert lengths
    assert {name: count for name, count in lengths.items() if count > LINES_MAX} == {}


def floors() -> dict[str, bool]:
    """Name of each room of the contract -> whether it is a place kept free, in parentheses."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        contracts = tomllib.load(stream)["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["id"] == "floors"]
    rooms = [room.strip() for layer in layers for room in layer.split("|")]
    return {room.strip("()"): room.startswith("(") for room in rooms}


def test_every_room_of_the_core_has_its_floor() -> None:
    core = ROOT / "core" / "execmeta"
    rooms = {
        f"execmeta.{path.stem}"
        for path in core.iterdir()
        if path.name not in {"__init__.py", "__main__.py"}
        and (path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py"))))
    }

    assert rooms <= set(floors())
    assert rooms == {
        room
        for room, is_free in floors().items()
        if room.startswith("execmeta.") and (not is_free or room in rooms)
    }


def test_constraints_hold_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.+]*", line)] == []
    assert lines == sorted(lines)


def test_every_direct_dependency_is_pinned() -> None:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        config = tomllib.load(stream)
    wanted = [*config["project"]["dependencies"], *config["dependency-groups"]["dev"], "uv"]
    names = {re.split(r"[\[<>=!~; ]", line)[0] for line in wanted}

    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}

    assert names <= pinned
