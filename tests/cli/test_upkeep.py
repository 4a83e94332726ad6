"""`drain`, `db` and `doctor`: the store and the spool looked after."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from cli.scribe import EXECMETA, Run, Scribe, Shell, environment


@pytest.fixture
def blocker(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that keeps the store from being made; one command waits in the spool."""
    path = tmp_path / "folder"
    path.write_text("")
    monkeypatch.setenv("EXECMETA_STORE", f"sqlite:///{path}/s.db")
    shell("run", "-q", "-m", "a=b", "--", "true", env=environment())
    return path


@pytest.fixture
def waiting(blocker: Path) -> None:
    """One recorded command whose events are in the spool only; the store is there now."""
    blocker.unlink()


def test_drain_delivers_what_waits(execmeta: Run, waiting: None) -> None:
    first, second = execmeta("drain"), execmeta("drain")

    assert first.stdout == "2 events stored.\n1 finished segment removed.\n"
    assert second.stdout == "0 events stored.\n"
    assert len(execmeta("list", "-o", "ids").stdout.split()) == 1


def test_drain_tells_as_json(execmeta: Run, waiting: None) -> None:
    report = json.loads(execmeta("drain", "-o", "json").stdout)

    assert (report["applied"], report["taken"], report["left"]) == (2, 1, 0)
    assert report["reasons"] == []


def test_a_damaged_segment_is_put_aside_and_told(execmeta: Run, waiting: None) -> None:
    (segment,) = Path(os.environ["EXECMETA_SPOOL"]).glob("*.seg")
    segment.write_bytes(segment.read_bytes() + b"damaged\n")

    result = execmeta("drain")

    assert "1 damaged piece put aside.\n" in result.stdout
    assert "quarantine" in execmeta("doctor").stdout


def test_drain_into_a_store_that_is_out_of_reach_exits_with_three(
    execmeta: Run, blocker: Path
) -> None:
    refused = execmeta("drain", code=3)
    blocker.unlink()

    assert str(blocker) in refused.stderr
    assert execmeta("drain").stdout.startswith("2 events stored.")


def test_events_for_another_store_are_left_and_told(
    execmeta: Run, waiting: None, tmp_path: Path
) -> None:
    told = execmeta("drain", "--store", f"sqlite:///{tmp_path}/other.db").stdout

    assert told.startswith("0 events stored.\n1 segment left for another store: ")
    assert f"{tmp_path}/folder/s.db\n" in told
    assert execmeta("drain").stdout.startswith("2 events stored.")


