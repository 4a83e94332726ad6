"""Screen: the terminal as rich sees it, or a file that stands in for it."""

from __future__ import annotations

import os
import sys

import click
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_ENDLESS = 100_000
"""Width of a pipe or a file: nothing is cut that another program reads."""


def screen() -> Console:
    """The console of stdout. Text is never read as markup; colours follow NO_COLOR."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _ENDLESS
    return Console(width=width, markup=False, highlight=False, emoji=False, soft_wrap=False)


def show(console: Console, *parts: RenderableType) -> None:
    """Print parts one below the other, without the spaces that rich pads lines with."""
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def grid(*titles: str) -> Table:
    """A table without lines; columns are two spaces apart."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles:
        table.add_column(title)
    table.show_header = bool(titles)
    return table


def one_line(text: str | Text, style: str = "") -> Text:
    """A cell that is cut with an ellipsis rather than wrapped."""
    cell = Text(text, style=style) if isinstance(text, str) else text
    cell.no_wrap, cell.overflow = True, "ellipsis"
    return cell
