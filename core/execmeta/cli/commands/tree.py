"""`execmeta tree`: an execution with what ran below it."""

from __future__ import annotations

import click

from execmeta.cli import options
from execmeta.cli.failures import say
from execmeta.cli.opening import reading, referred, settings_for
from execmeta.model.execution import STATUSES
from execmeta.store.resolving import LATEST

_MOST = 100_000
"""Executions that one tree reads."""


@click.command("tree")
@options.reference_argument
@click.option("--all", "everything", is_flag=True, help="A line for every execution, no counts.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(STATUSES),
    multiple=True,
    help="Only these, with what is above them. Repeat it for several.",
)
@options.store_option
def tree_command(ref: str, everything: bool, statuses: tuple[str, ...], store: str | None) -> None:
    """Show an execution and what ran below it.

    REF is an id, its ending of at least 6 hex digits, an external id, or latest (the default):
    the whole tree that the newest one belongs to.

    Failures and skips are listed with their reasons; what passed is listed while it is little,
    then counted.

    \b
    Examples:
      execmeta tree latest
      execmeta tree 0123456789ab --status failed
    """
    from execmeta.cli.screen import screen, show  # rich is for people only
    from execmeta.cli.tree_view import Look, execution_tree, tree_summary

    with reading(settings_for(store)) as found:
        top = referred(found, ref)
        if ref == LATEST:
            # A run inside a run is newer than what started it, and not what was typed last.
            top = found.get(top).root_id
        executions = found.subtree(top, limit=_MOST)
    console = screen()
    look = Look(everything, frozenset(statuses), console.options.ascii_only)
    show(console, execution_tree(executions, look))
    summary = tree_summary(executions)
    if summary:
        click.echo(f"\n{summary}")
    if len(executions) == _MOST:
        say(f"Cut after {_MOST:,} executions.")
