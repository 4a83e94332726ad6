"""Hook specifications: when each hook is called, with what, and what its answer does.

Write an implementation with the same name and as many of the parameters as it needs:

    from execmeta import hookimpl

    @hookimpl
    def execmeta_before_start(draft):
        return {"team": "core"}

and name its module in the project file of its package:

    [project.entry-points.execmeta]
    my-plugin = "my_package.execmeta_hooks"

A hook may raise: the failure is logged once with the plug-in's name, counted, and shown by
`execmeta doctor`; what is being recorded goes on without it. Hooks run in the caller's thread,
so a slow one slows down whoever records. Wrappers (`wrapper=True`) are not called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import pluggy

from execmeta.model.execution import Execution, Json
from execmeta.model.history import MetadataChange

PROJECT: Final = "execmeta"
hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)


if TYPE_CHECKING:

    class Draft(Protocol):
        """An execution before it is recorded; a hook may read all of it."""

        kind: str
        name: str
        metadata: dict[str, Any]
        attributes: dict[str, Any]


@hookspec
def execmeta_before_start(draft: Draft) -> Mapping[str, Json] | None:
    """Add metadata to an execution that is about to start.

    Called once per execution, before values are checked, redacted and written. Keys that are
    in `draft.metadata` already, given by the user or inherited, are left as they are.

    Args:
        draft: the execution so far: `kind`, `name`, `metadata`, `attributes`. A hook may add to
            `draft.attributes` under the plug-in's own first part, such as `wheel.flavour`.

    Returns:
        Keys with values to add to the metadata, recorded with the source `adapter`; None or an
        empty map for nothing. Reserved and illegal keys are dropped and counted.

    Example:
        @hookimpl
        def execmeta_before_start(draft):
            return {"team": "core"} if draft.kind == "session" else None
    """


@hookspec(firstresult=True)
def execmeta_redact(key: str, value: Json) -> Json:
    """Replace a value that should not be recorded.

    Called for each member of metadata and attributes, iterator items and error messages, before
    they are written anywhere. The built-in rules have been applied, and are again to the answer.
    When the hook raises, the value is dropped: `[redacted:error]` is recorded.

    Args:
        key: the metadata key or the attribute's name, `iterator.item` or `error.message`.
        value: text, number, boolean, list or object; never None.

    Returns:
        The value to record instead; None for "not mine": the next plug-in is asked.

    Example:
        @hookimpl
        def execmeta_redact(key, value):
            return "[redacted:customer]" if key == "customer" else None
    """


@hookspec
def execmeta_after_start(execution: Execution) -> None:
    """Learn that an execution has started.

    Called when its event is on disk; the store may not have it yet. Not called for executions
    that are recorded whole after their end, such as tests.

    Args:
        execution: as it was recorded: metadata merged, checked and redacted.

    Returns:
        Nothing; an answer is ignored.

    Example:
        @hookimpl
        def execmeta_after_start(execution):
            print("started", execution.id)
    """


@hookspec
def execmeta_metadata_changed(execution: Execution | None, change: MetadataChange) -> None:
    """Learn that this process has set or removed a metadata key of an execution.

    Called once per key, when the event is on disk. Changes by other processes are not told.

    Args:
        execution: as it was before the change; None when this process did not start it.
        change: key, new value, `has_new` (False: removed), who and when. Old values are derived
            when history is read, so `had_old` is False here.

    Returns:
        Nothing; an answer is ignored.

    Example:
        @hookimpl
        def execmeta_metadata_changed(change):
            print(change.key, "is now", change.new)
    """


@hookspec
def execmeta_after_finish(execution: Execution) -> None:
    """Learn that an execution has ended.

    Called when its event is on disk, for executions that this process started, also for those
    that are recorded whole. Not called for those that are concluded `lost`: nobody is there.

    Args:
        execution: with status, end, duration and error, as far as this process recorded it.

    Returns:
        Nothing; an answer is ignored.

    Example:
        @hookimpl
        def execmeta_after_finish(execution):
            if execution.status == "failed":
                print(execution.name, "failed after", execution.duration_s, "s")
    """


@hookspec
def execmeta_filter_fields() -> Sequence[Any]:  # type: ignore[empty-body]
    """Declare names of the filter language that mean attributes of this plug-in.

    Called once, when the first filter is read. With the field `wheel.flavour` declared, the bare
    name `wheel.flavour` in a filter means the attribute, not a metadata key.

    Returns:
        `execmeta.filters.fields.Field` objects. Names are dotted and begin with a part of the
        plug-in's own; bare names and namespaces of execmeta are refused.

    Example:
        @hookimpl
        def execmeta_filter_fields():
            return [Field("wheel.flavour", "text", "Flavour of the wheel.", "wheel.flavour=sweet")]
    """
