"""MetadataChange: one key of one edit, as the edit log shows it."""

from __future__ import annotations

from dataclasses import dataclass

from execmeta.model.clock import Order
from execmeta.model.execution import Json


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """Who set or removed which key when, and what stood there before.

    `had_old` and `has_new` tell an absent key from a stored null.
    """

    at: int
    """Microseconds since 1970 UTC, by the editor's clock."""
    order: Order
    by: str
    key: str
    new: Json = None
    has_new: bool = True
    old: Json = None
    had_old: bool = False
