"""Times, durations and sizes mean the interval, the seconds, the bytes that they spell."""

from __future__ import annotations

import math

import pytest
from conformance.dataset import us
from hypothesis import given
from hypothesis import strategies as st

from execmeta.filters.literals import Interval, interval_of, quantity_of, seconds_of

NOW = us("2026-02-10T12:34:56.789012")


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-01-31", "2026-01-31", "2026-02-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2026-01-31T10:00", "2026-01-31T10:00", "2026-01-31T10:01"),
        ("2026-01-31 10:00", "2026-01-31T10:00", "2026-01-31T10:01"),
        ("2026-01-31T10:00Z", "2026-01-31T10:00", "2026-01-31T10:01"),
        ("2026-01-31T10:00+02:00", "2026-01-31T08:00", "2026-01-31T08:01"),
        ("2026-01-31T10:00-05:30", "2026-01-31T15:30", "2026-01-31T15:31"),
        ("2026-01-31T10:00:05", "2026-01-31T10:00:05", "2026-01-31T10:00:06"),
        ("2026-01-31T10:00:05.5", "2026-01-31T10:00:05.5", "2026-01-31T10:00:05.6"),
        ("2026-01-31T10:00:05.25Z", "2026-01-31T10:00:05.25", "2026-01-31T10:00:05.26"),
        ("2026-01-31T10:00:05.123456", "2026-01-31T10:00:05.123456", "2026-01-31T10:00:05.123457"),
        (
            "2026-01-31T10:00:05.123456789",
            "2026-01-31T10:00:05.123456",
            "2026-01-31T10:00:05.123457",
        ),
        ("now", "2026-02-10T12:34:56.789012", "2026-02-10T12:34:56.789013"),
        ("now-7d", "2026-02-03T12:34:56.789012", "2026-02-03T12:34:56.789013"),
        ("now+1h30m", "2026-02-10T14:04:56.789012", "2026-02-10T14:04:56.789013"),
        ("now-250ms", "2026-02-10T12:34:56.539012", "2026-02-10T12:34:56.539013"),
        ("today", "2026-02-10", "2026-02-11"),
        ("today-1w", "2026-02-03", "2026-02-04"),
        ("0001-01-01", "0001-01-01", "0001-01-02"),
    ],
)
def test_a_time_is_the_interval_of_its_precision(text: str, start: str, end: str) -> None:
    assert interval_of(text, NOW) == Interval(us(start), us(end))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "yesterday",
            "NOW",
            "now-",
            "now-7",
            "now - 7d",
            "now-7d-1h",
            "7d",
            "2026",
            "2026-01",
        ),
        *("2026-1-31", "2026-13-01", "2026-02-30", "2026-01-31T", "2026-01-31T10"),
        *("2026-01-31T24:00", "2026-01-31T10:60", "2026-01-31T10:00:60", "2026-01-31t10:00"),
        *("2026-01-31T10:00z", "2026-01-31T10:00+2", "2026-01-31T10:00+24:00", "2026-01-31Z"),
        *("2026-01-31T10:00:05.", "2026-01-31T10:00:05.1234567890", "20260131", "2026-W05-6"),
        *("1767225600", "\u0662\u0660\u0662\u0666-01-31", "2026-01-31\n", "0000-01-01"),
        *("now-99999999w", "0001-01-01T00:00+01:00", "9999-12-31T23:59-01:00"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        interval_of(text, NOW)


@given(st.datetimes())
def test_every_moment_lies_in_the_interval_that_spells_it(moment: object) -> None:
    text = str(moment)
    start = us(text)

    for cut in (10, 16, 19, len(text)):
        interval = interval_of(text[:cut], NOW)
        assert interval.start <= start < interval.end


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("90", 90), ("1.5", 1.5), ("-1", -1), ("1e3", 1000), ("0", 0)),
        *(("250ms", 0.25), ("57ms", 0.057), ("1s", 1), ("10m", 600), ("1h", 3600), ("1d", 86400)),
        *(("2w", 1_209_600), ("1h30m", 5400), ("1m1.5s", 61.5), ("-5m", -300), ("1.5h", 5400)),
        ("9" * 400 + ".3ms", math.inf),
    ],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "1x", "h", "1H", "1 h", "1h30", "m1", "--1m", "1e3s", ".5s", "1.s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("5", 5), ("-7.5", -7.5), ("10m", 600), ("512B", 512), ("10KB", 10_000)),
        *(("10KiB", 10_240), ("1.5MB", 1_500_000), ("1MiB", 1_048_576), ("2GB", 2_000_000_000)),
        *(("1GiB", 2**30), ("1TB", 10**12), ("1TiB", 2**40), ("-1KB", -1000), ("0.1B", 0.1)),
        *(("5b", None), ("5kb", None), ("5iB", None), ("KB", None), ("5K", None), ("5 KB", None)),
        *(("2026-01-31", None), ("abc", None), ("", None), ("true", None), ("+5", None)),
    ],
)
def test_a_quantity_beside_an_order_operator(text: str, number: float | None) -> None:
    assert quantity_of(text) == number
