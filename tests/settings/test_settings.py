"""Settings: four sources in order, typed, with helpful errors, and a mode that never raises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from execmeta.errors import SettingsError
from execmeta.settings import SETTINGS, Settings, load_settings


class Place:
    """A project below a home, both empty at first."""

    def __init__(self, root: Path) -> None:
        self.project = root / "project"
        self.cwd = self.project / "sub" / "deeper"
        self.cwd.mkdir(parents=True)
        self.home = root / "home"
        self.environ = {"HOME": str(self.home), "XDG_CONFIG_HOME": str(root / "config")}
        self.config = root / "config" / "execmeta" / "config.toml"
        self.config.parent.mkdir(parents=True)

    def write(self, text: str) -> None:
        (self.project / "pyproject.toml").write_text(text)

    def load(self, arguments: dict[str, Any] | None = None, **options: Any) -> Settings:
        return load_settings(arguments, environ=self.environ, cwd=self.cwd, **options)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_without_any_source_everything_has_its_default(place: Place) -> None:
    settings = place.load()

    folder = "Library/Application Support" if sys.platform == "darwin" else ".local/share"
    assert settings == Settings(store=f"sqlite:///{place.home}/{folder}/execmeta/execmeta.db")


def test_arguments_beat_environment_beats_project_beats_user(place: Place) -> None:
    for_all = {"exit_timeout": 1, "store": "memory:", "spool": "/a"}
    place.config.write_text('exit_timeout = 4\nstore = "d"\nspool = "/d"\ndisabled = true\n')
    place.write('[tool.execmeta]\nexit_timeout = 3\nstore = "c"\nspool = "/c"\n')
    assert (place.load().exit_timeout, place.load().spool, place.load().disabled) == (3, "/c", True)

    place.environ |= {"EXECMETA_EXIT_TIMEOUT": "2", "EXECMETA_STORE": "b", "EXECMETA_SPOOL": ""}
    assert (place.load().exit_timeout, place.load().store, place.load().spool) == (2, "b", "/c")

    settings = place.load(for_all)
    assert (settings.exit_timeout, settings.store, settings.spool) == (1, "memory:", "/a")
    assert place.load({"store": None}).store == "b"


def test_the_nearest_project_file_counts_alone(place: Place) -> None:
    place.write('[tool.execmeta]\nstore = "far"\n')
    (place.cwd.parent / "pyproject.toml").write_text("[tool.other]\nexecmeta = 1\n")

    assert place.load().store != "far"


def test_metadata_of_files_is_joined_by_key(place: Place) -> None:
    place.config.write_text('[meta]\nowner = "ann"\nteam = "web"\n')
    place.write('[tool.execmeta.meta]\nteam = "ml"\npriority = 5\n')

    assert dict(place.load().meta) == {"team": "ml", "priority": 5, "owner": "ann"}


def test_tables_below_and_lists(place: Place) -> None:
    place.write(
        '[tool.execmeta]\nreserved_prefixes = ["corp."]\n'
        '[tool.execmeta.redact]\nallow = ["pin"]\npatterns = ["X[0-9]+"]\n'
    )
    place.environ["EXECMETA_PLUGINS_BLOCKED"] = "one, two,"

    settings = place.load()

    assert settings.reserved_prefixes == ("corp.",)
    assert (settings.redact.allow, settings.redact.patterns) == (("pin",), ("X[0-9]+",))
    assert settings.plugins.blocked == ("one", "two")


@pytest.mark.parametrize(
    ("store", "found"),
    [
        ("sqlite:///runs.db", "sqlite:///{project}/runs.db"),
        ("sqlite:////srv/runs.db", "sqlite:////srv/runs.db"),
        ("memory:", "memory:"),
    ],
)
def test_a_relative_path_in_a_file_starts_at_its_folder(
    place: Place, store: str, found: str
) -> None:
    place.write(f'[tool.execmeta]\nstore = "{store}"\nspool = "spool"\n')

    settings = place.load()

    assert settings.store == found.format(project=place.project)
    assert settings.spool == str(place.project / "spool")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('stroe = "x"', r"tool.execmeta.stroe: there is no such setting. Did you mean store\?"),
        ("redact.alow = []", r"redact.alow: .* Did you mean redact.allow"),
        ("zzz = 1", r"Known: store, spool"),
        ("disabled = 1", r"disabled: expected true or false"),
        ("store = 5", "store: expected text"),
        ('exit_timeout = "x"', "exit_timeout: expected seconds from 0 to 3600"),
        ("exit_timeout = -1", "expected seconds"),
        ("exit_timeout = nan", "expected seconds"),
        ("redact = 1", "redact: there is no such setting"),
        ("redact.allow = [1]", "redact.allow: expected a list of texts"),
        ('redact.patterns = ["("]', "is not a regular expression"),
        ("meta = 1", "meta: expected a table"),
        ('api_key = "emk_1"', "does not belong into a file that others read"),
        ("store = ", "pyproject.toml: not TOML"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(place: Place, text: str, told: str) -> None:
    place.write(f"[tool.execmeta]\n{text}\n")

    with pytest.raises(SettingsError, match=told) as caught:
        place.load()
    assert str(place.project / "pyproject.toml") in caught.value.message

    settings = place.load(lenient=True)
    assert settings.warnings == (caught.value.message,)
    assert settings == Settings(store=settings.store, warnings=settings.warnings)


def test_one_wrong_value_does_not_cost_the_others_when_lenient(place: Place) -> None:
    place.write('[tool.execmeta]\ndisabled = 1\nstore = "memory:"\n[tool.execmeta.meta]\na = 1\n')

    settings = place.load(lenient=True)

    assert (settings.store, dict(settings.meta), len(settings.warnings)) == (
        "memory:",
        {"a": 1},
        1,
    )


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("EXECMETA_DISABLED", "maybe", "EXECMETA_DISABLED: expected 1, true, yes, on or 0"),
        ("EXECMETA_EXIT_TIMEOUT", "soon", "EXECMETA_EXIT_TIMEOUT: expected seconds"),
        ("EXECMETA_EXIT_TIMEOUT", "inf", "EXECMETA_EXIT_TIMEOUT: expected seconds"),
    ],
)
def test_a_wrong_variable_is_named(place: Place, name: str, text: str, told: str) -> None:
    place.environ[name] = text

    with pytest.raises(SettingsError, match=told):
        place.load()
    assert len(place.load(lenient=True).warnings) == 1


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("off", False)])
def test_yes_and_no_in_the_environment(place: Place, text: str, value: bool) -> None:
    place.environ["EXECMETA_DISABLED"] = text

    assert place.load().disabled is value


def test_the_origin_of_each_value_is_told(place: Place) -> None:
    place.config.write_text('store = "d"\nspool = "/d"\n')
    place.write('[tool.execmeta]\nstore = "c"\nmeta = {team = "ml"}\n')
    place.environ["EXECMETA_STORE"] = "b"

    assert place.load({"exit_timeout": 1}).origins == {
        "exit_timeout": "argument",
        "store": "$EXECMETA_STORE",
        "spool": str(place.config),
        "meta": str(place.project / "pyproject.toml"),
    }


def test_an_unknown_argument_is_named(place: Place) -> None:
    with pytest.raises(SettingsError, match=r"argument stor: .* Did you mean store\?"):
        place.load({"stor": "memory:"})


def test_a_key_is_taken_from_the_users_own_file_and_never_shown(place: Place) -> None:
    place.config.write_text('api_key = "emk_1"\n')

    settings = place.load()

    assert settings.api_key == "emk_1"
    assert "emk_1" not in repr(settings)


def test_files_that_cannot_be_read_are_no_stop_when_lenient(place: Place) -> None:
    place.config.mkdir()
    (place.project / "pyproject.toml").write_bytes(b"execmeta\xff")

    settings = place.load(lenient=True)

    assert len(settings.warnings) == 2
    with pytest.raises(SettingsError, match="not TOML: UnicodeDecodeError"):
        place.load()


def test_relative_xdg_folders_are_ignored(place: Place) -> None:
    place.environ["XDG_DATA_HOME"] = "data"

    assert str(place.home) in place.load().store


def test_a_removed_working_directory_has_no_project(place: Place) -> None:
    code = "import os, execmeta.settings as s; os.rmdir(os.getcwd()); print(s.load_settings().meta)"
    gone = place.cwd / "gone"
    gone.mkdir()

    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=gone,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
    )

    assert (ran.stdout, ran.stderr) == ("{}\n", "")


def test_toml_is_imported_only_where_a_file_speaks_of_execmeta(place: Place) -> None:
    place.write("[project]\nname = 'other'\n")
    code = "import sys, execmeta.settings as s; s.load_settings(); print('tomllib' in sys.modules)"

    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=place.cwd,
        env={**place.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
    )

    assert (ran.stdout, ran.stderr) == ("False\n", "")


def test_every_setting_is_told_with_type_default_and_meaning(place: Place) -> None:
    settings = place.load()

    assert len(SETTINGS) == 10
    for setting in SETTINGS:
        assert setting.doc.endswith(".")
        assert setting.default
        assert not setting.env or setting.env.startswith("EXECMETA_")
        assert setting.value_in(settings) is not ...
    assert [s.value_in(settings) for s in SETTINGS if s.key == "redact.allow"] == [()]
