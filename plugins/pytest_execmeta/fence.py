"""Errors of our own that were kept away from the run, counted, the first one in words."""

from __future__ import annotations


class Fence:
    """Where hooks leave what they must not raise. A user is told once, at the end."""

    def __init__(self) -> None:
        self.count = 0
        self.first = ""

    def note(self, doing: str, error: Exception) -> None:
        """Count an error that happened while `doing` something."""
        if not self.count:
            self.first = f"{type(error).__name__} while {doing}: {ascii(str(error))[:200]}"
        self.count += 1
