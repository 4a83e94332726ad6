"""Phrases: how a time, a duration, an id, a value and a count read for a person."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from execmeta.cli.visible import visible, visible_json
from execmeta.model.execution import Json

SHORT_ID_DIGITS: Final = 12
"""Hex digits of an id's ending in tables: 48 random bits, and one whole group of the id, so that
a double click selects it. Every command takes it as a reference."""
_DAY_S: Final = 86_400
_STATUS_STYLES: Final = {
    "failed": "red",
    "lost": "bold red",
    "cancelled": "magenta",
    "running": "cyan",
    "queued": "dim",
    "skipped": "yellow",
    "success": "green",
}
"""In the order in which they matter to who looks."""
_STATUS_MARKS: Final = {
    "queued": ("○", "."),
    "running": ("●", ">"),
    "success": ("✓", "+"),
    "failed": ("✗", "x"),
    "skipped": ("-", "-"),
    "cancelled": ("■", "c"),
    "lost": ("?", "?"),
}


def short_id(execution_id: str) -> str:
    """The ending of an id that tables show."""
    return execution_id[-SHORT_ID_DIGITS:]


def status_style(status: str) -> str:
    """The rich style of a status word."""
    return _STATUS_STYLES.get(status, "")


def status_mark(status: str, *, ascii_only: bool = False) -> str:
    """One character for a status."""
    return _STATUS_MARKS.get(status, ("·", "*"))[ascii_only]


def age(at_us: int, now_us: int) -> str:
    """How long ago, in the largest unit; the UTC date from a week on.

    >>> age(0, 90_000_000), age(0, 0), age(0, 10 * 86_400_000_000)
    ('1m ago', 'now', '1970-01-01')
    """
    seconds = (now_us - at_us) // 1_000_000
    if seconds < 1:
        # Another machine's clock may be ahead: "now" hides at most 2 s of it.
        return "now" if seconds > -2 else moment(at_us)
    if seconds >= 7 * _DAY_S:
        return moment(at_us)[:10]
    units = ((_DAY_S, "d"), (3600, "h"), (60, "m"), (1, "s"))
    length, unit = next(found for found in units if seconds >= found[0])
    return f"{seconds // length}{unit} ago"


def moment(at_us: int) -> str:
    """`2026-11-21 07:54:29` in UTC, the zone that a filter reads such a text in."""
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def duration(seconds: float | None) -> str:
    """Two significant units at most; empty when there is none.

    >>> duration(0.0042), duration(12.34), duration(75), duration(3725)
    ('4ms', '12.3s', '1m15s', '1h02m')
    """
    if seconds is None:
        return ""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms" if seconds >= 0.0005 or seconds == 0 else "<1ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h{minutes:02d}m"
    return f"{hours // 24}d{hours % 24:02d}h"


def size(number: int) -> str:
    """Bytes in a unit that leaves few digits.

    >>> size(512), size(1_500_000)
    ('512 B', '1.4 MiB')
    """
    amount = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def value_text(value: Json) -> str:
    """A metadata value on one line: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return visible(value)
    return json_line(value)


def pair_value(value: Json) -> str:
    """A value behind `key=`: in quotes when it is empty or has white space or quotes in it."""
    text = value_text(value)
    plain = not isinstance(value, str) or (text and not any(char in " '\"" for char in text))
    return text if plain else json_line(value)


def json_line(value: object) -> str:
    """JSON on one line, safe to show."""
    return visible_json(json.dumps(value, ensure_ascii=False))


def tally(statuses: Iterable[str]) -> str:
    """`2 failed, 40 success`: how many of each status, the worst first."""
    counts = Counter(statuses)
    order = {status: rank for rank, status in enumerate(_STATUS_STYLES)}
    named = sorted(counts, key=lambda status: order.get(status, -1))
    return ", ".join(f"{counts[status]:,} {visible(status)}" for status in named)


def counted(number: int, noun: str, *, capped: bool = False) -> str:
    """`1 execution`, `2,345 executions`, `10,000+ executions`.

    >>> counted(1, "execution"), counted(10_000, "match", capped=True)
    ('1 execution', '10,000+ matches')
    """
    ending = "" if number == 1 and not capped else "es" if noun.endswith(("ch", "s")) else "s"
    return f"{number:,}{'+' if capped else ''} {noun}{ending}"
