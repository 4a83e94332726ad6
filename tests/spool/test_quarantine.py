"""What no store can take is kept aside, readable and bounded."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from execmeta.spool.quarantine import MAX_QUARANTINE_BYTES, quarantine, quarantined_bytes
from execmeta.spool.reading import BadLine


def test_bad_lines_are_kept_with_place_and_reason(tmp_path: Path) -> None:
    quarantine(
        tmp_path, "a.seg", [BadLine(10, 14, "wrong_length", b"ab\x00"), BadLine(20, 23, "x", b"c")]
    )

    kept = tmp_path / "quarantine" / "a.seg.10.bad"
    assert kept.read_bytes() == (
        b'{"begin": 10, "bytes": 3, "reason": "wrong_length"}\nab\x00\n'
        b'{"begin": 20, "bytes": 1, "reason": "x"}\nc\n'
    )
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_the_same_lines_again_take_no_more_room(tmp_path: Path) -> None:
    for _ in range(3):
        quarantine(tmp_path, "a.seg", [BadLine(0, 3, "x", b"ab\n")])

    assert len(list((tmp_path / "quarantine").iterdir())) == 1


def test_the_oldest_go_when_sixteen_mebibytes_are_full(tmp_path: Path) -> None:
    folder = tmp_path / "quarantine"
    removed = 0
    for number in range(6):
        removed += quarantine(tmp_path, f"{number}.seg", [BadLine(0, 0, "x", b"x" * 5_000_000)])
        os.utime(folder / f"{number}.seg.0.bad", (number, number))

    left = sorted(path.name for path in folder.iterdir())
    assert quarantined_bytes(tmp_path) <= MAX_QUARANTINE_BYTES
    assert removed + len(left) == 6
    assert left[-1] == "5.seg.0.bad"


def test_one_damaged_disk_does_not_drive_out_the_rest(tmp_path: Path) -> None:
    quarantine(tmp_path, "a.seg", [BadLine(n, n + 1, "x", b"x" * 1_000_000) for n in range(30)])

    [kept] = (tmp_path / "quarantine").iterdir()
    assert kept.stat().st_size < MAX_QUARANTINE_BYTES // 3
    assert kept.read_bytes().count(b'"reason": "x"') == 30
