"""Environment: facts about revision, CI job and host, from an allow-list and nothing else.

One table names the variables of each CI provider. No other environment variable is read, no
remote of a repository, no argument of a command (reliability.md §3.5).
"""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from execmeta.model.execution import Json

_GIT_TIMEOUT_S: Final = 2.0
_SHA: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_MAX_REF_BYTES: Final = 4096

CI_PROVIDERS: Final[Mapping[str, Mapping[str, str]]] = {
    "github_actions": {
        "": "GITHUB_ACTIONS",
        "ci.run_id": "GITHUB_RUN_ID",
        "ci.run_attempt": "GITHUB_RUN_ATTEMPT",
        "ci.pipeline": "GITHUB_WORKFLOW",
        "ci.job": "GITHUB_JOB",
        "git.sha": "GITHUB_SHA",
        "git.branch": "GITHUB_REF_NAME",
    },
    "gitlab": {
        "": "GITLAB_CI",
        "ci.run_id": "CI_PIPELINE_ID",
        "ci.pipeline": "CI_PROJECT_PATH",
        "ci.job": "CI_JOB_NAME",
        "ci.job_id": "CI_JOB_ID",
        "git.sha": "CI_COMMIT_SHA",
        "git.branch": "CI_COMMIT_REF_NAME",
    },
    "jenkins": {
        "": "JENKINS_URL",
        "ci.run_id": "BUILD_TAG",
        "ci.pipeline": "JOB_NAME",
        "ci.job": "STAGE_NAME",
        "git.sha": "GIT_COMMIT",
        "git.branch": "GIT_BRANCH",
    },
    "circleci": {
        "": "CIRCLECI",
        "ci.run_id": "CIRCLE_WORKFLOW_ID",
        "ci.pipeline": "CIRCLE_PROJECT_REPONAME",
        "ci.job": "CIRCLE_JOB",
        "ci.job_id": "CIRCLE_BUILD_NUM",
        "git.sha": "CIRCLE_SHA1",
        "git.branch": "CIRCLE_BRANCH",
    },
    "buildkite": {
        "": "BUILDKITE",
        "ci.run_id": "BUILDKITE_BUILD_ID",
        "ci.pipeline": "BUILDKITE_PIPELINE_SLUG",
        "ci.job": "BUILDKITE_LABEL",
        "ci.job_id": "BUILDKITE_JOB_ID",
        "git.sha": "BUILDKITE_COMMIT",
        "git.branch": "BUILDKITE_BRANCH",
    },
    "azure_pipelines": {
        "": "TF_BUILD",
        "ci.run_id": "BUILD_BUILDID",
        "ci.run_attempt": "SYSTEM_JOBATTEMPT",
        "ci.pipeline": "BUILD_DEFINITIONNAME",
        "ci.job": "SYSTEM_JOBDISPLAYNAME",
        "git.sha": "BUILD_SOURCEVERSION",
        "git.branch": "BUILD_SOURCEBRANCHNAME",
    },
    "bitbucket": {
        "": "BITBUCKET_BUILD_NUMBER",
        "ci.run_id": "BITBUCKET_PIPELINE_UUID",
        "ci.pipeline": "BITBUCKET_REPO_FULL_NAME",
        "ci.job_id": "BITBUCKET_STEP_UUID",
        "git.sha": "BITBUCKET_COMMIT",
        "git.branch": "BITBUCKET_BRANCH",
    },
    "travis": {
        "": "TRAVIS",
        "ci.run_id": "TRAVIS_BUILD_ID",
        "ci.pipeline": "TRAVIS_REPO_SLUG",
        "ci.job": "TRAVIS_JOB_NAME",
        "ci.job_id": "TRAVIS_JOB_ID",
        "git.sha": "TRAVIS_COMMIT",
        "git.branch": "TRAVIS_BRANCH",
    },
    "appveyor": {
        "": "APPVEYOR",
        "ci.run_id": "APPVEYOR_BUILD_ID",
        "ci.pipeline": "APPVEYOR_PROJECT_SLUG",
        "ci.job": "APPVEYOR_JOB_NAME",
        "ci.job_id": "APPVEYOR_JOB_ID",
        "git.sha": "APPVEYOR_REPO_COMMIT",
        "git.branch": "APPVEYOR_REPO_BRANCH",
    },
    "teamcity": {
        "": "TEAMCITY_VERSION",
        "ci.run_id": "BUILD_NUMBER",
        "ci.pipeline": "TEAMCITY_BUILDCONF_NAME",
        "git.sha": "BUILD_VCS_NUMBER",
    },
    "drone": {
        "": "DRONE",
        "ci.run_id": "DRONE_BUILD_NUMBER",
        "ci.pipeline": "DRONE_REPO",
        "ci.job": "DRONE_STAGE_NAME",
        "git.sha": "DRONE_COMMIT_SHA",
        "git.branch": "DRONE_COMMIT_BRANCH",
    },
}
"""Provider to attribute to variable; the variable under the empty name tells the provider."""


