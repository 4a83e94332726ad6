"""Literals: what a word means as a time, a duration or a size.

time:      2026-01-31 · 2026-01-31T10:00 · 2026-01-31T10:00:05 · 2026-01-31T10:00:05.25, each
           but the first also with Z or +02:00 behind it · now · today · now-7d · today+1h30m
duration:  500ms · 1.5s · 10m · 1h30m · 7d · 2w; plain numbers are seconds
size:      512B · 10KB (1000) · 10KiB (1024) · MB MiB GB GiB TB TiB

A time is the interval of its precision, in UTC where it names no offset: a date is that day,
`10:00` that minute, `now` one microsecond.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final, NamedTuple

from execmeta.model.values import number_of

_UNITS: Final[Mapping[str, Fraction]] = {
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86_400),
    "w": Fraction(604_800),
}
"""Seconds; fractions, so that 57ms is the float64 that 0.057 is."""
_SIZES: Final = {
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("KMGT", 1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)},
}
"""Bytes."""

_PART: Final = r"[0-9]+(?:\.[0-9]+)?(?:ms|[smhdw])"
_PARTS: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdw])")
_DURATION: Final = re.compile(rf"-?(?:{_PART})+")
_SIZE: Final = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)([KMGT]i?B|B)")
_RELATIVE: Final = re.compile(rf"(now|today)(?:([+-])((?:{_PART})+))?")
_ABSOLUTE: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
_DAY_US: Final = 1440 * _MINUTE_US
_MIN_US: Final = -62_135_596_800 * _SECOND_US
_MAX_US: Final = 253_402_300_800 * _SECOND_US
"""Years 1 to 9999: what times can be, here and in the stores."""

TIME_FORMS: Final = (
    "a time such as 2026-01-31, 2026-01-31T10:00, 2026-01-31T10:00Z, today or now-7d"
)
DURATION_FORMS: Final = "a duration such as 90s, 10m, 1h30m or plain seconds"


class Interval(NamedTuple):
    """Microseconds since 1970 UTC, the end not included."""

    start: int
    end: int


def interval_of(text: str, now_us: int) -> Interval:
    """The interval that a time names.

    Raises:
        ValueError: not a time, or one that the calendar does not have; the message goes behind
            `found`.

    >>> interval_of("1970-01-02", 0)
    Interval(start=86400000000, end=172800000000)
    >>> interval_of("now-1.5s", 5_000_000)
    Interval(start=3500000, end=3500001)
    """
    interval = _relative(text, now_us) or _absolute(text)
    if interval is None:
        raise ValueError(f"no time; expected {TIME_FORMS}")
    if not _MIN_US <= interval.start < interval.end <= _MAX_US:
        raise ValueError("a time out of range; expected one in the years 1 to 9999")
    return interval


def _relative(text: str, now_us: int) -> Interval | None:
    found = _RELATIVE.fullmatch(text)
    if found is None:
        return None
    word, sign, duration = found.groups()
    start = now_us - now_us % _DAY_US if word == "today" else now_us
    if duration:
        # An absurd number of weeks may be infinite; it is out of range either way.
        shift = round(min(seconds_of(duration) * _SECOND_US, 2 * _MAX_US))
        start += -shift if sign == "-" else shift
    return Interval(start, start + (_DAY_US if word == "today" else 1))


def _absolute(text: str) -> Interval | None:
    found = _ABSOLUTE.fullmatch(text)
    if found is None:
        return None
    day, minute, second, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{minute or '00:00'}:{second or '00'}+00:00")
    except ValueError as exc:
        raise ValueError(f"no time: {exc}") from None
    start = (moment - _EPOCH) // timedelta(microseconds=1)
    if minute is None:
        return Interval(start, start + _DAY_US)
    if offset and offset != "Z":
        hours, minutes = int(offset[1:3]), int(offset[4:6])
        if hours > 23 or minutes > 59:
            raise ValueError("no time: its offset must be in -23:59..+23:59")
        start -= int(f"{offset[0]}1") * (hours * 60 + minutes) * _MINUTE_US
    if second is None:
        return Interval(start, start + _MINUTE_US)
    if fraction is None:
        return Interval(start, start + _SECOND_US)
    start += int(fraction[:6].ljust(6, "0"))
    return Interval(start, start + 10 ** max(0, 6 - len(fraction)))


def seconds_of(text: str) -> int | float:
    """The seconds of a duration; a plain number is seconds.

    Raises:
        ValueError: not a duration; the message goes behind `found`.

    >>> seconds_of("1h30m"), seconds_of("250ms"), seconds_of("90")
    (5400, 0.25, 90)
    """
    number = number_of(text)
    if number is None:
        number = _duration(text)
    if number is None:
        raise ValueError(f"no duration; expected {DURATION_FORMS}")
    return number


def quantity_of(text: str) -> int | float | None:
    """The number that a word means beside `<` or `>`: a number, seconds or bytes; None for any
    other text.

    >>> quantity_of("5"), quantity_of("10m"), quantity_of("1.5KiB"), quantity_of("2026-01-31")
    (5, 600, 1536, None)
    """
    number = number_of(text)
    if number is None:
        number = _duration(text)
    return _bytes(text) if number is None else number


def _duration(text: str) -> int | float | None:
    if not _DURATION.fullmatch(text):
        return None
    seconds = sum(Fraction(count) * _UNITS[unit] for count, unit in _PARTS.findall(text))
    return _number(-seconds if text[0] == "-" else seconds)


def _bytes(text: str) -> int | float | None:
    found = _SIZE.fullmatch(text)
    return _number(Fraction(found[1]) * _SIZES[found[2]]) if found else None


def _number(exact: Fraction | int) -> int | float:
    if exact.denominator == 1:
        return exact.numerator
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
