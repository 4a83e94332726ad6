"""Hook specifications: what a plug-in may add, hide and hear about.

A plug-in is a module or object named by an entry point of group `execmeta`; it marks functions of
these names with `@execmeta.hookimpl`. An implementation may take fewer arguments than stated. One
that raises is logged once with the plug-in's name, counted and passed over: it cannot reach the
work that is recorded. `execmeta doctor` lists plug-ins with their failures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pluggy

if TYPE_CHECKING:
    from execmeta.model.execution import Execution, Json
    from execmeta.model.history import MetadataChange

PROJECT: Final = "execmeta"
"""Name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks an implementation in a plug-in."""


@hookspec
def execmeta_before_start(draft: Any) -> Mapping[str, Json] | None:
    """Add metadata to an execution that is about to start.

    Called in the process that records, before validation and redaction, for every execution:
    sessions and their tests, commands. Keep it to microseconds.

    Args:
        draft: what is known so far (`recording.drafts.Draft`): `kind`, `name`, `parent`,
            `metadata`, `attributes`. Reading is free, changing it has no effect.

    Returns:
        Keys to add, or None. Their source is `adapter`. A key that a person said stays his; two
        plug-ins with the same key: the one registered last.

    Example:
        `return {"region": "eu-1"} if draft.kind == "session" else None`
    """


@hookspec(firstresult=True)
def execmeta_redact(key: str, value: Json) -> Json:
    """Replace a value that must not be written anywhere.

    Called once per value, before the built-in rules and before anything reaches the disk. `key`
    is the dotted way to a nested value.

    Returns:
        A replacement, such as `"[redacted:badge]"`, or None for "not mine". The first answer that
        is not None counts. When an implementation raises, the value is dropped, not passed on.

    Example:
        `return "[redacted:badge]" if key == "badge_number" else None`
    """
    return None


@hookspec
def execmeta_after_start(execution: Execution) -> None:
    """Hear that an execution has started.

    Called in the process that records it, once its event is on disk; the store may not have it
    yet. Not called for an execution that is recorded only when it has ended, such as a test.

    Example:
        `print("recording", execution.id)`
    """


@hookspec
def execmeta_metadata_changed(execution: Execution | None, change: MetadataChange) -> None:
    """Hear that a key was set or removed by this process, after the event is on disk.

    Args:
        execution: as this process knows it; None when it was started elsewhere.
        change: key and new value; `old` is not known here.

    Example:
        `log.info("%s is now %s", change.key, change.new)`
    """


@hookspec
def execmeta_after_finish(execution: Execution) -> None:
    """Hear that an execution has ended, once the event is on disk.

    Called for those that this process started, and for those that it records in one line.

    Example:
        `failed.append(execution.name) if execution.status == "failed" else None`
    """


@hookspec
def execmeta_filter_fields() -> Sequence[Any]:
    """Name attributes that this plug-in writes, so that a filter takes them without `attr.`.

    Called once, by commands that read.

    Returns:
        `execmeta.filters.fields.Field` objects. A name has a dot, and its first part is the
        plug-in's own: `acme.region`, never a bare `region` and never `git.region`.

    Example:
        `return [Field("acme.region", "text", description="Where the run took place")]`
    """
    return ()