def environment_attributes(
    environ: Mapping[str, str] | None = None, cwd: str | os.PathLike[str] | None = None
) -> dict[str, Json]:
    """Attributes `git.*`, `ci.*`, `host.*` and `process.*` of this process; what is not known is
    left out. Reads files of the repository; starts git once, at most, for at most 2 seconds."""
    environ = os.environ if environ is None else environ
    found: dict[str, Json] = {
        "host.name": socket.gethostname(),
        "host.os": platform.system().lower(),
        "process.pid": os.getpid(),
        "process.python": ".".join(map(str, sys.version_info[:3])),
    }
    found.update(git_facts(Path(cwd) if cwd is not None else None, environ))
    # A CI checks out a detached revision: what its variables say of the branch is the truth.
    found.update(ci_facts(environ))
    return {key: value for key, value in found.items() if value not in ("", None)}


def ci_facts(environ: Mapping[str, str]) -> dict[str, Json]:
    """Facts of the CI job that this process belongs to; empty outside of one.

    >>> ci_facts({"GITLAB_CI": "true", "CI_PIPELINE_ID": "7"})
    {'ci.provider': 'gitlab', 'ci.run_id': '7'}
    """
    for provider, variables in CI_PROVIDERS.items():
        if environ.get(variables[""]):
            facts: dict[str, Json] = {"ci.provider": provider}
            for name, variable in variables.items():
                if name and (value := environ.get(variable)):
                    facts[name] = value
            return facts
    # The one variable that nearly every provider sets.
    return {"ci.provider": "unknown"} if environ.get("CI") in ("1", "true", "True") else {}


def git_facts(cwd: Path | None, environ: Mapping[str, str]) -> dict[str, Json]:
    """`git.sha` and `git.branch` of the work tree around `cwd`; empty outside of one."""
    try:
        folder = _git_folder((cwd or Path.cwd()).absolute())
        if folder is None:
            return {}
        head = _first_line(folder / "HEAD")
    except (OSError, ValueError):
        return {}
    if _SHA.fullmatch(head):
        return {"git.sha": head}
    ref = head.removeprefix("ref:").strip()
    if not ref.startswith("refs/"):
        return {}
    facts: dict[str, Json] = {"git.branch": ref.removeprefix("refs/heads/")}
    if sha := _loose(folder, ref) or _asked(folder, environ):
        facts["git.sha"] = sha
    return facts


def _git_folder(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        marker = folder / ".git"
        if marker.is_dir():
            return marker
        if marker.is_file():  # a linked work tree or a submodule
            target = _first_line(marker).removeprefix("gitdir:").strip()
            return (folder / target).resolve()
    return None


def _first_line(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(_MAX_REF_BYTES).split(b"\n", 1)[0].decode().strip()


def _loose(folder: Path, ref: str) -> str | None:
    if ".." in ref:
        return None
    for base in (folder, folder.parent.parent):  # a linked work tree keeps its refs in the main
        try:
            sha = _first_line(base / ref)
        except (OSError, ValueError):
            continue
        if _SHA.fullmatch(sha):
            return sha
    return None


def _asked(folder: Path, environ: Mapping[str, str]) -> str | None:
    # Packed refs and reftables are git's own business; a plain clone has none of them.
    try:
        answer = subprocess.run(
            ["git", "--git-dir", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_GIT_TIMEOUT_S,
            env={name: environ[name] for name in ("PATH", "HOME") if name in environ},
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    sha = answer.stdout.decode("ascii", "replace").strip()
    return sha if _SHA.fullmatch(sha) else None
