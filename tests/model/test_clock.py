"""The hybrid clock never runs backwards and follows what it has seen."""

from __future__ import annotations

import random

from execmeta.model.clock import HybridClock

HOUR_US = 3_600 * 1_000_000


def test_stamps_increase_while_the_wall_clock_stands_or_steps_back() -> None:
    walls = iter([5_000_000, 5_000_000, 1_000_000, 5_000_000, 6_000_000])
    clock = HybridClock(lambda: next(walls))

    stamps = [clock.tick() for _ in range(5)]

    assert stamps == sorted(set(stamps))


def test_causal_pairs_keep_their_order_with_an_hour_of_skew() -> None:
    rng = random.Random(5)
    inverted = naive = 0
    for _ in range(10_000):
        skew_a, skew_b = (rng.randint(-HOUR_US, HOUR_US) for _ in range(2))
        wall = 1_700_000_000_000_000
        sender = HybridClock(lambda now=wall + skew_a: now)
        receiver = HybridClock(lambda now=wall + 1_000 + skew_b: now)
        sent = sender.tick()
        receiver.observe(sent)
        inverted += receiver.tick() <= sent
        naive += wall + 1_000 + skew_b <= wall + skew_a

    assert inverted == 0
    assert naive > 0, "the wall clock alone must fail here, or the test is blind"


def test_a_stamp_more_than_a_day_ahead_is_not_followed() -> None:
    clock = HybridClock(lambda: 1_700_000_000_000_000)
    before = clock.tick()
    ahead = (1_700_000_000_000 + 25 * 3_600_000) << 16

    assert not clock.observe(ahead)
    assert clock.tick() == before + 1
