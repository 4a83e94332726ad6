"""Draining a spool: dead writers are taken, live ones only read, nothing bad stops it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from recording.spools import AT_US, Spool

from execmeta.errors import ExecutionNotFoundError, StoreUnavailableError
from execmeta.model.event import Event
from execmeta.model.ids import ExecutionId
from execmeta.recording.drain import drain, drain_all
from execmeta.recording.recorder import Recorder
from execmeta.settings import Settings
from execmeta.spool.lines import to_line
from execmeta.store.base import Applied, Store
from execmeta.store.memory import MemoryStore
from execmeta.store.opening import label_of, open_store

Ids = Callable[[int], list[ExecutionId]]


def test_a_dead_writers_segment_is_applied_and_removed(
    spool: Spool, store: Store, ids: Ids
) -> None:
    [one] = ids(1)
    writer = spool.writer()
    writer.append(spool.started(one, metadata={"env": "prod"}))
    writer.append(spool.finished(one))
    writer.close()

    report = drain(store, spool.directory)

    assert (report.applied, report.taken, report.left, report.reasons) == (2, 1, 0, [])
    assert store.get(one).status == "success"
    assert store.get(one).metadata == {"env": "prod"}
    assert spool.segments() == []
    assert store.segments() == {}


def test_a_live_writers_lines_are_applied_and_its_segment_stays(
    spool: Spool, store: Store, ids: Ids
) -> None:
    one, two = ids(2)
    writer = spool.writer()
    writer.append(spool.started(one))
    first = drain(store, spool.directory)
    seen = store.get(one).status
    writer.append(spool.started(two))
    second = drain(store, spool.directory)
    third = drain(store, spool.directory)

    assert seen == "running"
    assert [(r.applied, r.live, r.taken, r.lost) for r in (first, second, third)] == [
        (1, 1, 0, 0),
        (1, 1, 0, 0),
        (0, 1, 0, 0),
    ]
    assert spool.segments() == [writer.name]
    assert store.segments() == {writer.name: writer.path.stat().st_size}


def test_half_a_line_of_a_live_writer_waits_for_its_rest(
    spool: Spool, store: Store, ids: Ids
) -> None:
    [one] = ids(1)
    writer = spool.writer()
    line = spool.started(one)
    os.write(writer.fileno(), line[:40])
    half = drain(store, spool.directory)
    os.write(writer.fileno(), line[40:])
    whole = drain(store, spool.directory)

    assert (half.applied, half.quarantined, whole.applied) == (0, 0, 1)
    assert store.get(one).name == "train"


def test_what_was_read_while_the_writer_lived_is_not_applied_again(
    spool: Spool, store: Store, ids: Ids
) -> None:
    one, two = ids(2)
    writer = spool.writer()
    writer.append(spool.started(one, status="success", ended=AT_US))
    drain(store, spool.directory)
    writer.append(spool.started(two, status="success", ended=AT_US))
    writer.close()

    report = drain(store, spool.directory)

    assert (report.applied, report.taken, report.lost) == (1, 1, 0)


def test_a_torn_end_goes_to_quarantine_and_the_rest_into_the_store(
    spool: Spool, store: Store, ids: Ids
) -> None:
    [one] = ids(1)
    writer = spool.writer()
    writer.append(spool.started(one, status="success", ended=AT_US))
    torn = spool.finished(one)[:-7]
    os.write(writer.fileno(), torn)
    writer.close()

    report = drain(store, spool.directory)

    assert (report.applied, report.quarantined, report.taken) == (1, 1, 1)
    [kept] = (spool.directory / "quarantine").iterdir()
    head, rest = kept.read_bytes().split(b"\n", 1)
    assert json.loads(head)["reason"] == "torn_tail"
    assert rest == torn + b"\n"


def test_damaged_and_senseless_lines_are_put_aside_with_their_reasons(
    spool: Spool, store: Store, ids: Ids
) -> None:
    one, two = ids(2)
    writer = spool.writer()
    flipped = bytearray(spool.started(two))
    flipped[40] ^= 1
    writer.append(bytes(flipped))
    writer.append(to_line("[1]"))
    writer.append(spool.line("started", one, {"name": "no kind"}))
    writer.append(spool.started(one, status="success", ended=AT_US))
    writer.close()

    report = drain(store, spool.directory)

    assert (report.applied, report.quarantined, report.taken) == (1, 3, 1)
    [kept] = (spool.directory / "quarantine").iterdir()
    found = [json.loads(line)["reason"] for line in kept.read_bytes().split(b"\n")[:-1:2]]
    assert sorted(found) == ["invalid_event", "object_expected", "wrong_checksum"]


def test_a_segment_with_lines_of_a_newer_release_stays_and_says_so(
    spool: Spool, store: Store, ids: Ids
) -> None:
    [one] = ids(1)
    writer = spool.writer()
    writer.append(spool.started(one))
    writer.append(spool.line("teleported", one, {}))
    writer.append(to_line('{"v":2,"t":"started"}'))
    writer.close()

    first = drain(store, spool.directory)
    second = drain(store, spool.directory)

    assert (first.applied, first.unknown, first.left, first.taken) == (1, 2, 1, 0)
    assert (second.applied, second.unknown, second.left) == (0, 2, 1)
    assert "newer release" in first.reasons[0]
    assert spool.segments() == [writer.name]
    # The end may stand in a line that cannot be read: nothing is concluded from its absence.
    assert store.get(one).status == "running"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_segment_of_another_user_is_ignored_with_a_reason(
    spool: Spool, store: Store, ids: Ids
) -> None:
    writer = spool.writer()
    writer.append(spool.started(ids(1)[0]))
    writer.close()
    os.chown(writer.path, 12345, 12345)

    report = drain(store, spool.directory)

    assert (report.applied, report.taken) == (0, 0)
    assert "belongs to another user" in report.reasons[0]
    assert spool.segments() == [writer.name]


def test_links_folders_and_pipes_with_the_name_of_a_segment_are_ignored(
    spool: Spool, store: Store
) -> None:
    (spool.directory / "a.seg").symlink_to("/etc/passwd")
    (spool.directory / "b.seg").mkdir()
    os.mkfifo(spool.directory / "c.seg")

    report = drain(store, spool.directory)

    assert (report.applied, report.taken, report.live) == (0, 0, 0)
    assert len(report.reasons) == 3
    assert spool.segments() == ["a.seg", "b.seg", "c.seg"]


def test_a_file_of_garbage_is_put_aside_whole(spool: Spool, store: Store) -> None:
    (spool.directory / "x.seg").write_bytes(os.urandom(200_000) + b"\n")
    (spool.directory / "y.seg").write_bytes(b"")

    report = drain(store, spool.directory)

    assert (report.applied, report.taken, report.reasons) == (0, 2, [])
    assert report.quarantined > 0


def test_leftovers_of_a_creation_go_after_an_hour(spool: Spool, store: Store) -> None:
    for name, age_s in (("old.tmp", 4000), ("new.tmp", 60)):
        path = spool.directory / name
        path.write_bytes(b"")
        then = time.time() - age_s
        os.utime(path, (then, then))

    drain(store, spool.directory)

    assert sorted(path.name for path in spool.directory.iterdir()) == ["new.tmp"]


def test_what_a_dead_process_left_running_is_lost_at_its_last_sign_of_life(
    spool: Spool, store: Store, ids: Ids
) -> None:
    one, two, three = ids(3)
    writer = spool.writer()
    writer.append(spool.started(one))
    writer.append(spool.started(two, attempt=2))
    writer.append(spool.started(three, owner="host"))
    writer.close()
    died_ns = (AT_US + 90_000_000) * 1000
    os.utime(writer.path, ns=(died_ns, died_ns))

    report = drain(store, spool.directory)

    assert report.lost == 2
    assert [store.get(i).status for i in (one, two, three)] == ["lost", "lost", "running"]
    assert store.get(one).ended_at == AT_US + 90_000_000
    assert store.get(one).duration_s == 90.0


def test_a_real_end_that_arrives_later_wins_over_lost(spool: Spool, store: Store, ids: Ids) -> None:
    [one] = ids(1)
    writer = spool.writer()
    writer.append(spool.started(one))
    writer.close()
    drain(store, spool.directory)
    before = store.get(one).status
    other = spool.writer(wid=78)
    other.append(spool.finished(one, wid=78, ended=AT_US + 5_000_000))
    other.close()

    drain(store, spool.directory)

    after = store.get(one)
    assert (before, after.status, after.ended_at) == ("lost", "success", AT_US + 5_000_000)
    assert "status_conflict" not in after.flags


def test_nothing_is_lost_while_the_writer_holds_another_segment(
    spool: Spool, store: Store, ids: Ids
) -> None:
    [one] = ids(1)
    first = spool.writer()
    first.append(spool.started(one))
    spool.writer()
    first.close()

    report = drain(store, spool.directory)

    assert (report.taken, report.live, report.lost) == (1, 1, 0)
    assert store.get(one).status == "running"


def test_a_segment_that_outlived_its_own_shipping_still_proves_the_loss(
    spool: Spool, store: Store, ids: Ids
) -> None:
    [one] = ids(1)
    writer = spool.writer()
    writer.append(spool.started(one))
    drain(store, spool.directory)
    writer.close()

    report = drain(store, spool.directory)

    assert (report.applied, report.lost, report.taken) == (0, 1, 1)
    assert store.get(one).status == "lost"


class Down(MemoryStore):
    """A store that takes the first batches and is down then."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.takes = takes

    def apply(
        self,
        events: Sequence[Event],
        *,
        durable: bool = False,
        segment: tuple[str, int] | None = None,
    ) -> Applied:
        """As MemoryStore, for a while."""
        if self.takes == 0:
            raise StoreUnavailableError("the store is down")
        self.takes -= 1
        return super().apply(events, durable=durable, segment=segment)


