"""Notices: plug-ins learn what this process has recorded, after it is on disk."""

from __future__ import annotations

from typing import Final

from execmeta.hooks.manager import Plugins
from execmeta.model.event import EDITED, FINISHED, STARTED, Event
from execmeta.model.fold import ENDED_RANK, Fold, edits_of
from execmeta.model.history import MetadataChange

AFTER_START: Final = "execmeta_after_start"
CHANGED: Final = "execmeta_metadata_changed"
AFTER_FINISH: Final = "execmeta_after_finish"
_MAX_KNOWN: Final = 1000
"""Open executions that plug-ins are told about; beyond it the oldest are forgotten."""


class Notices:
    """Keeps the executions that are open here, as long as a plug-in wants to know of them."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._known: dict[str, Fold] = {}

    def wanted(self, whole: bool) -> bool:
        """Whether any plug-in listens; without one nothing is kept or made.

        Args:
            whole: the event tells a whole life, of which only the end is told.
        """
        has = self._plugins.has_impl
        return has(AFTER_FINISH) or (not whole and (has(AFTER_START) or has(CHANGED)))

    def tell(self, event: Event) -> None:
        """Call the hooks of one event."""
        if event.type == STARTED:
            self._started(event)
        elif event.type == FINISHED:
            self._finished(event)
        elif event.type == EDITED:
            self._edited(event)

    def clear(self) -> None:
        """Forget what is open; a child process did not start it."""
        self._known.clear()

    def _started(self, event: Event) -> None:
        state = self._known.get(event.execution_id) or Fold()
        state.add(event)
        execution = state.execution(event.execution_id, event.tenant)
        if execution is None:
            return
        if state.outcome is not None and state.outcome.rank == ENDED_RANK:
            self._known.pop(event.execution_id, None)
            self._plugins.call(AFTER_FINISH, execution=execution)
            return
        if len(self._known) >= _MAX_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[event.execution_id] = state
        self._plugins.call(AFTER_START, execution=execution)

    def _finished(self, event: Event) -> None:
        state = self._known.pop(event.execution_id, None)
        if state is None:
            return
        state.add(event)
        execution = state.execution(event.execution_id, event.tenant)
        if execution is not None:
            self._plugins.call(AFTER_FINISH, execution=execution)

    def _edited(self, event: Event) -> None:
        state = self._known.get(event.execution_id)
        before = state.execution(event.execution_id, event.tenant) if state else None
        if state is not None:
            state.add(event)
        for edit in edits_of(event):
            change = MetadataChange(
                at=edit.at,
                order=edit.order,
                by=edit.by,
                key=edit.key,
                new=edit.value,
                has_new=edit.present,
            )
            self._plugins.call(CHANGED, execution=before, change=change)
