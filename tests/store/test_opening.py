"""Stores by URL: what is opened, what is refused, and what is not imported for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from execmeta.errors import SettingsError
from execmeta.filters.query import Query
from execmeta.store.opening import open_store, sqlite_path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////data/runs.db", "/data/runs.db"),
        ("sqlite:///runs.db", "runs.db"),
        ("sqlite:///odd name%20?#.db", "odd name%20?#.db"),
        ("sqlite:///~/runs.db", str(Path.home() / "runs.db")),
        ("runs.db", "runs.db"),
        ("./runs", "runs"),
        ("/data/runs.SQLITE3", "/data/runs.SQLITE3"),
        ("C:/data/runs.db", "C:/data/runs.db"),
    ],
)
def test_urls_and_paths_of_sqlite_files(url: str, path: str) -> None:
    assert sqlite_path(url) == Path(path)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "not a store URL"),
        ("runs", "not a store URL"),
        ("sqlite:", "names no file"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///a\0b", "NUL"),
        ("postgresql+psycopg://u:secret@db/x", "postgresql.*not in this release"),
        ("https://u:secret@host/", "https: are not in this release"),
        ("mysql://u:secret@db/x", "mysql: are not known"),
        ("memory://x", "memory: are not known"),
    ],
)
def test_other_urls_are_refused_without_repeating_credentials(url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        open_store(url)

    assert "secret" not in str(caught.value)
    assert "\0" in url or "sqlite:///PATH" in str(caught.value)


def test_a_missing_file_is_made_with_its_folder(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/new/deep/runs.db")

    assert not (tmp_path / "new").exists()
    assert store.list(Query()).executions == ()
    assert (tmp_path / "new" / "deep" / "runs.db").exists()
    assert store.url == f"sqlite:///{tmp_path}/new/deep/runs.db"
    store.close()


def test_a_search_imports_the_standard_library_only(tmp_path: Path) -> None:
    program = (
        "import sys; from execmeta.store.opening import open_store;"
        "from execmeta.filters.binder import bind_query;"
        "early = {'execmeta.store.sql.store', 'sqlite3'} & set(sys.modules);"
        "open_store(sys.argv[1]).list(bind_query('a=1 or b>2'));"
        "print(sorted(early), sorted({n.split('.')[0] for n in sys.modules}"
        " & {'sqlalchemy', 'alembic', 'click', 'rich', 'pluggy'}))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, f"sqlite:///{tmp_path}/x.db"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert found.stdout.split("\n")[0] == "[] []"