def test_a_store_that_is_down_leaves_everything_and_says_why_once(spool: Spool, ids: Ids) -> None:
    for one in ids(3):
        writer = spool.writer()
        writer.append(spool.started(one))
        writer.close()

    report = drain(Down(takes=0), spool.directory)

    assert report.reasons == ["the store is down"]
    assert (report.applied, report.taken) == (0, 0)
    assert len(spool.segments()) == 3


def test_a_drain_goes_on_where_another_one_failed(spool: Spool, ids: Ids) -> None:
    store = Down(takes=1)
    writer = spool.writer()
    for one in ids(1200):
        writer.append(spool.started(one, status="success", ended=AT_US))
    writer.close()

    first = drain(store, spool.directory)
    store.takes = 100
    second = drain(store, spool.directory)

    assert (first.applied, first.left, second.applied, second.taken) == (500, 1, 700, 1)


def test_no_time_means_no_batch(spool: Spool, store: Store, ids: Ids) -> None:
    [one] = ids(1)
    writer = spool.writer()
    writer.append(spool.started(one))
    writer.close()

    report = drain(store, spool.directory, budget_s=0)

    assert (report.applied, report.left) == (0, 1)
    with pytest.raises(ExecutionNotFoundError):
        store.get(one)


def test_an_absent_spool_is_an_empty_one(store: Store, tmp_path: Path) -> None:
    report = drain(store, tmp_path / "nowhere")

    assert report.reasons == []
    assert report.applied == 0