def test_upgrade_makes_a_database_and_then_has_nothing_to_do(execmeta: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/folder/s.db"

    first = execmeta("db", "upgrade", "--store", url)
    second = execmeta("db", "upgrade", "--store", url)

    assert first.stdout == "Schema none → 0001.\n"
    assert second.stdout == "Up to date: schema 0001.\n"
    assert execmeta("db", "upgrade", "--store", "memory:").stdout.startswith("Up to date")


def test_check_of_a_healthy_store(execmeta: Run, scribe: Scribe) -> None:
    scribe.add(metadata={"a": "b"})

    assert execmeta("db", "check").stdout == "1 execution checked, no problem found.\n"
    assert json.loads(execmeta("db", "check", "-o", "json").stdout) == {
        "executions": 1,
        "problems": [],
    }


def test_check_finds_and_reindex_mends_a_damaged_index(execmeta: Run, scribe: Scribe) -> None:
    scribe.add(metadata={"a": "b"})
    with sqlite3.connect(os.environ["EXECMETA_STORE"].removeprefix("sqlite:///")) as database:
        database.execute("DELETE FROM kv")
        database.execute("INSERT INTO tok(tok) VALUES ('delete-all')")

    broken = execmeta("db", "check", code=3)
    execmeta("db", "reindex")

    assert "1 execution checked, " in broken.stdout
    assert "execmeta db reindex" in broken.stderr
    assert execmeta("db", "check").stdout.endswith("no problem found.\n")
    assert len(execmeta("list", "a=b", "-o", "ids").stdout.split()) == 1


def test_a_person_sees_a_bar_and_a_program_does_not(scribe: Scribe, shell: Shell) -> None:
    scribe.add()
    controller, terminal = pty.openpty()

    subprocess.run(
        [*EXECMETA, "db", "reindex"],
        env=environment(TERM="xterm"),
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        check=True,
    )

    assert b"Indexing" in os.read(controller, 65_536)
    os.close(controller)
    os.close(terminal)
    assert shell("db", "reindex").stderr == ""


def test_stats_of_the_database(execmeta: Run, scribe: Scribe) -> None:
    scribe.edit(scribe.add(), set={"a": "b"})

    shown = json.loads(execmeta("db", "stats", "-o", "json").stdout)

    assert (shown["executions"], shown["edits"], shown["schema"]) == (1, 1, "0001")
    assert shown["size_bytes"] > 0
    assert "executions  1\n" in execmeta("db", "stats").stdout


def test_doctor_of_a_healthy_installation(execmeta: Run, scribe: Scribe) -> None:
    scribe.add()

    found = json.loads(execmeta("doctor", "-o", "json").stdout)

    assert list(found) == [
        *("healthy", "version", "python", "sqlite", "store", "spool", "settings", "plugins"),
        "warnings",
    ]
    assert found["healthy"] is True
    assert found["store"]["executions"] == 1
    origins = {setting["key"]: setting["origin"] for setting in found["settings"]}
    assert origins["disabled"] == "default"
    assert "EXECMETA_STORE" in origins["store"]
    assert "1 execution, 0 edits" in execmeta("doctor").stdout


def test_doctor_counts_what_waits(execmeta: Run, waiting: None) -> None:
    (place,) = json.loads(execmeta("doctor", "-o", "json").stdout)["spool"]

    assert place["path"] == os.environ["EXECMETA_SPOOL"]
    assert place["segments"] == 1
    assert place["bytes"] > 0


def test_the_users_own_spool_is_left_alone_where_another_is_named(
    execmeta: Run, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "file").write_text("")
    theirs = {**environment(), "EXECMETA_STORE": f"sqlite:///{tmp_path}/file/s.db"}
    del theirs["EXECMETA_SPOOL"]
    shell("run", "-q", "--", "true", env=theirs)

    execmeta("drain")

    assert execmeta("list", "-o", "ids").stdout == ""
    assert len(list((tmp_path / "state/execmeta/spool").glob("*.seg"))) == 1


def test_doctor_exits_with_three_when_the_store_is_out_of_reach(
    execmeta: Run, tmp_path: Path
) -> None:
    path = tmp_path / "broken.db"
    path.write_bytes(b"no database" * 100)

    shown = execmeta("doctor", "--store", str(path), code=3)
    found = json.loads(execmeta("doctor", "--store", str(path), "-o", "json", code=3).stdout)

    assert "not usable: " in shown.stdout
    assert (found["healthy"], str(path) in found["store"]["error"]) == (False, True)


def test_doctor_warns_of_a_spool_that_cannot_be_used(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "spool")

    shown = shell("doctor", env=environment(EXECMETA_SPOOL=place)).stdout

    assert f"{place} is not in use: {tmp_path}/file is no folder" in shown


def test_doctor_shows_wrong_settings_and_no_secret(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.execmeta]\nexit_timout = 1\n")
    secret = environment(EXECMETA_API_KEY="exm_topsecret")

    shown = shell("doctor", env=secret).stdout
    as_json = shell("doctor", "-o", "json", env=secret).stdout

    assert "exit_timout" in shown
    assert "exit_timeout" in shown
    assert "topsecret" not in shown + as_json


def test_doctor_names_plug_ins_and_their_faults(shell: Shell, tmp_path: Path) -> None:
    info = tmp_path / "acme-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[execmeta]\nacme = acme_hooks\nbroken = no_such_module\n"
    )
    (tmp_path / "acme_hooks.py").write_text(
        "from execmeta import hookimpl\n"
        "@hookimpl\ndef execmeta_before_start(draft):\n    return {'team': 'acme'}\n"
    )
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])

    shown = shell("doctor", env=environment(PYTHONPATH=path)).stdout

    assert "plug-in    acme 1.2: before_start\n" in shown
    assert "plug-in    broken 1.2: not in use, " in shown


def test_a_plug_ins_field_is_found_by_its_bare_name(
    shell: Shell, scribe: Scribe, tmp_path: Path
) -> None:
    scribe.add("one", attributes={"acme.region": "eu"})
    scribe.add("two", attributes={"acme.region": "us"})
    info = tmp_path / "acme-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[execmeta]\nacme = acme_hooks\nbad = bad_hooks\n")
    field = "Field({!r}, 'text', 'Where.', 'x=1')"
    for module, name in (("acme_hooks", "acme.region"), ("bad_hooks", "region")):
        (tmp_path / f"{module}.py").write_text(
            "from execmeta import hookimpl\nfrom execmeta.filters.fields import Field\n"
            f"@hookimpl\ndef execmeta_filter_fields():\n    return [{field.format(name)}]\n"
        )
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])

    found = shell("list", "acme.region=eu", "-o", "json", env=environment(PYTHONPATH=path))

    (one,) = json.loads(found.stdout)["executions"]
    assert one["name"] == "one"
    assert found.stderr.startswith("Plug-in bad failed in execmeta_filter_fields ")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(execmeta: Run, name: str) -> None:
    assert "_EXECMETA_COMPLETE" in execmeta("completion", name).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("execmeta me", ["metadata"]),
        ("execmeta list -o nd", ["ndjson"]),
        ("execmeta tree --status fa", ["failed"]),
        ("execmeta db ch", ["check"]),
    ],
)
def test_commands_and_values_are_completed(words: str, expected: list[str]) -> None:
    asked = environment(
        COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1), _EXECMETA_COMPLETE="bash_complete"
    )
    code = "from execmeta.cli.main import main; main(prog_name='execmeta')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=True
    )

    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == expected
