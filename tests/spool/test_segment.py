"""A segment on disk: its name, its modes, its lock, and what a full disk does to it."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from execmeta.spool.lines import to_line
from execmeta.spool.reading import TORN_TAIL, BadLine, GoodLine, header_of
from execmeta.spool.segment import SegmentBusyError, SegmentTakenError, SegmentWriter
from execmeta.spool.system import take_lock

Reader = Callable[..., list[GoodLine | BadLine]]


def event(number: int, pad: str = "") -> bytes:
    return to_line(f'{{"n":{number},"pad":"{pad}"}}')


def numbers(lines: list[GoodLine | BadLine]) -> list[int]:
    return [line.value["n"] for line in lines if isinstance(line, GoodLine) and "n" in line.value]


def is_locked(path: Path) -> bool:
    """Whether another process finds the segment locked."""
    program = (
        "import os, sys; from execmeta.spool.system import take_lock;"
        "sys.exit(take_lock(os.open(sys.argv[1], os.O_RDONLY)))"
    )
    return subprocess.run([sys.executable, "-c", program, path], check=False).returncode == 0


def test_a_new_segment_has_a_name_that_sorts_by_time_and_a_header(
    segment: SegmentWriter, read: Reader
) -> None:
    assert re.fullmatch(
        rf"1795247669123-[0-9a-f]{{8}}-{os.getpid()}-[0-9a-f]{{8}}\.seg", segment.name
    )
    [header] = read(segment.path)
    assert header_of(header) == (77, os.getpid(), os.uname().nodename, 1_795_247_669_123_456, "")


def test_only_its_owner_may_read_a_segment(segment: SegmentWriter) -> None:
    status = segment.path.stat()

    assert stat.S_IMODE(status.st_mode) == 0o600
    assert list(segment.path.parent.iterdir()) == [segment.path]


def test_a_segment_is_locked_while_its_writer_lives_and_free_afterwards(
    segment: SegmentWriter,
) -> None:
    alive = is_locked(segment.path)
    segment.close()

    assert (alive, is_locked(segment.path)) == (True, False)


def test_each_event_is_one_line_in_order(segment: SegmentWriter, read: Reader) -> None:
    for number in range(3):
        segment.append(event(number))

    assert numbers(read(segment.path)) == [0, 1, 2]


def test_reading_goes_on_from_the_offset_of_an_earlier_reading(
    segment: SegmentWriter, read: Reader
) -> None:
    segment.append(event(1))
    seen = read(segment.path)[-1].end
    segment.append(event(2))

    assert numbers(read(segment.path, seen)) == [2]


def test_a_full_disk_leaves_no_torn_line_and_the_segment_goes_on_later(
    segment: SegmentWriter, read: Reader
) -> None:
    segment.append(event(1))
    size = segment.path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))
        with pytest.raises(OSError) as short:
            segment.append(event(2))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        with pytest.raises(OSError) as none:
            segment.append(event(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    full = segment.path.stat().st_size
    segment.append(event(4))

    assert (short.value.errno, none.value.errno) == (errno.ENOSPC, errno.EFBIG)
    assert full == size
    assert numbers(read(segment.path)) == [1, 4]


def test_a_write_that_a_signal_cut_short_is_healed_by_the_next_one(
    segment: SegmentWriter, read: Reader
) -> None:
    segment.append(event(1))
    # What the exception of a signal handler leaves between a short write and its repair.
    os.write(segment.fileno(), event(2)[:-5])
    segment._suspect = True

    segment.append(event(3))

    assert numbers(read(segment.path)) == [1, 3]
    assert not [line for line in read(segment.path) if isinstance(line, BadLine)]


def test_a_signal_handler_cannot_write_into_a_line(
    segment: SegmentWriter, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def handler(*_: object) -> None:
        try:
            segment.append(event(2))
        except SegmentBusyError as error:
            refused.append(error.errno)

    real_write = os.write

    def interrupted_write(fd: int, data: bytes) -> int:
        signal.raise_signal(signal.SIGUSR1)
        return real_write(fd, data)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", interrupted_write)
            segment.append(event(1))
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert refused == [errno.EBUSY]
    assert numbers(read(segment.path)) == [1]


def test_a_folder_that_cannot_be_written_raises_and_keeps_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        SegmentWriter.create(tmp_path / "missing", 1, 0)

    assert list(tmp_path.iterdir()) == []


def test_a_removed_segment_says_so(segment: SegmentWriter) -> None:
    before = segment.is_unlinked
    segment.path.unlink()

    assert (before, segment.is_unlinked) == (False, True)


def test_a_file_that_got_the_number_of_a_closed_descriptor_is_left_alone(
    segment: SegmentWriter, read: Reader, tmp_path: Path
) -> None:
    segment.append(event(1))
    number = segment.fileno()
    os.close(number)
    theirs = os.open(tmp_path / "theirs", os.O_RDWR | os.O_CREAT)
    assert theirs == number
    os.write(theirs, b"precious")

    with pytest.raises(SegmentTakenError):
        segment.append(event(2))
    with pytest.raises(SegmentTakenError):
        segment.fileno()
    segment.close()

    assert os.pread(theirs, 100, 0) == b"precious"
    assert numbers(read(segment.path)) == [1]
    os.close(theirs)


def test_a_child_keeps_no_copy_of_the_descriptor(segment: SegmentWriter) -> None:
    inode = segment.path.stat().st_ino
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        found = []
        for name in os.listdir("/dev/fd"):
            try:
                found.append(os.fstat(int(name)).st_ino == inode)
            except OSError:
                continue
        os.write(writer, b"%d" % sum(found))
        os._exit(0)
    os.waitpid(pid, 0)

    assert os.read(reader, 10) == b"0"
    assert is_locked(segment.path)
    os.close(reader)
    os.close(writer)


def test_every_truncation_keeps_the_whole_lines_before_it(
    segment: SegmentWriter, read: Reader
) -> None:
    ends = [segment.path.stat().st_size]
    for number in range(3):
        segment.append(event(number, "pad"))
        ends.append(segment.path.stat().st_size)
    data = segment.path.read_bytes()

    for length in range(len(data) + 1):
        lines = read(data[:length])
        whole = sum(end <= length for end in ends)
        assert len([line for line in lines if isinstance(line, GoodLine)]) == whole
        torn = [line for line in lines if isinstance(line, BadLine)]
        begins = max([0, *(end for end in ends if end <= length)])
        assert [(line.begin, line.reason) for line in torn] == (
            [(begins, TORN_TAIL)] if length > begins else []
        )


def test_no_single_flipped_bit_is_accepted_and_each_costs_two_lines_at_most(
    segment: SegmentWriter, read: Reader
) -> None:
    for number in range(4):
        segment.append(event(number, "päd".encode("ascii", "replace").decode()))
    data = segment.path.read_bytes()
    written = [line.value for line in read(data) if isinstance(line, GoodLine)]

    worst, wrong = 0, 0
    for position in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[position // 8] ^= 1 << position % 8
        found = [line.value for line in read(bytes(flipped)) if isinstance(line, GoodLine)]
        wrong += sum(value not in written for value in found)
        worst = max(worst, len(written) - len(found))

    assert (wrong, worst) == (0, 2)


@pytest.mark.parametrize(
    "garbage", [b"\0" * 5000, b"\n" * 50, b"\xff" * 300 + b"\n", b"x" * 3_000_000]
)
def test_garbage_between_segments_parts_is_named_and_passed(
    segment: SegmentWriter, read: Reader, garbage: bytes
) -> None:
    segment.append(event(1))
    data = segment.path.read_bytes() + garbage + b"\n" + event(2)

    lines = read(data)

    assert numbers(lines) == [1, 2]
    assert all(len(line.raw) <= 1_048_576 for line in lines if isinstance(line, BadLine))
    assert [line.end for line in lines][-1] == len(data)


def test_lines_longer_than_a_read_are_read_whole(segment: SegmentWriter, read: Reader) -> None:
    segment.append(event(1, "x" * 900_000))
    segment.append(event(2))

    assert numbers(read(segment.path)) == [1, 2]


def test_taking_a_lock_twice_in_two_descriptors_fails(segment: SegmentWriter) -> None:
    other = os.open(segment.path, os.O_RDONLY)
    try:
        assert not take_lock(other)
    finally:
        os.close(other)
