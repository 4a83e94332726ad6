"""The built wheel: three packages, every file of the source tree, working entry points."""

from __future__ import annotations

import configparser
import email
import email.message
import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "execmeta": ROOT / "core" / "execmeta",
    "airflow_execmeta": ROOT / "plugins" / "airflow_execmeta",
    "pytest_execmeta": ROOT / "plugins" / "pytest_execmeta",
}


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        return tomllib.load(stream)["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as a release makes it: the tree -> sdist -> wheel."""
    out = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def dist_info(wheel: zipfile.ZipFile) -> str:
    (name,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    return name


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile, dist_info: str) -> email.message.Message:
    return email.message_from_bytes(wheel.read(f"{dist_info}/METADATA"))


def source_files(package: str) -> set[str]:
    """Files of one package, as the wheel should name them."""
    folder = PACKAGES[package]
    return {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def test_wheel_holds_three_packages_and_its_own_record(
    wheel: zipfile.ZipFile, dist_info: str
) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}

    assert tops == {*PACKAGES, dist_info}


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_holds_every_file_of_the_package_and_no_other(
    wheel: zipfile.ZipFile, package: str
) -> None:
    packed = {name for name in wheel.namelist() if name.startswith(f"{package}/")}

    assert packed == source_files(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_marked_as_typed(wheel: zipfile.ZipFile, package: str) -> None:
    assert f"{package}/py.typed" in wheel.namelist()


def test_wheel_holds_the_schema_and_the_migrations(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()

    assert "execmeta/store/sql/schema/sqlite.sql" in names
    assert any(name.startswith("execmeta/store/sql/migrations/versions/") for name in names)
    assert "execmeta/store/sql/migrations/env.py" in names


def test_entry_points_are_those_of_the_project_file_and_can_be_loaded(
    wheel: zipfile.ZipFile, dist_info: str, project: dict[str, dict[str, dict[str, str]]]
) -> None:
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.read_string(wheel.read(f"{dist_info}/entry_points.txt").decode())
    found = {section: dict(parser[section]) for section in parser.sections()}

    assert found == {"console_scripts": project["scripts"], **project["entry-points"]}
    for group, entries in found.items():
        for name, value in entries.items():
            assert importlib.metadata.EntryPoint(name, value, group).load() is not None


def test_wheel_says_what_it_needs(
    metadata: email.message.Message, project: dict[str, object]
) -> None:
    extras = project["optional-dependencies"]
    assert isinstance(extras, dict)

    assert metadata["Name"] == "execmeta"
    assert metadata["Version"] == project["version"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra", [])) == set(extras)


def test_wheel_carries_the_licence(
    wheel: zipfile.ZipFile, dist_info: str, metadata: email.message.Message
) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in wheel.read(f"{dist_info}/licenses/LICENSE").decode()
