"""Rows: an execution's columns, read as what people see and as a state that events can join.

The plain columns hold what readers see. `fold` holds, as JSON, what they do not give back of
`model.fold.Fold`: it is NULL for nearly every row, and a row of a stub (kind NULL: only named as a
parent, or ended or edited before its start is known) has nothing else. It begins with letters for
what is frequent, `d` (the event carried the duration that follows from its times) and `r` (it
named itself as its root), then come, where needed, these keys as JSON:

- `s`, `o`: fields of Start and of Outcome that differ from what the columns give;
- `O`: the whole Outcome of a stub; `r`: Restart; `c`: attempt with contradicting ends;
- `f`: flags that events gave although they are also derived, all flags of a stub;
- `e`: 1 when table `edit` has rows for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from execmeta.model.execution import STATUS_RANK, Execution
from execmeta.model.fold import (
    Edit,
    Fold,
    Outcome,
    Restart,
    Start,
    error_of,
    iterator_of,
)
from execmeta.model.ids import id_bytes, id_text

COLUMNS: Final = (
    "tid id parent_tid root_tid kind name status started_at ended_at duration_s attempt depth "
    "metadata attributes sources iterator error flags external_id trace_id span_id "
    "hlc wid seq end_hlc end_wid end_seq owner fold"
).split()
"""Columns of table `execution`, in its order."""
SELECT_ROW: Final = (
    f"SELECT {', '.join('e.' + name for name in COLUMNS)}, p.id, r.id FROM execution e "
    "LEFT JOIN execution p ON p.tid = e.parent_tid LEFT JOIN execution r ON r.tid = e.root_tid"
)
"""Every column of a `Row`; `WHERE` on `e` follows."""

EXPLICIT_DURATION: Final = "d"
EXPLICIT_ROOT: Final = "r"
DERIVED_FLAGS: Final = ("clock_skew", "status_conflict")
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class Row(NamedTuple):
    """One row of table `execution` with the ids behind `parent_tid` and `root_tid`.

    Times are microseconds since 1970 UTC, JSON columns are text and NULL when empty.
    """

    tid: int
    id: bytes
    parent_tid: int | None
    root_tid: int | None
    """None: the execution itself."""
    kind: str | None
    """None: a stub, which no reader sees."""
    name: str | None
    status: str | None
    started_at: int | None
    ended_at: int | None
    duration_s: float | None
    """Effective; None while it runs and when a clock stepped back."""
    attempt: int | None
    depth: int | None
    metadata: str | None
    attributes: str | None
    sources: str | None
    iterator: str | None
    error: str | None
    flags: str | None
    external_id: str | None
    trace_id: bytes | None
    span_id: bytes | None
    hlc: int | None
    wid: int | None
    seq: int | None
    end_hlc: int | None
    """Order key of the outcome; None: the same as the start's part."""
    end_wid: int | None
    end_seq: int | None
    owner: int | None
    """None: a process, 1: a host."""
    fold: str | None
    parent_id: bytes | None
    root_id: bytes | None


def json_text(value: Any) -> str:
    """Canonical JSON: keys sorted, no spaces, characters as they are."""
    return _encode(value)


def row_to_execution(row: Row, tenant: str = "") -> Execution:
    """The execution of a row that is no stub, as readers see it."""
    if row.kind is None or row.name is None or row.status is None or row.started_at is None:
        raise ValueError(f"row {row.tid} is a stub")
    own = id_text(row.id)
    return Execution(
        id=own,
        kind=row.kind,
        name=row.name,
        status=row.status,
        started_at=row.started_at,
        root_id=own if row.root_id is None else id_text(row.root_id),
        parent_id=None if row.parent_id is None else id_text(row.parent_id),
        depth=row.depth or 0,
        ended_at=row.ended_at,
        duration_s=row.duration_s,
        attempt=row.attempt or 1,
        metadata=_loads(row.metadata) or {},
        attributes=_loads(row.attributes) or {},
        iterator=iterator_of(_loads(row.iterator)),
        trace_id=_hex(row.trace_id),
        span_id=_hex(row.span_id),
        tenant=tenant,
        external_id=row.external_id,
        error=error_of(_loads(row.error)),
        sources=_loads(row.sources) or {},
        flags=tuple(_loads(row.flags) or ()),
    )


def has_edits(row: Row) -> bool:
    """Whether table `edit` has rows for it."""
    return row.fold is not None and "e" in _fold_of(row)[0]


def row_to_fold(row: Row, edits: Iterable[Edit] = ()) -> Fold:
    """The state behind a row; `edits` are its rows of table `edit`."""
    state = Fold()
    state.edits = {(edit.order, edit.key): edit for edit in edits}
    more, marks = _fold_of(row)
    state.conflict = more.get("c", 0)
    if row.kind is None:
        state.flags = set(more.get("f", ()))
        if "O" in more:
            state.outcome = _outcome(more["O"])
        return state
    shown = set(_loads(row.flags) or ())
    state.flags = shown.difference(DERIVED_FLAGS).union(more.get("f", ()))
    state.outcome = outcome = _outcome({**_default_outcome(row, marks), **more.get("o", {})})
    state.start = _start({**_default_start(row, marks, outcome), **more.get("s", {})})
    if "r" in more:
        attempt, order, started_at = more["r"]
        state.restart = Restart(attempt, tuple(order), started_at)
    return state


