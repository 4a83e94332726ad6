"""Opening: the settings, the store, the spool and the recorder of one command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from execmeta.cli.failures import say
from execmeta.cli.phrases import counted, moment
from execmeta.cli.visible import visible
from execmeta.errors import AmbiguousReferenceError
from execmeta.model.ids import ExecutionId
from execmeta.recording.context import Context
from execmeta.recording.drain import DrainReport, drain_all
from execmeta.settings import Settings, load_settings
from execmeta.spool.paths import existing
from execmeta.store.base import Store
from execmeta.store.opening import open_store

READ_DRAIN_S: Final = 1.0
"""Seconds that a reading command gives to events that are not in the store yet."""


def settings_for(store: str | None, *, lenient: bool = False) -> Settings:
    """The settings in force, with `--store` above everything else; see `load_settings`."""
    return load_settings({"store": store}, lenient=lenient)


def spools(settings: Settings) -> tuple[Path, ...]:
    """Every directory in which events of this user may wait."""
    return existing(os.environ, settings.spool)


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The store of the settings, closed behind the body."""
    store = open_store(settings.store)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def reading(settings: Settings) -> Iterator[Store]:
    """The store as it is now, events of running processes included."""
    with opened(settings) as store:
        _tell(drain_all(store, spools(settings), budget_s=READ_DRAIN_S))
        yield store


def referred(store: Store, ref: str) -> ExecutionId:
    """The id that `ref` means; of several candidates the error tells what they are."""
    try:
        return store.resolve(ref)
    except AmbiguousReferenceError as error:
        raise AmbiguousReferenceError(
            error.message, [_described(store, ExecutionId(found)) for found in error.candidates]
        ) from error


def context_of(store: Store, ref: str) -> Context:
    """An execution as the parent of what is about to run."""
    found = store.get(referred(store, ref))
    return Context(
        found.id,
        found.root_id,
        found.depth,
        found.kind,
        metadata=dict(found.metadata),
        tenant=found.tenant,
    )


def _described(store: Store, execution_id: ExecutionId) -> str:
    execution = store.get(execution_id)
    name = visible(execution.name)
    return f"{execution_id}  {visible(execution.kind)}  {name}  {moment(execution.started_at)} UTC"


def _tell(report: DrainReport) -> None:
    """Say what is recorded and yet not in the answer."""
    reason = f" ({visible(report.reasons[0])})" if report.reasons else ""
    if report.left:
        left = counted(report.left, "segment")
        say(f"{left} of events still in the spool{reason}: `execmeta drain` delivers them.")
    if report.quarantined:
        say(f"{counted(report.quarantined, 'damaged piece')} of the spool put aside{reason}.")
