"""Record the tests of a real project, then find, read and edit what was recorded.

`make demo` runs it. DEMO_PROJECT names a project as the package index does, with or without a
version; DEMO_REQUIRES adds packages that its tests need. The project is unpacked to a
temporary folder with a virtual environment of its own; store and spool stay in `.demo/`.
The demo fails when the recorded figures are not those of pytest's own last line.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / ".demo"
CONSTRAINTS = ROOT / "constraints.txt"
BIN = Path(sys.executable).parent

TEST_GROUPS = ("tests", "test", "testing")

# Words of pytest's last line that count tests; "deselected" and "warnings" count something else.
COUNTED = {
    "passed": "passed",
    "failed": "failed",
    "skipped": "skipped",
    "xfailed": "xfailed",
    "xpassed": "xpassed",
    "error": "error",
    "errors": "error",
}


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Prepare something; only a failure is worth a reader's time."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")


def execmeta(*arguments: str) -> None:
    """Show a command and its answer, as a user sees them."""
    say(f"$ execmeta {shlex.join(arguments)}")
    subprocess.run([BIN / "execmeta", *arguments], check=True)


def listed(*arguments: str) -> Iterator[dict[str, object]]:
    """Every execution that `execmeta list` names, page after page."""
    cursor: list[str] = []
    while True:
        command: list[str | Path] = [BIN / "execmeta", "list", *arguments, *cursor]
        command += ["--limit", "1000", "-o", "json"]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        page = json.loads(answer.stdout)
        yield from page["executions"]
        if page["next_cursor"] is None:
            return
        cursor = ["--cursor", page["next_cursor"]]


def fetch(requirement: str, name: str, place: Path) -> Path:
    """Unpack the project's source distribution below `place`."""
    pinned: list[str | Path] = ["--constraint", CONSTRAINTS] if requirement == name else []
    download = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
    run(*download, "--no-binary", name, "--dest", place, *pinned, requirement)
    (archive,) = place.glob("*.tar.gz")
    (place / "source").mkdir()
    run("tar", "-xzf", archive, "-C", place / "source")
    (source,) = (place / "source").iterdir()
    return source


def with_test_tools(source: Path) -> list[str | Path]:
    """Arguments for `uv pip install` that bring the project and what its tests need."""
    config = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    extras = config.get("project", {}).get("optional-dependencies", {})
    for group in TEST_GROUPS:
        if group in config.get("dependency-groups", {}):
            return [source, "--group", f"{source / 'pyproject.toml'}:{group}"]
        if group in extras:
            return [f"{source}[{group}]"]
    return [source]


def prepare(requirement: str, name: str, place: Path) -> tuple[Path, Path]:
    """The project's source folder, and a Python that has it, its test tools and the plug-in."""
    source = fetch(requirement, name, place)
    python = place / "venv" / "bin" / "python"
    uv = BIN / "uv"
    install = (uv, "pip", "install", "--python", python)
    run(uv, "venv", "--python", sys.executable, place / "venv")
    run(*install, "--constraints", CONSTRAINTS, "--editable", f"{ROOT}[pytest]")
    extra = shlex.split(os.environ.get("DEMO_REQUIRES", ""))
    run(*install, *with_test_tools(source), *extra)
    return source, python


def record(source: Path, python: Path, *options: str) -> Counter[str]:
    """Run the suite with the plug-in; return the figures of pytest's last line."""
    say(f"$ pytest {shlex.join(options)}")
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", *options]
    last = ""
    with subprocess.Popen(command, cwd=source, stdout=subprocess.PIPE, text=True) as suite:
        assert suite.stdout is not None  # noqa: S101 -- because of PIPE above
        for line in suite.stdout:
            print(line, end="", flush=True)
            if re.search(r"\bin \d+\.\d+s\b", line):
                last = line
    if suite.returncode not in (0, 1) or not last:
        sys.exit(f"pytest could not run this suite (exit code {suite.returncode}).")
    return Counter(
        {
            COUNTED[word]: int(count)
            for count, word in re.findall(r"(\d+) (\w+)", last)
            if word in COUNTED
        }
    )


def recorded(session: str) -> Counter[str]:
    """The same figures, from what the store answers."""
    figures: Counter[str] = Counter()
    for test in listed(f"under={session} kind=test"):
        attributes = test["attributes"]
        assert isinstance(attributes, dict)  # noqa: S101 -- the shape that -o json promises
        figures[attributes["pytest.outcome"]] += 1
    return figures


def in_words(figures: Counter[str]) -> str:
    return ", ".join(
        f"{figures[word]} {word}" for word in dict.fromkeys(COUNTED.values()) if figures[word]
    )


def main() -> None:
    requirement = os.environ.get("DEMO_PROJECT") or "click"
    name = re.split(r"[^\w.-]", requirement)[0]

    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    os.environ["EXECMETA_STORE"] = f"sqlite:///{PLACE / 'store.db'}"
    os.environ["EXECMETA_SPOOL"] = str(PLACE / "spool")

    with tempfile.TemporaryDirectory(prefix="execmeta-demo-") as place:
        say(f"Fetching {requirement} and what its tests need ...")
        source, python = prepare(requirement, name, Path(place))
        options = ("--exec-meta", f"project={name}", "--exec-meta", "env=demo")
        said = record(source, python, *options)

    # A reading command delivers for a second at most; figures are compared when all is there.
    run(BIN / "execmeta", "drain")
    sessions = list(listed("-m", f"project={name}", "-m", "env=demo"))
    if len(sessions) != 1:
        sys.exit(f"{len(sessions)} sessions were recorded instead of one: a bug in execmeta.")
    found = recorded(str(sessions[0]["id"]))
    say(f"pytest counted {in_words(said)}.\nexecmeta holds {in_words(found)}.")
    if found != said:
        sys.exit("The figures differ: this is a bug in execmeta.")

    outcome = "failed" if found["failed"] or found["error"] else "skipped"
    execmeta("list")
    execmeta("tree", "latest")
    execmeta("list", f"project={name} kind=test status={outcome}", "--limit", "5")
    execmeta("list", f"project={name} kind=test duration>100ms", "--limit", "5")
    execmeta("metadata", "update", "latest", "--add", "owner=you")
    execmeta("metadata", "history", "latest")
    execmeta("list", "owner=you")

    say("The store is yours to search:")
    print(f"export EXECMETA_STORE='{os.environ['EXECMETA_STORE']}'")
    print(f"export EXECMETA_SPOOL='{os.environ['EXECMETA_SPOOL']}'")
    print(f"{os.path.relpath(BIN / 'execmeta')} list 'kind=test status=skipped'")


if __name__ == "__main__":
    main()
