"""Characters: which ones a bare word has, and which ones no filter has."""

from __future__ import annotations

import re
from typing import Final

WORD: Final = r"""[^\s(),'"=<>!~]+"""
"""Expression of a bare word; `CONTROL` is refused in it besides."""
FIRST_WORD: Final = re.compile(WORD)
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters but tab and line ends: allowed between quotes only."""
UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
"""NUL and lone surrogates: recording replaces them, so no stored text has one, and PostgreSQL
would fail on them."""


def is_bare(text: str) -> bool:
    """Whether `text` can stand as a value without quotes.

    >>> is_bare("2026-01-31T10:00+02:00"), is_bare("a b"), is_bare("")
    (True, False, False)
    """
    return FIRST_WORD.fullmatch(text) is not None and CONTROL.search(text) is None
