"""Metadata values: what counts as a number."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_MAX_INT_CHARS: Final = 1000
"""Longer runs of digits are read as float64; int() itself refuses more than 4300."""
_MAX_EXACT: Final = 2**53
"""Up to here float64 holds every integer, so an integral float may be given as int."""


def number_of(text: str) -> int | float | None:
    """The number that `text` spells from end to end, None when it spells none.

    Digits alone are an exact int. A fraction or an exponent makes it a float64, given as int
    when that is integral and not over 2**53; one that overflows is infinite. A leading `+`, a
    leading or trailing point, white space, `_`, hexadecimal and `nan` are no numbers.

    >>> number_of("05"), number_of("5.0"), number_of("-7.25"), number_of("1e3")
    (5, 5, -7.25, 1000)
    >>> number_of("9223372036854775807"), number_of("1e999"), number_of("+5")
    (9223372036854775807, inf, None)
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    if match.lastindex is None and len(text) <= _MAX_INT_CHARS:
        return int(text)
    number = float(text)
    if number.is_integer() and abs(number) <= _MAX_EXACT:
        return int(number)
    return number
