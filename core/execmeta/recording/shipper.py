"""Shipper: this process' own events into the store, in line, at the end, within a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from execmeta.codec import event_from_json
from execmeta.errors import EventError, ExecmetaError
from execmeta.recording.delivery import Delivery
from execmeta.recording.outbox import Load
from execmeta.spool.lines import LineError, json_of, payload_of
from execmeta.spool.quarantine import quarantine
from execmeta.spool.segment import SegmentTakenError, SegmentWriter
from execmeta.store.base import Store

OUT_OF_TIME: Final = "the time for delivery was over"
"""Reason of a shipment that simply ends before everything is delivered: nothing is wrong."""
_ONE_BATCH_S: Final = 0.05


@dataclass(slots=True)
class Shipment:
    """How far it came."""

    stored: int = 0
    """Events that the store has now, earlier ones included."""
    quarantined: int = 0
    from_memory: int = 0
    """The part of both that lay in memory."""
    undelivered: list[bytes] | None = None
    """Lines of the memory that the store did not take."""
    reason: str | None = None
    """Why it stopped early, in words for the user."""


def ship(
    load: Load, open_store: Callable[[float], Store], *, timeout_s: float, unlink: bool
) -> Shipment:
    """Apply everything in `load`, then close its segments, whatever happens.

    Args:
        open_store: called with the moment of `time.monotonic` until which it may wait for a lock.
        timeout_s: no batch but the first is begun later than this; what is left stays on disk.
            0: nothing is begun.
        unlink: remove segments that are wholly stored. Not while executions are open: the lock of
            the segment will prove that they are lost.
    """
    shipment = Shipment(undelivered=load.memory or None)
    deadline = time.monotonic() + timeout_s
    try:
        if timeout_s > 0:
            store = open_store(deadline)
            try:
                _ship(load, store, deadline, unlink, shipment)
            finally:
                store.close()
    except ExecmetaError as error:
        shipment.reason = str(error)
    # Lost: nothing, the events stay where they are. Here and not further out, so that those in
    # memory are given back.
    except Exception as error:
        shipment.reason = f"{type(error).__name__}: {error}"
    finally:
        for segment in load.segments:
            segment.close()
    return shipment


def _ship(load: Load, store: Store, deadline: float, unlink: bool, shipment: Shipment) -> None:
    offsets = store.segments() if load.segments else {}
    # On a machine so busy that opening took all the time, a small run is delivered all the same:
    # one batch, and no waiting for anybody.
    deadline = max(deadline, time.monotonic() + _ONE_BATCH_S)
    if load.memory:
        _ship_memory(load.memory, store, shipment)
    for segment in load.segments:
        try:
            fd = segment.fileno()
        except SegmentTakenError as error:
            # Its file stays for the next command; the others are delivered.
            shipment.reason = str(error.strerror)
            continue
        delivery = Delivery(fd, segment.name, offset=offsets.get(segment.name, 0), owned=True)
        try:
            delivery.run(store, deadline)
        finally:
            shipment.stored += delivery.applied + delivery.skipped
            shipment.quarantined += delivery.rejected
            if delivery.bad:
                quarantine(segment.path.parent, segment.name, delivery.bad)
        if not delivery.complete:
            shipment.reason = OUT_OF_TIME
            return
        if unlink and not delivery.unknown:
            _remove(segment, store)


def _ship_memory(lines: list[bytes], store: Store, shipment: Shipment) -> None:
    events = []
    for line in lines:
        try:
            events.append(event_from_json(json_of(payload_of(line[:-1]))))
        except (LineError, EventError):
            shipment.quarantined += 1
    answer = store.apply(events, durable=True)
    shipment.stored += len(events) - len(answer.rejected)
    shipment.quarantined += len(answer.rejected)
    shipment.from_memory = len(lines)
    shipment.undelivered = None


def _remove(segment: SegmentWriter, store: Store) -> None:
    segment.unlink()
    store.forget_segment(segment.name)
