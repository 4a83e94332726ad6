"""Opening a store by its URL; an implementation is imported only when it is opened."""

from __future__ import annotations

import re
from pathlib import Path

from execmeta.errors import SettingsError
from execmeta.store.base import Store

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_SQLITE = "sqlite:///"
_KNOWN = "Known are sqlite:///PATH and memory:."
_LATER = {"postgresql", "postgres", "http", "https"}
_FILE_ENDINGS = (".db", ".sqlite", ".sqlite3")


def open_store(url: str, *, until: float | None = None) -> Store:
    """The store behind `url`: `sqlite:///PATH` (four slashes for an absolute path, `~` for the
    home folder), a bare path that ends in .db, .sqlite or .sqlite3 or holds a slash, or
    `memory:`. A missing SQLite file is created when the store is first used.

    Args:
        until: moment of `time.monotonic` after which `apply` waits for no lock of another
            process; by default it waits a few seconds.

    Raises:
        SettingsError: no such kind of store.
        StoreError: the store cannot be opened.
    """
    if url == "memory:":
        from execmeta.store.memory import MemoryStore

        return MemoryStore()
    path = sqlite_path(url)
    from execmeta.store.sql.store import SqlStore

    return SqlStore(path, until=until)


def upgrade_store(url: str) -> tuple[str | None, str]:
    """Bring the database behind `url` to the schema of this release, or make it; the revision
    before (None: there was no database) and after.

    Raises:
        SettingsError: no such kind of store.
        StoreError: it cannot be opened, or was made by a newer release.
    """
    if url == "memory:":
        return "memory", "memory"
    path = sqlite_path(url)
    from execmeta.store.sql.migrate import upgrade

    return upgrade(path)


def label_of(url: str) -> str:
    """What names a store for good: the same for every spelling of its URL, without credentials.

    >>> label_of("postgresql://me:secret@db:5432/runs?sslmode=require")
    'postgresql://db:5432/runs'
    """
    try:
        return f"{_SQLITE}{sqlite_path(url).resolve()}"
    except (SettingsError, OSError, RuntimeError):
        scheme, mark, rest = url.partition("://")
        rest = re.split(r"[?#]", rest, maxsplit=1)[0]
        place, slash, path = rest.partition("/")
        return f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path}"


def sqlite_path(url: str) -> Path:
    """The file that a SQLite URL or a bare path names.

    Raises SettingsError for every other kind of URL.
    """
    if "\0" in url:
        raise SettingsError(f"A store URL holds no NUL character: {url!a}.")
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return _home_expanded(url.removeprefix(_SQLITE))
    scheme = _SCHEME.match(url)
    # One letter is a Windows drive, not a scheme.
    if scheme is None or len(scheme[1]) == 1:
        if url.lower().endswith(_FILE_ENDINGS) or "/" in url or "\\" in url:
            return _home_expanded(url)
        raise SettingsError(f"{url!a} is not a store URL. {_KNOWN}")
    name = scheme[1].lower()
    if name == "sqlite":
        raise SettingsError(
            f"{url!a} names no file. Write sqlite:///PATH, with four slashes for an absolute path."
        )
    if name.partition("+")[0] in _LATER:
        raise SettingsError(f"Stores of kind {name}: are not in this release. {_KNOWN}")
    raise SettingsError(f"Stores of kind {name}: are not known. {_KNOWN}")


def _home_expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise SettingsError(f"{path!a} names the home folder of an unknown user.") from error
