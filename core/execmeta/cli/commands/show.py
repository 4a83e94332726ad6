"""`execmeta show`: one execution."""

from __future__ import annotations

import click

from execmeta.cli import options
from execmeta.cli.opening import reading, referred, settings_for
from execmeta.cli.output import write_json
from execmeta.cli.phrases import counted
from execmeta.codec import execution_to_json
from execmeta.filters.bound import Place
from execmeta.filters.query import Query
from execmeta.model.clock import wall_us


@click.command("show")
@options.reference_argument
@options.output_option("table", "json")
@options.store_option
def show_command(ref: str, output: str, store: str | None) -> None:
    """Show one execution with everything known about it.

    REF is an id, its ending of at least 6 hex digits, an external id, or latest (the default).

    \b
    Examples:
      execmeta show latest
      execmeta show 0123456789ab -o json
    """
    with reading(settings_for(store)) as found:
        execution = found.get(referred(found, ref))
        if output == "json":
            write_json(execution_to_json(execution))
            return
        below, capped = found.count(Query(filter=Place("parent", execution.id)))

    from execmeta.cli.screen import screen, show  # rich is for people only
    from execmeta.cli.show_view import execution_view

    console = screen()
    children = counted(below, "execution", capped=capped) if below else ""
    ascii_only = console.options.ascii_only
    show(console, *execution_view(execution, children, wall_us(), ascii_only=ascii_only))
