"""Failures: what an exception says on stderr, and the exit code it ends with."""

from __future__ import annotations

import unicodedata
from typing import Final

import click

from execmeta.cli.visible import visible
from execmeta.errors import AmbiguousReferenceError, ExecmetaError, FilterError

EXIT_NOTHING: Final = 1
"""Nothing found, where the command asks for something: an unknown id, `--fail-empty`."""
EXIT_USAGE: Final = 2
"""A wrong option, pair or filter; click ends with the same."""
EXIT_STORE: Final = 3
"""The store cannot be reached, or is damaged, or of another release."""
EXIT_INTERRUPTED: Final = 130
"""Ctrl-C: 128 + SIGINT, as shells have it."""
EXIT_BROKEN_PIPE: Final = 141
"""The reader went away (`| head`): 128 + SIGPIPE, as other tools end then."""

_WINDOW = 60
"""Characters of a long filter shown on each side of the error."""


def report(error: ExecmetaError) -> None:
    """Write one clear message to stderr: what was wrong, what was expected, what to do."""
    say(f"Error: {_message(error)}")
    if isinstance(error, FilterError) and error.text:
        for line in pointed(error.text, error.column):
            say(f"  {line}")
    if isinstance(error, AmbiguousReferenceError):
        for candidate in error.candidates:
            say(f"  {candidate}")
    if error.hint:
        say(f"Hint: {visible(error.hint)}")


def say(line: str) -> None:
    """One line for the person, on stderr, where it is never taken for output."""
    click.echo(line, err=True)


def pointed(text: str, column: int) -> tuple[str, str]:
    """The filter and a caret under its `column` (1-based, code points), both one line; a long
    filter is cut around the caret."""
    at = min(max(column - 1, 0), len(text))
    left, right = max(at - _WINDOW, 0), at + _WINDOW
    before = ("…" if left else "") + visible(text[left:at])
    after = visible(text[at:right]) + ("…" if right < len(text) else "")
    return before + after, " " * _cells(before) + "^"


def _message(error: ExecmetaError) -> str:
    return "\n".join(visible(line) for line in str(error).splitlines())


def _cells(text: str) -> int:
    """Columns of a terminal that `text` takes."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )
