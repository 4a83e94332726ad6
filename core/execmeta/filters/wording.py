"""How filter errors quote and list what they talk about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_MAX_SHOWN: Final = 40
"""Characters of a quotation: the reader has the text and the column beside it."""


def shown(text: str) -> str:
    """`text` in quotes, fit for a terminal: cut at 40 characters, nothing unprintable.

    >>> print(shown("a\\x00b"), shown("x" * 50))
    'a\\x00b' 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'
    """
    kept = text[:_MAX_SHOWN]
    safe = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in kept
    )
    return f"'{safe}{'...' if len(text) > _MAX_SHOWN else ''}'"


def listed(words: Sequence[str], last: str = "or") -> str:
    """`a, b or c`.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b or c', 'a')
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
