"""Fresh: rows of the common cases, straight from one or two events.

Shortcuts past `model.fold`: they give exactly the row that `fold_to_row` gives, or None when
anything is out of the ordinary.
"""

from __future__ import annotations

import json
from typing import Any

from execmeta.model.event import FINISHED, STARTED, Event
from execmeta.model.execution import STATUS_RANK
from execmeta.model.fold import ENDED_RANK
from execmeta.store.sql.rows import DERIVED_FLAGS, EXPLICIT_DURATION, EXPLICIT_ROOT, Row, json_text


def fresh_row(
    events: list[Event], tid: int, raw_id: bytes, parent_tid: int | None, root_tid: int | None
) -> tuple[Any, ...] | None:
    """Values of `rows.COLUMNS`, or None to take the long way."""
    if len(events) == 1:
        start, end = events[0], None
    elif len(events) == 2:
        start, end = events
        if start.type != STARTED:
            start, end = end, start
        if end.type != FINISHED:
            return None
    else:
        return None
    if start.type != STARTED:
        return None
    body = start.body
    get = body.get
    started_at, attempt = get("started"), get("attempt") or 1
    if started_at is None:
        started_at = start.at
    parent, root = get("parent"), get("root")
    marks = ""
    if parent is None:
        if root is not None:
            if root != start.execution_id:
                return None
            marks = EXPLICIT_ROOT
    elif root is None:
        return None
    flags = get("flags")
    end_hlc = end_wid = end_seq = None
    if end is None:
        last, said, status = start, get, get("status") or "running"
    else:
        last, said, status = end, end.body.get, end.body["status"]
        if (
            get("status", "running") != "running"
            or (said("attempt") or 1) != attempt
            or said("attributes")
            or said("trace_id")
            or said("span_id")
        ):
            return None
        if more := said("flags"):
            flags = [*flags, *more] if flags else more
        (hlc, wid, seq), (end_hlc, end_wid, end_seq) = start.order, end.order
        end_hlc = None if end_hlc == hlc else end_hlc
        end_wid = None if end_wid == wid else end_wid
        end_seq = None if end_seq == seq else end_seq
    if said("inferred"):
        return None
    ended_at = duration = None
    if STATUS_RANK[status] == ENDED_RANK:
        ended_at, duration = said("ended"), said("duration")
        if ended_at is None:
            ended_at = last.at
        derived = (ended_at - started_at) / 1_000_000
        if duration is None:
            if derived < 0:
                return None
            duration = derived
        elif type(duration) is not float:
            return None
        elif duration == derived:
            marks = EXPLICIT_DURATION + marks
    if flags and not set(flags).isdisjoint(DERIVED_FLAGS):
        return None
    metadata, attributes, sources = get("metadata"), get("attributes"), get("sources")
    iterator, error = get("iterator"), said("error")
    trace_id, span_id = get("trace_id"), get("span_id")
    return (
        tid,
        # Python's sqlite3 binds a bytearray in a fifth of the time of bytes.
        bytearray(raw_id),
        parent_tid,
        root_tid,
        body["kind"],
        body["name"],
        status,
        started_at,
        ended_at,
        duration,
        attempt,
        get("depth") or (1 if parent else 0),
        json_text(metadata) if metadata else None,
        json_text(attributes) if attributes else None,
        json_text(sources) if sources else None,
        None if iterator is None else json_text(iterator),
        None if error is None else json_text(error),
        json_text(sorted(set(flags))) if flags else None,
        get("external_id"),
        bytearray.fromhex(trace_id) if trace_id else None,
        bytearray.fromhex(span_id) if span_id else None,
        *start.order,
        end_hlc,
        end_wid,
        end_seq,
        None if (get("owner") or "process") == "process" else 1,
        marks or None,
    )


def ended_row(old: Row, events: list[Event]) -> Row | None:
    """The row of a running execution after its one end, or None to take the long way."""
    end = events[0]
    said = end.body.get
    if (
        len(events) > 1
        or end.type != FINISHED
        or old.fold not in (None, EXPLICIT_ROOT)
        or old.kind is None
        or old.ended_at is not None
        or (said("attempt") or 1) != old.attempt
        or any(said(name) for name in ("attributes", "trace_id", "span_id", "inferred"))
    ):
        return None
    ended_at, duration = said("ended"), said("duration")
    if ended_at is None:
        ended_at = end.at
    derived = (ended_at - (old.started_at or 0)) / 1_000_000
    marks = old.fold or ""
    if duration is None:
        if derived < 0:
            return None
        duration = derived
    elif type(duration) is not float:
        return None
    elif duration == derived:
        marks = EXPLICIT_DURATION + marks
    flags = said("flags")
    if flags:
        if not set(flags).isdisjoint(DERIVED_FLAGS):
            return None
        flags = json_text(sorted({*flags, *json.loads(old.flags or "[]")}))
    error = said("error")
    (hlc, wid, seq) = end.order
    return old._replace(
        status=end.body["status"],
        ended_at=ended_at,
        duration_s=duration,
        error=None if error is None else json_text(error),
        flags=flags or old.flags,
        end_hlc=None if hlc == old.hlc else hlc,
        end_wid=None if wid == old.wid else wid,
        end_seq=None if seq == old.seq else seq,
        fold=marks or None,
    )