def fold_to_row(
    state: Fold, tid: int, raw_id: bytes, parent_tid: int | None, root_tid: int | None
) -> Row:
    """The row of a state; `row_to_fold` gives the state back.

    Args:
        parent_tid: key of the row with the start's parent, which must exist.
        root_tid: key of the root's row, None when that is this one.
    """
    more: dict[str, Any] = {}
    start, outcome = state.start, state.outcome
    # One of an earlier attempt is seen or not by the order of arrival, and shown to nobody.
    if outcome is not None and state.conflict == outcome.attempt:
        more["c"] = state.conflict
    if state.edits:
        more["e"] = 1
    if start is None or outcome is None:
        if outcome is not None:
            more["O"] = outcome._asdict()
        if state.flags:
            more["f"] = sorted(state.flags)
        empty: dict[str, Any] = dict.fromkeys(Row._fields)
        return Row(**{**empty, "tid": tid, "id": raw_id, "fold": _dumps(more)})
    own = id_text(raw_id)
    shown = state.execution(own)
    assert shown is not None  # noqa: S101  (a start and an outcome make an execution)
    end = tuple(
        mine if mine != begin else None
        for mine, begin in zip(outcome.order, start.order, strict=True)
    )
    row = Row(
        tid=tid,
        id=raw_id,
        parent_tid=parent_tid,
        root_tid=root_tid,
        kind=shown.kind,
        name=shown.name,
        status=shown.status,
        started_at=shown.started_at,
        ended_at=shown.ended_at,
        duration_s=None if shown.duration_s is None else float(shown.duration_s),
        attempt=shown.attempt,
        depth=shown.depth,
        metadata=_dumps(shown.metadata),
        attributes=_dumps(shown.attributes),
        sources=_dumps(shown.sources),
        iterator=None if start.iterator is None else json_text(start.iterator),
        error=None if outcome.error is None else json_text(outcome.error),
        flags=_dumps(list(shown.flags)),
        external_id=shown.external_id,
        trace_id=_unhex(shown.trace_id),
        span_id=_unhex(shown.span_id),
        hlc=start.order[0],
        wid=start.order[1],
        seq=start.order[2],
        end_hlc=end[0],
        end_wid=end[1],
        end_seq=end[2],
        owner=None if start.owner == "process" else 1,
        fold=None,
        parent_id=id_bytes(shown.parent_id) if shown.parent_id else None,
        root_id=None if shown.root_id == own else id_bytes(shown.root_id),
    )
    marks = ""
    if outcome.duration_s is not None and outcome.duration_s == _derived_duration(row):
        marks += EXPLICIT_DURATION
    if start.parent_id is None and start.root_id is not None:
        marks += EXPLICIT_ROOT
    differs = _differences(outcome._asdict(), _default_outcome(row, marks))
    if differs:
        more["o"] = differs
    differs = _differences(start._asdict(), _default_start(row, marks, outcome))
    if differs:
        more["s"] = differs
    if state.restart:
        more["r"] = state.restart
    given = state.flags.intersection(DERIVED_FLAGS)
    if given:
        more["f"] = sorted(given)
    return row._replace(fold=(marks + (_dumps(more) or "")) or None)


def _fold_of(row: Row) -> tuple[dict[str, Any], str]:
    marks, brace, text = (row.fold or "").partition("{")
    return (json.loads(brace + text) if brace else {}), marks


def _derived_duration(row: Row) -> float | None:
    if row.ended_at is None or row.started_at is None:
        return None
    return (row.ended_at - row.started_at) / 1_000_000


def _default_outcome(row: Row, marks: str) -> dict[str, Any]:
    status = row.status or "running"
    derived = EXPLICIT_DURATION not in marks and row.duration_s == _derived_duration(row)
    return {
        "attempt": row.attempt,
        "rank": STATUS_RANK[status],
        "observed": True,
        "order": (
            row.hlc if row.end_hlc is None else row.end_hlc,
            row.wid if row.end_wid is None else row.end_wid,
            row.seq if row.end_seq is None else row.end_seq,
        ),
        "status": status,
        "ended_at": row.ended_at,
        "duration_s": None if derived else row.duration_s,
        "attributes": {},
        "trace_id": None,
        "span_id": None,
        "error": _loads(row.error),
    }


def _default_start(row: Row, marks: str, outcome: Outcome) -> dict[str, Any]:
    parent = None if row.parent_id is None else id_text(row.parent_id)
    named = parent is not None or EXPLICIT_ROOT in marks
    attributes = _loads(row.attributes) or {}
    return {
        "attempt": row.attempt,
        "order": (row.hlc, row.wid, row.seq),
        "started_at": row.started_at,
        "kind": row.kind,
        "name": row.name,
        "parent_id": parent,
        "root_id": id_text(row.root_id or row.id) if named else None,
        "depth": row.depth,
        "metadata": _loads(row.metadata) or {},
        "sources": _loads(row.sources) or {},
        "attributes": {k: v for k, v in attributes.items() if k not in outcome.attributes},
        "iterator": _loads(row.iterator),
        "external_id": row.external_id,
        "trace_id": _hex(row.trace_id),
        "span_id": _hex(row.span_id),
        "owner": "process" if row.owner is None else "host",
    }


def _differences(parts: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if not _same(value, defaults[name])}


def _same(one: Any, other: Any) -> bool:
    if one is other or (type(one) is type(other) and type(one) in (str, int) and one == other):
        return True
    # By text: Python takes 1, 1.0 and True for the same, also inside containers.
    return bool(one == other) and json_text(one) == json_text(other)


def _start(parts: dict[str, Any]) -> Start:
    return Start(**{**parts, "order": tuple(parts["order"])})


def _outcome(parts: dict[str, Any]) -> Outcome:
    return Outcome(**{**parts, "order": tuple(parts["order"])})


def _loads(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _dumps(value: Any) -> str | None:
    return json_text(value) if value else None


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else raw.hex()


def _unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)
