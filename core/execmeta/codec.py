"""Execution and Event to and from JSON; the only place where wire names are spelled."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from execmeta.errors import EventError
from execmeta.model.clock import Order
from execmeta.model.event import EVENT_TYPES, EVENT_VERSION, FINISHED, STARTED, Event
from execmeta.model.execution import STATUS_RANK, Execution
from execmeta.model.fold import ENDED_RANK
from execmeta.model.history import MetadataChange
from execmeta.model.ids import ExecutionId, is_time_ordered, parse_id
from execmeta.model.limits import MAX_EXTERNAL_ID_CHARS, MAX_INT, MIN_INT

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_US = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z, the last time that Python holds
_NEW_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII
)
"""What nearly all ids look like; another one is read with more patience."""
_HEX = re.compile(r"[0-9a-f]+", re.ASCII)


class UnknownEventError(EventError):
    """The line was written by a newer release; it is kept as it is, never dropped."""

    code = "unsupported_version"


def time_text(at_us: int | None) -> str | None:
    """`2026-11-21T07:54:29.123456Z` for microseconds since 1970 UTC.

    >>> time_text(0)
    '1970-01-01T00:00:00.000000Z'
    """
    if at_us is None:
        return None
    moment = _EPOCH + timedelta(microseconds=at_us)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}Z"


def execution_to_json(execution: Execution) -> dict[str, Any]:
    """The one public shape of an execution: `show -o json`, a list's items, REST.

    `sources` is left out when all keys are the user's, `flags` when there is none.
    """
    iterator, error = execution.iterator, execution.error
    shape: dict[str, Any] = {
        "id": execution.id,
        "external_id": execution.external_id,
        "parent_id": execution.parent_id,
        "root_id": execution.root_id,
        "kind": execution.kind,
        "name": execution.name,
        "status": execution.status,
        "started_at": time_text(execution.started_at),
        "ended_at": time_text(execution.ended_at),
        "duration_s": execution.duration_s,
        "attempt": execution.attempt,
        "metadata": dict(execution.metadata),
        "attributes": dict(execution.attributes),
        "iterator": iterator
        and {"index": iterator.index, "count": iterator.count, "item": iterator.item},
        "trace_id": execution.trace_id,
        "span_id": execution.span_id,
        "error": error and {"type": error.type, "message": error.message, "where": error.where},
    }
    if execution.sources:
        shape["sources"] = dict(execution.sources)
    if execution.flags:
        shape["flags"] = list(execution.flags)
    return shape


def change_to_json(change: MetadataChange) -> dict[str, Any]:
    """One line of `metadata history`; `old` and `new` are left out where there was no value."""
    shape: dict[str, Any] = {"at": time_text(change.at), "by": change.by, "key": change.key}
    if change.had_old:
        shape["old"] = change.old
    if change.has_new:
        shape["new"] = change.new
    return shape


def event_to_json(event: Event) -> dict[str, Any]:
    """Body of a spool line: `{v, t, x, o, at, tenant?, b}` (DESIGN §4.3)."""
    line: dict[str, Any] = {
        "v": EVENT_VERSION,
        "t": event.type,
        "x": event.execution_id,
        "o": event.order,
        "at": event.at,
        "b": event.body,
    }
    if event.tenant:
        line["tenant"] = event.tenant
    return line


def event_text(
    kind: str, execution_id: ExecutionId, order: Order, at: int, body: str, tenant: str = ""
) -> str:
    """JSON of `event_to_json` for a body that is JSON text already; ASCII where the body is.

    >>> event_text("edited", ExecutionId("0190a5d0-..."), (1, 2, 3), 4, "{}")
    '{"v":1,"t":"edited","x":"0190a5d0-...","o":[1,2,3],"at":4,"b":{}}'
    """
    hlc, wid, seq = order
    by_tenant = f',"tenant":{json.dumps(tenant)}' if tenant else ""
    return (
        f'{{"v":{EVENT_VERSION},"t":"{kind}","x":"{execution_id}","o":[{hlc},{wid},{seq}],'
        f'"at":{at},"b":{body}{by_tenant}}}'
    )


def is_known(line: Any) -> bool:
    """Whether this release knows the version and the type of an event line, or it is no event at
    all; a line of a newer release is to be kept as it is."""
    if not isinstance(line, dict):
        return True
    kind = line.get("t")
    return line.get("v") == EVENT_VERSION and isinstance(kind, str) and kind in EVENT_TYPES


def event_from_json(line: Any) -> Event:
    """Read `event_to_json` back.

    Raises:
        UnknownEventError: a newer major version or an unknown type.
        EventError: not an event, with the reason.
    """
    if not isinstance(line, dict):
        raise EventError("An event is a JSON object.", code="object_expected")
    version, kind = line.get("v"), line.get("t")
    if not isinstance(kind, str) or not is_known(line):
        raise UnknownEventError(
            f"Event version {version!a}, type {kind!a} is not known to this release. "
            "It is kept; upgrade execmeta to apply it."
        )
    order, at, body, tenant = line.get("o"), line.get("at"), line.get("b"), line.get("tenant", "")
    if (
        not isinstance(order, (list, tuple))
        or len(order) != 3
        or not all(_is_int(part) and 0 <= part <= MAX_INT for part in order)
    ):
        raise EventError("An event's order key is three integers: clock, writer, sequence.")
    if not _is_time(at) or not isinstance(body, dict) or not isinstance(tenant, str):
        raise EventError("An event has a time `at` in microseconds and a body `b`.")
    execution_id = _new_id(line.get("x"), "x")
    _check_body(kind, execution_id, body)
    return Event(kind, execution_id, (order[0], order[1], order[2]), at, body, tenant)


def _is_int(value: Any) -> TypeGuard[int]:
    return type(value) is int and MIN_INT <= value <= MAX_INT


def _is_time(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= _MAX_US


def _new_id(value: Any, name: str) -> ExecutionId:
    if not isinstance(value, str):
        raise EventError(f"`{name}` is an execution id.", code="invalid_id")
    if _NEW_ID.fullmatch(value):
        return ExecutionId(value)
    try:
        found = parse_id(value)
    except ValueError as error:
        raise EventError(str(error), code="invalid_id") from error
    if not is_time_ordered(found):
        raise EventError(
            f"{found} is not a UUIDv7. Put an id of another system into external_id.",
            code="invalid_id",
        )
    return found


_FIELD_CHECKS: dict[str, tuple[str, Any]] = {
    "kind": ("text", lambda v: isinstance(v, str) and 0 < len(v) <= 100),
    "name": ("text", lambda v: isinstance(v, str)),
    "depth": ("a count", lambda v: _is_int(v) and v >= 0),
    "attempt": ("1 or more", lambda v: _is_int(v) and v >= 1),
    "status": ("a status", lambda v: v in STATUS_RANK),
    "started": ("microseconds", _is_time),
    "ended": ("microseconds", _is_time),
    "duration": ("seconds, 0 or more", lambda v: type(v) in (int, float) and 0 <= v < 1e12),
    "metadata": ("an object", lambda v: isinstance(v, dict)),
    "sources": ("an object", lambda v: isinstance(v, dict)),
    "attributes": ("an object", lambda v: isinstance(v, dict)),
    "iterator": ("an object with an index", lambda v: isinstance(v, dict) and _is_int(v["index"])),
    "external_id": ("text", lambda v: isinstance(v, str) and 0 < len(v) <= MAX_EXTERNAL_ID_CHARS),
    "trace_id": ("32 hex digits", lambda v: len(v) == 32 and _HEX.fullmatch(v)),
    "span_id": ("16 hex digits", lambda v: len(v) == 16 and _HEX.fullmatch(v)),
    "owner": ("process or host", lambda v: v in ("process", "host")),
    "error": ("an object", lambda v: isinstance(v, dict)),
    "flags": ("a list of text", lambda v: all(isinstance(flag, str) for flag in v)),
    "set": ("an object", lambda v: isinstance(v, dict)),
    "unset": ("a list of keys", lambda v: all(isinstance(key, str) for key in v)),
    "by": ("text", lambda v: isinstance(v, str)),
}
_REQUIRED = {STARTED: ("kind", "name"), FINISHED: ("status",)}


def _check_body(kind: str, execution_id: str, body: dict[str, Any]) -> None:
    for name in _REQUIRED.get(kind, ()):
        if body.get(name) is None:
            raise EventError(f"A {kind} event needs `{name}`.")
    for name, value in body.items():
        known = _FIELD_CHECKS.get(name)
        if known is None or value is None:
            continue
        try:
            fine = known[1](value)
        except (TypeError, KeyError):
            fine = False
        if not fine:
            raise EventError(f"`{name}` of a {kind} event is {known[0]}.")
    for name in ("parent", "root"):
        if body.get(name) is not None:
            body[name] = _new_id(body[name], name)
    if body.get("parent") == execution_id:
        raise EventError("An execution is not its own parent.", code="parent_is_self")
    if kind == FINISHED and STATUS_RANK[body["status"]] < ENDED_RANK:
        raise EventError("A finished event has an ended status, not queued or running.")
