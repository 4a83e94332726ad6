"""`execmeta run`: the command untouched, its end told as shells tell it, its life recorded."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli.scribe import EXECMETA, ROOT, Run, Scribe, Shell, environment

PYTHON = sys.executable


def latest(execmeta: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(execmeta("show", "-o", "json").stdout)
    return found


def started(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """`execmeta run` whose child has said `ready` on stdout."""
    process = subprocess.Popen(
        [*EXECMETA, "run", *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def python(*lines: str) -> list[str]:
    """A child that runs these lines."""
    return ["--", PYTHON, "-u", "-c", "\n".join(lines)]


def test_a_command_is_recorded_with_its_tags(shell: Shell, execmeta: Run) -> None:
    done = shell("run", "-m", "project=ml", "--metadata", "n:=5", "--", "echo", "hi")

    found = latest(execmeta)
    assert done.stdout == "hi\n"
    assert done.stderr == f"execmeta: {found['id']}\n"
    assert (found["kind"], found["name"], found["status"]) == ("command", "echo", "success")
    assert found["metadata"] == {"n": 5, "project": "ml"}
    assert found["parent_id"] is None
    assert found["error"] is None
    assert found["duration_s"] > 0


def test_quiet_prints_nothing_of_its_own(shell: Shell) -> None:
    assert shell("run", "-q", "--", "true").stderr == ""


def test_the_name_can_be_given(shell: Shell, execmeta: Run) -> None:
    shell("run", "--name", "nightly build", "--", "true")

    assert latest(execmeta)["name"] == "nightly build"


@pytest.mark.parametrize("code", [1, 2, 3, 125, 255])
def test_the_exit_code_is_the_childs(shell: Shell, execmeta: Run, code: int) -> None:
    shell("run", "--", "sh", "-c", f"exit {code}", code=code)

    found = latest(execmeta)
    assert found["status"] == "failed"
    assert found["error"] == {"type": "ExitCode", "message": f"exit code {code}", "where": None}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_signal_that_ended_the_child_is_128_and_its_number(
    shell: Shell, execmeta: Run, number: signal.Signals
) -> None:
    shell("run", "--", "sh", "-c", f"kill -{int(number)} $$", code=128 + number)

    found = latest(execmeta)
    assert (found["status"], found["error"]["type"]) == ("failed", "Signal")
    assert found["error"]["message"] == f"ended by {number.name}"


def test_a_missing_command_is_127_and_recorded(shell: Shell, execmeta: Run) -> None:
    done = shell("run", "--", "no-such-command", code=127)

    assert done.stderr.endswith("Error: no-such-command: not found\n")
    assert latest(execmeta)["error"]["type"] == "NotStarted"


@pytest.mark.parametrize("kind", ["folder", "file", "shebang"])
def test_what_cannot_be_executed_is_126(shell: Shell, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "thing"
    if kind == "folder":
        path.mkdir()
    else:
        path.write_text("#!/no/such/interpreter\n" if kind == "shebang" else "text\n")
        path.chmod(0o755 if kind == "shebang" else 0o644)

    assert "Error: ./thing: " in shell("run", "--", "./thing", code=126).stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["-m", "novalue"], "no '='"),
        (["-m", "__x=1"], "reserved"),
        (["-m", "k=" + "x" * 1001], "1000"),
        ([word for number in range(51) for word in ("-m", f"k{number}=x")], "51 keys"),
        (["--env", "novalue"], "NAME=VALUE"),
        (["--env", "1x=secret"], "NAME=VALUE"),
        (["--nope"], "--nope"),
        (["--store", "ftp://x"], "ftp"),
    ],
)
def test_a_bad_option_stops_before_anything_starts(
    shell: Shell, execmeta: Run, tmp_path: Path, options: list[str], told: str
) -> None:
    done = shell("run", *options, "--", "touch", "ran", code=2)

    assert told in done.stderr
    assert "secret" not in done.stderr
    assert not (tmp_path / "ran").exists()
    assert execmeta("list", "-o", "ids").stdout == ""


def test_fifty_keys_are_fine(shell: Shell, execmeta: Run) -> None:
    pairs = [word for number in range(50) for word in ("-m", f"k{number}=x")]

    shell("run", *pairs, "--", "true")

    assert len(latest(execmeta)["metadata"]) == 50


def test_without_a_command_there_is_nothing_to_run(shell: Shell) -> None:
    assert "CMD" in shell("run", "-m", "a=b", code=2).stderr


def test_no_value_of_an_argument_or_variable_is_recorded(
    shell: Shell, execmeta: Run, tmp_path: Path
) -> None:
    script = tmp_path / "tool"
    script.write_text('#!/bin/sh\necho "$TOKEN $*"\n')
    script.chmod(0o755)
    values = ["--password=s3cret-1", "--token", "s3cret-2", "-ps3cret-3", "s3cret-4", "-x", "-5"]

    done = shell("run", "--env", "TOKEN=s3cret-0", "--", str(script), *values)

    found = latest(execmeta)
    assert done.stdout == f"s3cret-0 {' '.join(values)}\n"
    assert found["attributes"]["process.command"] == "tool"
    assert found["attributes"]["process.options"] == ["--password", "--token", "-p", "-x"]
    place = Path(os.environ["EXECMETA_STORE"].removeprefix("sqlite:///")).parent
    kept = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    assert b"s3cret" not in kept


def test_input_and_output_are_the_childs_own(shell: Shell) -> None:
    code = "import sys; sys.stdout.write(sys.stdin.read()[::-1]); sys.stderr.write('err')"

    done = shell("run", "-q", "--", PYTHON, "-c", code, input="abc")

    assert (done.stdout, done.stderr) == ("cba", "err")


def test_the_child_gets_context_and_places(shell: Shell, execmeta: Run, tmp_path: Path) -> None:
    code = "import os; print(sorted(n for n in os.environ if n.startswith('EXECMETA_')))"

    done = shell(
        "run", "--store", "sqlite:///rel.db", "--", "sh", "-c", f'cd / && {PYTHON} -c "{code}"'
    )

    assert done.stdout == "['EXECMETA_CONTEXT', 'EXECMETA_SPOOL', 'EXECMETA_STORE']\n"
    assert (tmp_path / "rel.db").exists()


def test_runs_inside_runs_become_a_tree(shell: Shell, execmeta: Run, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    inner = [*EXECMETA, "run", "-m", "level=2", "--name", "inner", "--", "sh", "-c", "exit 4"]
    outer = ["run", "-m", "project=ml", "--store", "sqlite:///s.db", "--name", "outer", "--"]

    shell(*outer, "env", "-C", "elsewhere", *inner, code=4)

    there = ("--store", f"{tmp_path}/s.db")
    page = json.loads(execmeta("list", *there, "-o", "json").stdout)
    runs = {run["name"]: run for run in page["executions"]}
    assert runs["inner"]["parent_id"] == runs["outer"]["id"]
    assert runs["inner"]["root_id"] == runs["outer"]["id"]
    assert runs["inner"]["metadata"] == {"level": "2", "project": "ml"}
    assert runs["inner"]["sources"] == {"project": f"inherited:{runs['outer']['id']}"}
    assert execmeta("tree", runs["outer"]["id"], *there).stdout.count("✗") == 2


def test_a_parent_can_be_named(shell: Shell, execmeta: Run, scribe: Scribe) -> None:
    parent = scribe.add("deploy", metadata={"env": "prod"})

    shell("run", "--parent", parent[-12:], "--", "true")

    found = latest(execmeta)
    assert (found["parent_id"], found["metadata"]) == (parent, {"env": "prod"})


def test_an_unknown_parent_stops_before_anything_starts(shell: Shell, tmp_path: Path) -> None:
    shell("run", "--parent", "abcdef", "--", "touch", "ran", code=1)

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("broken", ["corrupt", "newer", "unwritable"])
def test_a_store_that_is_out_of_reach_costs_the_command_nothing(
    shell: Shell, tmp_path: Path, broken: str
) -> None:
    path = tmp_path / "s.db"
    if broken == "corrupt":
        path.write_bytes(b"no database" * 100)
    elif broken == "unwritable":
        path = tmp_path / "s.db" / "below.db"
        path.parent.write_text("a file where a folder should be")
    else:
        shell("run", "-q", "--store", f"sqlite:///{path}", "--", "true")
        with sqlite3.connect(path) as database:
            database.execute("UPDATE execmeta_version SET version_num = '9999'")

    done = shell("run", "--store", f"sqlite:///{path}", "--", "sh", "-c", "echo hi; exit 7", code=7)

    assert done.stdout == "hi\n"
    assert "kept in the spool" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_was_kept_is_delivered_by_the_next_command(
    shell: Shell, execmeta: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXECMETA_STORE", f"sqlite:///{tmp_path}/folder/s.db")
    (tmp_path / "folder").write_text("")

    shell("run", "-q", "-m", "a=b", "--", "true", env=environment())
    (tmp_path / "folder").unlink()

    assert latest(execmeta)["metadata"] == {"a": "b"}


def test_a_spool_that_cannot_be_written_costs_the_command_nothing(
    shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    nowhere = {"EXECMETA_SPOOL": "file/a", "XDG_STATE_HOME": f"{tmp_path}/file/b"}
    alone = environment(**nowhere, TMPDIR=f"{tmp_path}/file/c")

    done = shell("run", "--", "sh", "-c", "exit 5", env=alone, code=5)

    assert f"{tmp_path}/file/a: " in done.stderr


def test_a_fault_of_our_own_costs_the_command_nothing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "from execmeta.recording.recorder import Recorder\n"
        "def broken(*arguments, **options):\n    raise RuntimeError('a bug')\n"
        "Recorder.start = broken\n"
    )
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])

    done = shell("run", "--", "sh", "-c", "exit 5", env=environment(PYTHONPATH=path), code=5)

    assert done.stderr == "execmeta: not recorded: RuntimeError: a bug\n"


def test_a_closed_stderr_costs_the_command_nothing(tmp_path: Path) -> None:
    run = f"'{EXECMETA[0]}' -c '{EXECMETA[2]}' run -- touch ran"

    subprocess.run(["bash", "-c", f"{run} 2>&1 >&- | true"], cwd=tmp_path, env=environment())

    assert (tmp_path / "ran").exists()


def test_a_folder_that_is_gone_costs_the_command_nothing(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    # -P: Python 3.13.0 itself fails to import from the current folder when that is gone.
    run = f"'{EXECMETA[0]}' -P -c '{EXECMETA[2]}' run -- sh -c 'exit 5'"

    done = subprocess.run(
        ["bash", "-c", f"rmdir ../gone; {run}"],
        cwd=tmp_path / "gone",
        # Python itself does not start there when its own path is relative.
        env=environment(EXECMETA_STORE="sqlite:///s.db", PYTHONPATH=str(ROOT / "core")),
        stderr=subprocess.PIPE,
        text=True,
    )

    assert done.returncode == 5
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("variable", ["EXECMETA_STORE", "EXECMETA_SPOOL"])
def test_a_place_in_the_home_of_nobody_costs_the_command_nothing(
    shell: Shell, variable: str
) -> None:
    place = {variable: "~nobody-of-this-name/x.db"}

    done = shell("run", "--", "sh", "-c", "exit 5", env=environment(**place), code=5)

    assert "Traceback" not in done.stderr


def test_a_bad_settings_file_costs_the_command_nothing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.execmeta]\nnope = 1\n")

    done = shell("run", "--", "echo", "hi")

    assert done.stdout == "hi\n"
    assert "nope" in done.stderr


def test_disabled_runs_the_child_and_nothing_else(shell: Shell, execmeta: Run) -> None:
    done = shell("run", "--", "sh", "-c", "exit 9", env=environment(EXECMETA_DISABLED="1"), code=9)

    assert done.stderr == ""
    assert execmeta("list", "-o", "ids").stdout == ""


def test_tags_come_from_environment_and_files_too(
    shell: Shell, execmeta: Run, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.execmeta.meta]\nteam = 'web'\nenv = 'dev'\n")

    shell("run", "-m", "a=b", "--", "true", env=environment(EXECMETA_META_ENV="prod"))

    found = latest(execmeta)
    assert found["metadata"] == {"a": "b", "env": "prod", "team": "web"}
    assert found["sources"] == {"env": "env", "team": "config"}


class TestScripts:
    """A Python script in the place of a command: the order of `run train.py --metadata a=b`."""

    @pytest.fixture(autouse=True)
    def script(self, tmp_path: Path) -> Path:
        path = tmp_path / "train.py"
        path.write_text("import os, sys\nprint(sys.argv[1:], os.environ.get('K'))\n")
        return path

    def test_options_may_follow_the_script(self, shell: Shell, execmeta: Run) -> None:
        words = ["data.csv", "--metadata", "a=b", "--lr", "0.1", "--env", "K=V", "--metadata=c=d"]

        done = shell("run", "train.py", *words, "-m", "e=f")

        found = latest(execmeta)
        assert done.stdout == "['data.csv', '--lr', '0.1'] V\n"
        assert (found["name"], found["metadata"]) == ("train.py", {"a": "b", "c": "d", "e": "f"})
        assert found["attributes"]["process.options"] == ["--lr"]

    def test_options_on_both_sides_are_joined(self, shell: Shell, execmeta: Run) -> None:
        shell("run", "-m", "a=1", "train.py", "--metadata", "b=2")

        assert latest(execmeta)["metadata"] == {"a": "1", "b": "2"}

    def test_behind_two_dashes_everything_is_the_scripts(self, shell: Shell) -> None:
        done = shell("run", "--", "train.py", "--metadata", "x")
        later = shell("run", "train.py", "--", "--metadata", "x")

        assert done.stdout == "['--metadata', 'x'] None\n"
        assert later.stdout == "['--', '--metadata', 'x'] None\n"

    def test_a_bad_pair_behind_the_script_stops_it(self, shell: Shell) -> None:
        assert shell("run", "train.py", "--metadata", "x", code=2).stdout == ""
        assert shell("run", "train.py", "--metadata", code=2).stdout == ""

    def test_an_executable_script_runs_as_itself(self, shell: Shell, script: Path) -> None:
        script.write_text("#!/bin/sh\necho shell\n")
        script.chmod(0o755)

        assert shell("run", "train.py").stdout == "shell\n"

    def test_options_of_other_commands_are_theirs(self, shell: Shell) -> None:
        assert shell("run", "echo", "-m", "x", "--metadata").stdout == "-m x --metadata\n"


class TestSignals:
    """Whoever is told to stop, the child hears it once, and its end is recorded."""

    HEARS = (
        "import signal, sys, time",
        "heard = []",
        "def hear(number, frame):",
        "    heard.append(number)",
        "for number in (1, 2, 10, 15): signal.signal(number, hear)",
        "print('ready')",
        "until = time.monotonic() + 30",
        "while not heard and time.monotonic() < until: time.sleep(0.01)",
        "time.sleep(0.3)",
        "print(heard)",
    )

    @pytest.mark.parametrize(
        "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1]
    )
    def test_a_signal_to_us_is_passed_on_once(self, number: signal.Signals) -> None:
        process = started(*python(*self.HEARS, "sys.exit(6)"))

        process.send_signal(number)

        told, _ = process.communicate(timeout=60)
        assert told == f"[{int(number)}]\n"
        assert process.returncode == 6

    @pytest.mark.parametrize(
        ("number", "status"),
        [(signal.SIGINT, "cancelled"), (signal.SIGTERM, "failed"), (signal.SIGHUP, "failed")],
    )
    def test_a_child_that_dies_of_it_gives_128_and_the_number(
        self, execmeta: Run, number: signal.Signals, status: str
    ) -> None:
        process = started("--", "sh", "-c", "echo ready; exec sleep 30")

        process.send_signal(number)

        _, told = process.communicate(timeout=60)
        assert process.returncode == 128 + number
        assert "Traceback" not in told
        assert latest(execmeta)["status"] == status

    def test_ctrl_c_of_a_terminal_reaches_the_child_once(self, execmeta: Run) -> None:
        import pty

        controller, terminal = pty.openpty()
        process = started(
            *python(*self.HEARS, "sys.exit(130)"), stdin=terminal, preexec_fn=own_terminal
        )

        os.write(controller, b"\x03")

        told, _ = process.communicate(timeout=60)
        os.close(controller)
        os.close(terminal)
        assert told == "[2]\n"
        assert process.returncode == 130
        assert latest(execmeta)["status"] == "cancelled"

    def test_a_child_that_takes_an_interrupt_well_is_a_success(self, execmeta: Run) -> None:
        process = started(*python(*self.HEARS))

        process.send_signal(signal.SIGINT)

        process.communicate(timeout=60)
        assert process.returncode == 0
        assert latest(execmeta)["status"] == "success"

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
    def test_the_child_has_the_signals_of_a_shell(self, shell: Shell) -> None:
        run = shell("run", "-q", "--", "grep", "-E", "Sig(Blk|Ign)", "/proc/self/status")

        # Above 31 are the C library's own, which it sets for every process that it spawns.
        words = [int(line.split()[1], 16) & 0x7FFFFFFF for line in run.stdout.splitlines()]
        assert words == [0, 0]

    def test_a_running_command_is_visible_at_once(self, execmeta: Run) -> None:
        process = started("-m", "a=b", "--", "sh", "-c", "echo ready; exec sleep 30")

        found = latest(execmeta)
        process.terminate()
        process.communicate(timeout=60)

        assert (found["status"], found["metadata"]) == ("running", {"a": "b"})
        assert latest(execmeta)["status"] == "failed"

    def test_a_killed_recorder_leaves_a_lost_execution(self, execmeta: Run) -> None:
        process = started("--", "sh", "-c", "echo ready; exec sleep 2")

        process.kill()

        process.communicate(timeout=60)
        assert latest(execmeta)["status"] == "lost"


def own_terminal() -> None:
    """Make the terminal on stdin the controlling one of a new session."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