def test_several_spools_are_drained_into_one_report(
    spool: Spool, store: Store, ids: Ids, tmp_path: Path
) -> None:
    other = Spool(tmp_path / "other")
    other.directory.mkdir()
    for place, one in zip((spool, other), ids(2), strict=True):
        writer = place.writer()
        writer.append(place.started(one))
        writer.close()

    report = drain_all(store, [spool.directory, tmp_path / "nowhere", other.directory])

    assert (report.applied, report.taken) == (2, 2)


def test_an_event_that_the_store_rejects_is_put_aside_and_the_rest_delivered(
    spool: Spool, ids: Ids
) -> None:
    class Picky(MemoryStore):
        def apply(
            self,
            events: Sequence[Event],
            *,
            durable: bool = False,
            segment: tuple[str, int] | None = None,
        ) -> Applied:
            kept = [event for event in events if event.body.get("name") != "poison"]
            super().apply(kept, durable=durable, segment=segment)
            bad = [n for n, event in enumerate(events) if event.body.get("name") == "poison"]
            return Applied(rejected=tuple((n, "poisoned") for n in bad))

    one, two = ids(2)
    store = Picky()
    writer = spool.writer()
    poison = spool.started(one, name="poison")
    writer.append(poison)
    writer.append(spool.started(two, status="success", ended=AT_US))
    writer.close()

    report = drain(store, spool.directory)

    assert (report.applied, report.quarantined, report.taken) == (1, 1, 1)
    [kept] = (spool.directory / "quarantine").iterdir()
    assert kept.read_bytes().split(b"\n", 1)[1] == poison
    assert store.get(two).status == "success"


def test_what_is_meant_for_another_store_stays_for_it(
    spool: Spool, tmp_path: Path, ids: Ids
) -> None:
    here, there = f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/there.db"
    for url, one in zip((here, there), ids(2), strict=True):
        recorder = Recorder(Settings(store=url, spool=str(spool.directory)))
        recorder.complete("command", "x", status="success", execution_id=one)
        recorder.close(0)
    live = Recorder(Settings(store=there, spool=str(spool.directory)))
    live.complete("command", "x", status="success")
    store = open_store(f"sqlite:///{tmp_path}/x/../here.db")

    report = drain(store, spool.directory)

    assert (report.applied, report.taken, report.live) == (1, 1, 0)
    assert report.elsewhere == {there: 2}
    assert report.reasons == []
    assert len(spool.segments()) == 2
    store.close()
    live.close(0)


def test_the_label_of_a_store_holds_no_credentials() -> None:
    assert label_of("postgresql+psycopg://u:p%40ss@h:1/db?password=x") == (
        "postgresql+psycopg://h:1/db"
    )
    assert label_of("memory:") == "memory:"
    assert label_of("https://u:p@h/x#y") == "https://h/x"
    assert label_of("nonsense") == "nonsense"
