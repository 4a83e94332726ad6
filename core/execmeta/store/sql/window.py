"""Window: the part of the keys, and the order, in which a page looks for its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

MIN_TID: Final = -1
MAX_TID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Window:
    """Keys from `above` to `below`, both excluded, newest or oldest first."""

    above: int = MIN_TID
    below: int = MAX_TID
    newest: bool = True

    @property
    def order(self) -> str:
        """The window's order as SQL."""
        return "DESC" if self.newest else "ASC"

    def after(self, tid: int) -> Window:
        """What is left behind a row."""
        return replace(self, below=tid) if self.newest else replace(self, above=tid)
