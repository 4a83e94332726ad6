"""Names: which characters they are made of, and how they are cut."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

Space = Literal["meta", "attr"]
SPACES: Final[tuple[Space, ...]] = ("meta", "attr")
"""First parts that force a key where a bare name would mean something else."""
MISNAMED: Final = {"metadata": "meta", "attributes": "attr"}
"""First parts that people write for one of `SPACES`."""

_ASCII_NAME: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_.\-/:@]*[A-Za-z0-9_])?", re.ASCII)
_PUNCTUATION: Final = frozenset("_.-/:@")


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def normalised(name: str) -> str:
    """`name` in NFC, the form that keys are stored in."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def fault_in(name: str, *, key: bool = False) -> int | None:
    """Index of the first character that a name cannot have there, None for a legal name.

    A name begins with a letter or `_` (a key also with a digit), goes on with letters, marks,
    digits and `_ . - / : @` without two points in a row, and ends in a letter, mark, digit or `_`.

    >>> fault_in("team/env"), fault_in("a..b"), fault_in("env:"), fault_in("1st")
    (None, 2, 3, 0)
    >>> fault_in("1st", key=True)
    """
    if _ASCII_NAME.fullmatch(name) and ".." not in name:
        return None
    if not name:
        return 0
    for index, char in enumerate(name):
        if index == 0:
            legal = char == "_" or char.isalpha() or (key and char.isalnum())
        else:
            legal = char.isalnum() or char in _PUNCTUATION or _is_mark(char)
        if not legal or (char == "." and name[index - 1] == "."):
            return index
    last = name[-1]
    return None if last.isalnum() or last == "_" or _is_mark(last) else len(name) - 1


def split_space(name: str) -> tuple[Space | None, str]:
    """The space that a name forces, and the key in it.

    >>> split_space("meta.in"), split_space("metal.in")
    (('meta', 'in'), (None, 'metal.in'))
    """
    for space in SPACES:
        if name.startswith(f"{space}."):
            return space, name[len(space) + 1 :]
    return None, name
