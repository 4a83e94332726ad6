"""EXECMETA_CONTEXT: how an execution's context reaches the processes below it.

The value is percent-encoded JSON `{v, id, root, depth, kind, hlc, meta, cut?}` (DESIGN §4.13).
`cut` says that keys of `meta` were left out, largest first, to stay below 64 KiB.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from execmeta.errors import ExecmetaError
from execmeta.model.execution import Json
from execmeta.model.ids import ExecutionId, is_time_ordered, parse_id
from execmeta.model.limits import MAX_CONTEXT_BYTES, MAX_INT
from execmeta.recording.context import Context

CONTEXT_VARIABLE: Final = "EXECMETA_CONTEXT"
_VERSION: Final = 1
_MAX_DEPTH: Final = 10_000
"""Deeper chains of processes are forged or run away."""

_log = logging.getLogger("execmeta")
_rejected = 0


def context_to_env(context: Context) -> dict[str, str]:
    """The environment that makes a child process a child execution of `context`."""
    meta, cut = context.metadata, context.truncated
    value = _encode(context, meta, cut)
    if len(value) > MAX_CONTEXT_BYTES:
        meta = _fitting(context, meta)
        value = _encode(context, meta, True)
    return {CONTEXT_VARIABLE: value}


def context_from_env(environ: Mapping[str, str]) -> Context | None:
    """The context that a parent process left, None without one.

    A value that cannot be read is as good as none: it is counted (`rejected_contexts`) and warned
    about once, it never stops the program.
    """
    value = environ.get(CONTEXT_VARIABLE)
    if not value:
        return None
    try:
        return _decode(value)
    # Beside our own errors: RecursionError of deep JSON, ValueError of 5000 digits or bad UTF-8.
    except (ExecmetaError, ValueError, RecursionError, KeyError, TypeError) as error:
        _reject(error)
        return None


def rejected_contexts() -> int:
    """How many values of EXECMETA_CONTEXT this process could not read."""
    return _rejected


def _reject(error: BaseException) -> None:
    global _rejected
    _rejected += 1
    if _rejected == 1:
        # The value itself is not shown: it may hold what somebody meant to keep private.
        _log.warning(
            "%s cannot be read (%s: %s); this run has no parent.",
            CONTEXT_VARIABLE,
            type(error).__name__,
            ascii(str(error))[:200],
        )


def _encode(context: Context, meta: Mapping[str, Json], cut: bool) -> str:
    shape: dict[str, Any] = {
        "v": _VERSION,
        "id": context.id,
        "root": context.root_id,
        "depth": context.depth,
        "kind": context.kind,
        "hlc": context.hlc,
        "meta": meta,
    }
    if cut:
        shape["cut"] = True
    text = json.dumps(shape, ensure_ascii=False, separators=(",", ":"))
    # `:` and `,` harm in no shell and no env file, and half of the text is made of them.
    return quote(text.encode("utf-8", "replace"), safe=":,")


def _fitting(context: Context, meta: Mapping[str, Json]) -> dict[str, Json]:
    """`meta` without its largest members, so many that the whole fits."""
    costs = {key: len(_encode(context, {key: meta[key]}, True)) for key in meta}
    frame = len(_encode(context, {}, True))
    room = MAX_CONTEXT_BYTES - frame
    kept: dict[str, Json] = {}
    for key in sorted(meta, key=lambda key: (costs[key], key)):
        # +1 for the comma that joins it to its neighbour.
        room -= costs[key] - frame + 1
        if room < 0:
            break
        kept[key] = meta[key]
    return {key: value for key, value in meta.items() if key in kept}


def _decode(value: str) -> Context:
    if len(value) > MAX_CONTEXT_BYTES:
        raise ValueError(f"longer than {MAX_CONTEXT_BYTES} bytes")
    shape = json.loads(unquote(value, errors="strict"), parse_constant=_no_constant)
    if not isinstance(shape, dict) or shape.get("v") != _VERSION:
        raise ValueError("not a context of version 1")
    found, root = _id(shape["id"]), _id(shape.get("root") or shape["id"])
    meta = shape.get("meta", {})
    if not isinstance(meta, dict):
        raise ValueError("meta is not an object")
    kind = shape.get("kind", "")
    if not isinstance(kind, str) or len(kind) > 100:
        raise ValueError("kind is not a short text")
    return Context(
        id=found,
        root_id=root,
        depth=_count(shape.get("depth", 0), _MAX_DEPTH),
        kind=kind,
        hlc=_count(shape.get("hlc", 0), MAX_INT),
        metadata=meta,
        truncated=bool(shape.get("cut")),
    )


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _id(value: Any) -> ExecutionId:
    if not isinstance(value, str):
        raise ValueError("an id is not a text")
    found = parse_id(value)
    if not is_time_ordered(found):
        raise ValueError("an id is not a UUIDv7")
    return found


def _count(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("depth and hlc are counts")
    return value
