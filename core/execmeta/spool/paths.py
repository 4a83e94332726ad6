"""Where the spool lies: four places in order, each checked, none trusted by its name (R1)."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from execmeta.spool.system import NETWORK_FILE_SYSTEMS, file_system_of, is_private, user_tag

SPOOL_VARIABLE: Final = "EXECMETA_SPOOL"
Origin = Literal["named", "state", "temporary"]


class SpoolRefusedError(OSError):
    """A directory cannot hold a spool; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """A directory that may hold the spool."""

    path: Path
    origin: Origin
    """`named` by the user, the user's `state` folder, or the shared `temporary` one."""


def places(environ: Mapping[str, str], named: str | None = None) -> tuple[Place, ...]:
    """Where to look for the spool, best first.

    Args:
        named: the directory from the settings; $EXECMETA_SPOOL by default.
    """
    found: list[Place] = []
    named = named or environ.get(SPOOL_VARIABLE)
    if named:
        path = os.path.expanduser(named)
        # A relative one in a folder that was deleted stays as it is: it cannot be made there.
        with suppress(OSError):
            path = os.path.abspath(path)
        found.append(Place(Path(path), "named"))
    state, home = environ.get("XDG_STATE_HOME", ""), environ.get("HOME", "")
    # The XDG specification has relative paths ignored.
    if not os.path.isabs(state):
        state = os.path.join(home, ".local", "state") if os.path.isabs(home) else ""
    if state:
        found.append(Place(Path(state, "execmeta", "spool"), "state"))
    shared = environ.get("TMPDIR") or environ.get("TEMP") or "/tmp"  # noqa: S108 - checked below
    if os.path.isabs(shared):
        found.append(Place(Path(shared, f"execmeta-{user_tag()}"), "temporary"))
    return tuple(found)


def prepare(place: Place) -> Path:
    """The directory of `place`, made with mode 0700 when it is missing.

    Raises:
        SpoolRefusedError: a network file system, or a shared folder that is not ours alone.
        OSError: it cannot be made.
    """
    path = place.path
    if place.origin == "temporary":
        _make(path)
        # Not stat: somebody else may have put a link there first.
        if not is_private(os.lstat(path)):
            raise SpoolRefusedError(f"{path} is not a private folder of this user")
    else:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
        status = os.stat(path)
        if not stat.S_ISDIR(status.st_mode):
            raise SpoolRefusedError(f"{path} is not a folder")
        if place.origin == "state" and not is_private(status):
            # Ours by name, so it may be tightened; raises when it belongs to somebody else.
            os.chmod(path, 0o700)
    kind = file_system_of(path)
    if kind in NETWORK_FILE_SYSTEMS:
        raise SpoolRefusedError(f"{path} is on a network file system ({kind})")
    return path


def existing(environ: Mapping[str, str], named: str | None = None) -> tuple[Path, ...]:
    """Directories in which a recorder of this user may have left segments, best first.

    All of them, not the first: a recorder that could not write to one took the next.
    """
    found: list[Path] = []
    for place in places(environ, named):
        try:
            status = os.lstat(place.path)
        except OSError:
            continue
        if place.origin == "temporary" and not is_private(status):
            continue
        if place.path.is_dir() and place.path not in found:
            found.append(place.path)
    return tuple(found)


def _make(path: Path) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
