"""List view: a page of executions as a table that fits the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from execmeta.cli.phrases import age, duration, pair_value, short_id, status_style
from execmeta.cli.screen import one_line
from execmeta.cli.visible import visible
from execmeta.model.execution import Execution, Json

_FROM_WIDTH: Final = {"KIND": 96, "STARTED": 66, "TIME": 56}
"""Terminal widths from which these columns are shown: on a narrow screen the id, the name, the
status and the metadata matter more."""

_Cell = Callable[[Execution, int], Text]
_COLUMNS: Final[Mapping[str, _Cell]] = {
    "ID": lambda found, now: Text(short_id(found.id), style="bold"),
    "KIND": lambda found, now: Text(visible(found.kind), style="dim"),
    "NAME": lambda found, now: one_line(visible(found.name)),
    "STATUS": lambda found, now: Text(found.status, style=status_style(found.status)),
    "STARTED": lambda found, now: Text(age(found.started_at, now)),
    "TIME": lambda found, now: Text(duration(found.duration_s)),
    "METADATA": lambda found, now: one_line(pairs(found.metadata)),
}
_FLEXIBLE: Final = frozenset({"NAME", "METADATA"})


def executions_table(executions: Sequence[Execution], console: Console, now_us: int) -> Table:
    """One line for each execution; a cell that is too long for the terminal ends in `…`."""
    titles = [title for title in _COLUMNS if console.width >= _FROM_WIDTH.get(title, 0)]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles:
        table.add_column(
            title,
            no_wrap=title not in _FLEXIBLE,
            justify="right" if title == "TIME" else "left",
        )
    for execution in executions:
        table.add_row(*(_COLUMNS[title](execution, now_us) for title in titles))
    return table


def pairs(metadata: Mapping[str, Json]) -> Text:
    """`k=v` pairs, keys dim so that the values stand out."""
    text = Text()
    for key, value in metadata.items():
        text.append(" " if text else "").append(f"{visible(key)}=", style="dim")
        text.append(pair_value(value))
    return text
