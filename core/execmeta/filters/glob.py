r"""Glob: `*` any run of characters, `?` any one; case-sensitive, from end to end, linear.

`\*`, `\?` and `\\` are the characters themselves; a backslash before anything else, `[` and `]`
are literal. There are no classes and no alternatives, so matching never backtracks over a star
that has found its text: at most (length of pattern) * (length of text) steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, Literal

from execmeta.model.limits import MAX_GLOB_CHARS

Piece = tuple[Literal["text", "?", "*"], str]
"""A run of literal characters, or one wildcard."""

_PIECES: Final = re.compile(r"\\([*?\\])|([*?])|(\\|[^*?\\]+)", re.DOTALL)


def pieces(pattern: str) -> Iterator[Piece]:
    r"""The parts of a pattern in order; neighbouring texts joined, stars in a row one star.

    >>> list(pieces(r"ml-\**"))
    [('text', 'ml-*'), ('*', '*')]
    """
    text = ""
    starred = False
    for found in _PIECES.finditer(pattern):
        escaped, wildcard, literal = found.groups()
        if wildcard is None:
            text += escaped or literal
            continue
        if text:
            yield "text", text
            text, starred = "", False
        if wildcard == "?":
            yield "?", "?"
            starred = False
        elif not starred:
            yield "*", "*"
            starred = True
    if text:
        yield "text", text


def literal_prefix(pattern: str) -> str:
    r"""The text that every match begins with.

    >>> literal_prefix("ml-*"), literal_prefix("*-ml"), literal_prefix(r"a\*b?")
    ('ml-', '', 'a*b')
    """
    for kind, text in pieces(pattern):
        return text if kind == "text" else ""
    return ""


def has_wildcard(pattern: str) -> bool:
    """Whether the pattern fits more than one text."""
    return any(kind != "text" for kind, _ in pieces(pattern))


def glob_matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text fits `pattern` from end to end.

    Raises:
        ValueError: the pattern is over 256 characters.

    >>> matches = glob_matcher("ml-*.py")
    >>> matches("ml-train.py"), matches("ML-train.py"), matches("ml-train.pyc")
    (True, False, False)
    """
    if len(pattern) > MAX_GLOB_CHARS:
        raise ValueError(f"a glob of {len(pattern)} characters; expected at most {MAX_GLOB_CHARS}")
    fullmatch = re.compile(_expression(pattern), re.DOTALL).fullmatch
    return lambda text: fullmatch(text) is not None


def _expression(pattern: str) -> str:
    """A regular expression that finds each run between two stars at its first place and stays
    there (atomic groups): the first place is always as good as a later one."""
    runs = [""]
    for kind, text in pieces(pattern):
        if kind == "*":
            runs.append("")
        else:
            runs[-1] += "." if kind == "?" else re.escape(text)
    first, *middle = runs
    if not middle:
        return first
    last = middle.pop()
    return f"{first}{''.join(f'(?>.*?{run})' for run in middle)}.*{last}"
