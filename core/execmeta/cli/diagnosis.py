"""Diagnosis: facts about store, spool, settings and plug-ins, as JSON; nothing is changed."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from execmeta import __version__
from execmeta.cli.opening import opened, spools
from execmeta.errors import ExecmetaError
from execmeta.hooks.manager import Plugins
from execmeta.settings import SETTINGS, Settings
from execmeta.spool.quarantine import quarantined_bytes
from execmeta.spool.segment import SUFFIX

# reliability.md I14: a write during a checkpoint, with two or more connections, could corrupt the
# file. 3.52.0 was withdrawn.
_WAL_FIXED: Final = (3, 51, 3)
_WITHDRAWN: Final = (3, 52, 0)
_PASSWORD: Final = re.compile(r"(://[^:/@]*:)[^@/]*@")


def diagnosis(settings: Settings) -> dict[str, Any]:
    """Everything that `execmeta doctor` tells; `healthy` is whether the store can be reached."""
    store = _store(settings)
    return {
        "healthy": store["error"] is None,
        "version": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "store": store,
        "spool": [_spool(path) for path in spools(settings)],
        "settings": _settings(settings),
        "plugins": _plugins(settings),
        "warnings": [
            *settings.warnings,
            *_spool_warnings(settings),
            *_sqlite_warnings(),
        ],
    }


def without_password(url: str) -> str:
    """A store URL with its password left out.

    >>> without_password("postgresql://ann:secret@db/execmeta")
    'postgresql://ann:***@db/execmeta'
    """
    return _PASSWORD.sub(r"\1***@", url)


def _store(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {"url": without_password(settings.store), "error": None}
    try:
        with opened(settings) as store:
            stats = store.stats()
    except ExecmetaError as error:
        return {**found, "error": f"{error} {error.hint or ''}".strip()}
    return {
        **found,
        "schema": stats.schema,
        "executions": stats.executions,
        "edits": stats.edits,
        "size_bytes": stats.size_bytes,
    }


def _spool(path: Path) -> dict[str, Any]:
    segments = [entry for entry in path.glob(f"*{SUFFIX}") if entry.is_file()]
    return {
        "path": str(path),
        "segments": len(segments),
        "bytes": sum(_bytes(entry) for entry in segments),
        "quarantined_bytes": quarantined_bytes(path),
    }


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        # Delivered meanwhile.
        return 0


def _settings(settings: Settings) -> list[dict[str, Any]]:
    return [
        {
            "key": setting.key,
            "value": _shown(setting.key, setting.value_in(settings)),
            "origin": settings.origins.get(setting.key, "default"),
        }
        for setting in SETTINGS
    ]


def _shown(key: str, value: Any) -> Any:
    if key == "store":
        return without_password(value)
    if key == "api_key":
        return value and "***"
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _plugins(settings: Settings) -> list[dict[str, Any]]:
    host = Plugins(blocked=settings.plugins.blocked)
    return [
        {
            "name": plugin.name,
            "version": plugin.version,
            "hooks": list(plugin.hooks),
            "failures": plugin.failures,
            "refused": plugin.refused,
        }
        for plugin in host.describe()
    ]


def _spool_warnings(settings: Settings) -> list[str]:
    """That the named spool cannot be used, told from the nearest folder that exists."""
    if not settings.spool:
        return []
    path = Path(os.path.expanduser(settings.spool))
    nearest = next((place for place in (path, *path.parents) if os.path.lexists(place)), path)
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return []
    return [
        f"The spool {path} is not in use: {nearest} is no folder that may be written. "
        "Events go to the next place instead."
    ]


def _sqlite_warnings() -> list[str]:
    version = sqlite3.sqlite_version_info
    if version >= _WAL_FIXED and version != _WITHDRAWN:
        return []
    return [
        f"SQLite {sqlite3.sqlite_version} has a rare fault that can damage a database which "
        "several programs use at once. A Python with SQLite 3.51.3 or newer does not have it."
    ]
