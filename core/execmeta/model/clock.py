"""Hybrid logical clock: wall time that never runs backwards inside one process.

48 bits of milliseconds, 16 bits of counter. Causally related events keep their order across
processes although their wall clocks differ (reliability.md §2.3, promise P16).
"""

from __future__ import annotations

import time
from collections.abc import Callable

Order = tuple[int, int, int]
"""Order key of an event: (hlc, writer id, sequence number); total over all events."""

_COUNTER_BITS = 16
_MAX_AHEAD_MS = 24 * 3600 * 1000
"""A received clock further ahead than a day is a broken one and is not followed."""


def wall_us() -> int:
    """Now, in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


class HybridClock:
    """Gives increasing stamps; `observe` moves it past what another process has seen."""

    def __init__(self, now_us: Callable[[], int] = wall_us) -> None:
        self._now_us = now_us
        self._last = 0

    def tick(self) -> int:
        """A stamp greater than every earlier one of this clock."""
        wall = (self._now_us() // 1000) << _COUNTER_BITS
        self._last = wall if wall > self._last else self._last + 1
        return self._last

    def observe(self, stamp: int) -> bool:
        """Go on after `stamp`; False when it is over 24 h ahead and was ignored."""
        if stamp <= self._last:
            return True
        if (stamp >> _COUNTER_BITS) - self._now_us() // 1000 > _MAX_AHEAD_MS:
            return False
        self._last = stamp
        return True
