"""Quarantine: bytes that no store can take, kept aside for a person to look at, bounded (R13).

One file per pass over a segment, `quarantine/<segment>.<offset of the first piece>.bad`: for each
piece a JSON line `{begin, bytes, reason}`, the bytes as they were, a line feed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from execmeta.spool.reading import BadLine
from execmeta.spool.system import READ_FLAGS

FOLDER: Final = "quarantine"
MAX_QUARANTINE_BYTES: Final = 16 * 1024 * 1024
"""All files together; the oldest ones go first."""
_BAD: Final = ".bad"


def quarantine(directory: Path, segment: str, pieces: Sequence[BadLine]) -> int:
    """Keep bad lines of a segment (at least one); how many older files had to go for them.

    Done again for the same lines it replaces what it kept before.

    Raises:
        OSError: they cannot be kept; the segment must stay then.
    """
    folder = directory / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    name = f"{segment}.{pieces[0].begin}"
    target, unfinished = folder / (name + _BAD), folder / f"{name}.{os.getpid()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | (READ_FLAGS & ~os.O_RDONLY)
    with open(os.open(unfinished, flags, 0o600), "wb") as out:
        room = MAX_QUARANTINE_BYTES // 4
        for piece in pieces:
            # One damaged disk must not drive out everything else: the rest is only described.
            kept = piece.raw[: max(room, 0)]
            room -= len(kept)
            head = {"begin": piece.begin, "bytes": len(kept), "reason": piece.reason}
            out.write(json.dumps(head).encode("ascii") + b"\n" + kept + b"\n")
        out.flush()
        os.fsync(out.fileno())
    os.replace(unfinished, target)
    return _shrink(folder, target)


def quarantined_bytes(directory: Path) -> int:
    """Bytes in quarantine."""
    return sum(size for _, size, _ in _files(directory / FOLDER))


def _shrink(folder: Path, newest: Path) -> int:
    files = sorted(_files(folder))
    total, removed = sum(size for _, size, _ in files), 0
    for _, size, path in files:
        if total <= MAX_QUARANTINE_BYTES:
            break
        if path != newest:
            path.unlink(missing_ok=True)
            total -= size
            removed += 1
    return removed


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    found = []
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return []
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        found.append((status.st_mtime, status.st_size, Path(entry.path)))
    return found
