"""How commands end when something is wrong: one clear message, and the documented exit code."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
from cli.scribe import EXECMETA, Run, Scribe, environment

LISTED = ["list", "metadata stats"]


@pytest.mark.parametrize("command", LISTED)
def test_a_bad_filter_is_shown_with_a_caret_under_its_column(execmeta: Run, command: str) -> None:
    result = execmeta(*command.split(), "env=prod and priority>=", code=2)

    assert result.stdout == ""
    first, text, caret, *_ = result.stderr.splitlines()
    assert first.startswith("Error: Filter, column 24: found the end of the filter")
    assert text == "  env=prod and priority>="
    assert caret == " " * (2 + 23) + "^"


def test_a_mix_up_gets_the_right_spelling(execmeta: Run) -> None:
    assert "\nHint: Write env=prod\n" in execmeta("list", "env==prod", code=2).stderr


def test_the_caret_stands_below_wide_and_hidden_characters(execmeta: Run) -> None:
    _, text, caret, *_ = execmeta("list", "a='日本\x1b' ==", code=2).stderr.splitlines()

    # Two cells for each ideograph, four for the escape.
    assert text == "  a='日本\\x1b' =="
    assert caret == " " * (2 + 3 + 4 + 4 + 2) + "^"


def test_a_long_filter_is_cut_around_the_caret(execmeta: Run) -> None:
    _, text, caret, *_ = execmeta("list", "a=1 " * 200 + "b==2", code=2).stderr.splitlines()

    assert len(text) < 140
    assert text[caret.index("^") :] == "==2"


def test_a_bad_pair_points_into_the_pair(execmeta: Run) -> None:
    _, text, caret, *_ = execmeta("list", "-m", "a b=1", code=2).stderr.splitlines()

    assert (text, caret) == ("  a b=1", "   ^")


@pytest.mark.parametrize("text", ["tenant=x", "name~=" + "*" * 300, "a=1 and " * 1000])
def test_forbidden_and_too_large_filters_exit_with_two(execmeta: Run, text: str) -> None:
    assert execmeta("list", text, code=2).stderr.startswith("Error: Filter, column ")


@pytest.mark.parametrize(
    "arguments",
    [["nope"], ["list", "--nope"], ["list", "-o", "yaml"], ["show", "a", "b"], ["metadata"]],
)
def test_wrong_usage_exits_with_two(execmeta: Run, arguments: list[str]) -> None:
    assert "Usage: execmeta" in execmeta(*arguments, code=2).stderr


def test_a_slip_in_a_command_gets_a_proposal(execmeta: Run) -> None:
    assert "No such command 'lst'. Did you mean list?" in execmeta("lst", code=2).stderr


@pytest.mark.parametrize("command", LISTED)
def test_an_option_that_should_be_a_filter_is_told_so(execmeta: Run, command: str) -> None:
    told = execmeta(*command.split(), "--status", "failed", code=2).stderr

    assert "Write it as a filter: status=VALUE" in told


@pytest.mark.parametrize(
    "url", ["postgresql://db/x", "http://localhost", "sqlite:///", "nonsense", "ftp://x/y"]
)
def test_an_unknown_kind_of_store_exits_with_two(execmeta: Run, url: str) -> None:
    result = execmeta("list", "--store", url, code=2)

    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["list", "show", "tree", "metadata stats", "drain", "db stats"])
def test_a_corrupt_database_is_named_and_left_as_it_is(
    execmeta: Run, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "broken.db"
    path.write_bytes(b"this is no database" * 100)

    result = execmeta(*command.split(), "--store", f"sqlite:///{path}", code=3)

    assert str(path) in result.stderr
    assert path.read_bytes() == b"this is no database" * 100


def test_the_database_of_another_program_is_refused(execmeta: Run, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")

    assert "theirs" in execmeta("list", "--store", str(path), code=3).stderr


def test_a_database_of_a_newer_release_is_refused_with_what_to_do(
    execmeta: Run, scribe: Scribe, tmp_path: Path
) -> None:
    scribe.add()
    path = os.environ["EXECMETA_STORE"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE execmeta_version SET version_num = '9999'")

    result = execmeta("list", code=3)

    assert "9999" in result.stderr
    assert "pgrade" in result.stderr


def test_a_store_in_a_place_that_cannot_be_written_exits_with_three(
    execmeta: Run, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    result = execmeta("list", "--store", f"sqlite:///{tmp_path}/file/x.db", code=3)

    assert str(tmp_path) in result.stderr


def test_a_bad_setting_is_named_with_its_place(execmeta: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.execmeta]\nsotre = 'x'\n")
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        result = execmeta("list", code=2)
    finally:
        os.chdir(before)

    assert f"{tmp_path}/pyproject.toml" in result.stderr
    assert "store" in result.stderr


def test_a_reader_that_goes_away_is_no_error_worth_a_word(scribe: Scribe) -> None:
    for number in range(300):
        scribe.add(f"run{number}", metadata={"text": "x" * 900})

    reader = f"{EXECMETA[0]} -c '{EXECMETA[2]}' list --limit 1000 -o ndjson | head -c 6; "
    done = subprocess.run(
        ["bash", "-c", f"{reader} echo ${{PIPESTATUS[0]}}"],
        env=environment(),
        capture_output=True,
        text=True,
    )

    assert done.stdout == '{"id":141\n'
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["list", "list -o json", "show latest", "tree latest"])
def test_a_closed_output_is_no_error(scribe: Scribe, command: str) -> None:
    scribe.add()

    done = subprocess.run(
        ["bash", "-c", f"{EXECMETA[0]} -c '{EXECMETA[2]}' {command} >&-"],
        env=environment(),
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no file that is always full")
@pytest.mark.parametrize("command", ["list", "list -o json", "show latest", "--help"])
def test_an_output_on_a_full_disk_is_one_clear_message(scribe: Scribe, command: str) -> None:
    scribe.add()

    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*EXECMETA, *command.split()],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert done.returncode == 3
    assert done.stderr == "Error: The output cannot be written: No space left on device.\n"


def test_a_store_in_the_home_of_nobody_is_named(execmeta: Run) -> None:
    url = "sqlite:///~nobody-of-this-name/x.db"

    assert "'~nobody-of-this-name/x.db'" in execmeta("list", "--store", url, code=2).stderr


def test_ctrl_c_ends_without_a_word(scribe: Scribe) -> None:
    for number in range(300):
        scribe.add(f"run{number}", metadata={"text": "x" * 900})
    listing = subprocess.Popen(
        [*EXECMETA, "list", "--limit", "1000", "-o", "ndjson"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert listing.stdout is not None
    # From the first byte on it is in the middle of its work, and more than a pipe holds is left.
    os.read(listing.stdout.fileno(), 1)

    listing.send_signal(signal.SIGINT)

    _, told = listing.communicate(timeout=60)
    assert told == b""
    assert listing.returncode == 130


def test_help_of_the_whole_does_not_import_what_commands_need() -> None:
    code = (
        "import sys\n"
        "from execmeta.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'alembic', 'rich', 'sqlite3', 'pluggy', 'asyncio'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run(
        [EXECMETA[0], "-c", code], env=environment(), capture_output=True, text=True, check=True
    )

    assert done.stdout.endswith("loaded: []\n")


def test_a_listing_for_a_program_does_not_import_rich() -> None:
    code = (
        "import sys\n"
        "from execmeta.cli.main import main\n"
        "try:\n    main(['list', '-o', 'json'])\nexcept SystemExit:\n    pass\n"
        "print('loaded:', sorted({'rich', 'sqlalchemy', 'alembic'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [EXECMETA[0], "-c", code], env=environment(), capture_output=True, text=True, check=True
    )

    assert done.stdout.endswith("loaded: []\n")
