"""Progress of long work: a bar on stderr when a person looks at it, nothing otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from execmeta.store.base import Progress


@contextmanager
def progress_bar(title: str) -> Iterator[Progress | None]:
    """A function to call with (done, total) rows; None where nobody would see the bar."""
    if not sys.stderr.isatty():
        yield None
        return

    from rich import progress  # only where a bar is drawn
    from rich.console import Console

    columns = (
        progress.TextColumn(title),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
