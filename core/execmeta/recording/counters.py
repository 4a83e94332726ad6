"""Counters: what became of every event that was offered to a recorder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MAX_REASONS: Final = 100
"""Different reasons that are told apart; a program may run for months."""
OTHER: Final = "other"


@dataclass(slots=True)
class Counters:
    """Events by fate. At any time `offered == stored + spooled + quarantined + dropped`."""

    offered: int = 0
    """Events that calls of the recorder made."""
    stored: int = 0
    """Known to be in the store."""
    spooled: int = 0
    """On their way: in the segment on disk, or in memory (`in_memory`) without one."""
    quarantined: int = 0
    """Refused by the store for good, and kept aside."""
    dropped: int = 0
    """Lost; `reasons` tells why."""
    in_memory: int = 0
    """The part of `spooled` that is not on disk and dies with the process."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Reason to number of dropped events, such as `OSError: [Errno 28] ...` or `memory_full`."""
    faults: dict[str, int] = field(default_factory=dict)
    """Errors that cost no event: a hook that raised, a directory that could not be written."""

    def drop(self, reason: str) -> None:
        """Count an event that was offered and is lost."""
        self.offered += 1
        self.dropped += 1
        _count(self.reasons, reason, 1)

    def fault(self, reason: str, number: int) -> None:
        """Count an error that cost no event."""
        _count(self.faults, reason, number)


def _count(table: dict[str, int], reason: str, number: int) -> None:
    if reason not in table and len(table) >= MAX_REASONS:
        reason = OTHER
    table[reason] = table.get(reason, 0) + number
