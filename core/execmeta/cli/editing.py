"""Editing: one change of an execution's metadata, checked, recorded and delivered."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from execmeta.cli.phrases import pair_value
from execmeta.cli.visible import visible
from execmeta.errors import StoreUnavailableError
from execmeta.model.execution import Execution, Json
from execmeta.model.json_text import canonical_json
from execmeta.model.metadata import validate_metadata
from execmeta.recording.recorder import Recorder
from execmeta.store.base import Store

_DELIVERY_S = 5.0
"""Seconds that a person waits for the store to take an edit."""


class Edited(NamedTuple):
    """Metadata before and after; equal when there was nothing to change."""

    before: Mapping[str, Json]
    after: Mapping[str, Json]

    def lines(self) -> list[str]:
        """`priority: low → high` for each key that changed."""
        return [
            f"{visible(key)}: {_shown(self.before, key)} → {_shown(self.after, key)}"
            for key in {**self.before, **self.after}
            if _stored(self.before, key) != _stored(self.after, key)
        ]


def edit(
    store: Store,
    recorder: Recorder,
    execution: Execution,
    set: Mapping[str, Json],
    unset: Sequence[str] = (),
) -> Edited:
    """Change keys of an execution. The whole map keeps the limits, or nothing is changed; what
    stands there already is not recorded again.

    Raises:
        MetadataError: the map after the change breaks a rule.
        StoreUnavailableError: recorded, but not in the store yet.
    """
    before = execution.metadata
    changed = {
        key: value for key, value in set.items() if _stored(before, key) != _stored(set, key)
    }
    gone = [key for key in unset if key in before]
    if not changed and not gone:
        return Edited(before, before)
    # What is typed was checked for reserved keys; what stands there already may have been imported.
    validate_metadata(
        {key: value for key, value in before.items() if key not in gone} | changed, reserved=()
    )
    recorder.edit(execution.id, set=changed, unset=gone, by=_author())
    shipped = recorder.close(_DELIVERY_S)
    if shipped.left:
        raise StoreUnavailableError(
            f"The edit is recorded but not in the store yet: {shipped.reason}.",
            hint="`execmeta drain` delivers it.",
        )
    return Edited(before, store.get(execution.id).metadata)


def _stored(metadata: Mapping[str, Json], key: str) -> str | None:
    """The value as text that tells 5 from "5" and null from absent."""
    return canonical_json(metadata[key]) if key in metadata else None


def _shown(metadata: Mapping[str, Json], key: str) -> str:
    return pair_value(metadata[key]) if key in metadata else "(none)"


def _author() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have no name.
        return "unknown"
