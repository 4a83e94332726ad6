"""Facts about revision, CI and host come from an allow-list, and nothing else is read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from execmeta.model.attributes import ATTRIBUTE_NAMESPACES
from execmeta.model.metadata import clean_metadata
from execmeta.recording.environment import CI_PROVIDERS, environment_attributes

ALWAYS = {"host.name", "host.os", "process.pid", "process.python"}


def git(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", "https://me:s3cr3t@example.org/r.git")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def git_part(found: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in found.items() if key.startswith("git.")}


def test_outside_of_everything_only_host_and_process_are_known(tmp_path: Path) -> None:
    found = environment_attributes({}, tmp_path)

    assert set(found) == ALWAYS


def test_revision_and_branch_of_the_work_tree_around(repository: Path) -> None:
    below = repository / "a" / "b"
    below.mkdir(parents=True)

    found = environment_attributes({}, below)

    assert git_part(found) == {
        "git.branch": "main",
        "git.sha": git(repository, "rev-parse", "HEAD"),
    }
    assert "s3cr3t" not in str(found)


@pytest.mark.parametrize("prepare", [["pack-refs", "--all"], ["checkout", "-q", "--detach"]])
def test_packed_and_detached_revisions_are_found(repository: Path, prepare: list[str]) -> None:
    git(repository, *prepare)
    found = environment_attributes(dict(os.environ) | {"CI": ""}, repository)

    assert found["git.sha"] == git(repository, "rev-parse", "HEAD")
    assert ("git.branch" in found) == ("pack-refs" in prepare)


def test_a_linked_work_tree_has_its_own_branch(repository: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", "-b", "side", str(linked))

    assert git_part(environment_attributes({}, linked)) == {
        "git.branch": "side",
        "git.sha": git(repository, "rev-parse", "HEAD"),
    }


def test_an_empty_repository_has_a_branch_and_no_revision(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")

    assert git_part(environment_attributes({}, tmp_path)) == {"git.branch": "main"}


@pytest.mark.parametrize(
    "head",
    [b"", b"\xff\xfe", b"ref: ../../etc/passwd\n", b"ref: refs/heads/../../../x", b"x" * 9999],
)
def test_a_damaged_repository_is_none(tmp_path: Path, head: bytes) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_bytes(head)

    assert "git.sha" not in environment_attributes({}, tmp_path)


@pytest.mark.parametrize("provider", CI_PROVIDERS)
def test_every_provider_is_told_by_its_variables(provider: str, tmp_path: Path) -> None:
    variables = CI_PROVIDERS[provider]
    environ = {variable: f"value of {name}" for name, variable in variables.items()}

    found = environment_attributes(environ, tmp_path)

    expected = {name: f"value of {name}" for name in variables if name}
    assert {key: found[key] for key in found if key not in ALWAYS} == {
        "ci.provider": provider,
        **expected,
    }


def test_a_ci_knows_revision_and_branch_better_than_its_checkout(repository: Path) -> None:
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_SHA": "f" * 40, "GITHUB_REF_NAME": "pull/7"}

    assert git_part(environment_attributes(environ, repository)) == {
        "git.sha": "f" * 40,
        "git.branch": "pull/7",
    }


class Watched(Mapping[str, str]):
    """An environment that remembers what was asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values_ = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the whole environment was read")

    def __len__(self) -> int:
        return len(self.values_)


def test_no_variable_outside_of_the_list_is_read(repository: Path) -> None:
    environ = Watched({"AWS_SECRET_ACCESS_KEY": "x", "GITLAB_CI": "1", "CI_JOB_TOKEN": "y"})

    environment_attributes(environ, repository)

    listed = {variable for table in CI_PROVIDERS.values() for variable in table.values()}
    assert environ.asked <= listed | {"CI", "PATH", "HOME"}


def test_every_fact_is_a_legal_attribute(repository: Path) -> None:
    environ = dict.fromkeys(CI_PROVIDERS["gitlab"].values(), "x")

    found = environment_attributes(environ, repository)

    assert all(key.partition(".")[0] in ATTRIBUTE_NAMESPACES for key in found)
    assert clean_metadata(found, reserved=()).metadata == found
