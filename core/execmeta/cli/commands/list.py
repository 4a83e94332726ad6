"""`execmeta list`: a page of executions."""

from __future__ import annotations

import click

from execmeta.cli import options
from execmeta.cli.announcements import announcements
from execmeta.cli.failures import EXIT_NOTHING, say
from execmeta.cli.opening import reading, settings_for
from execmeta.cli.output import LIST_FORMATS, write_page
from execmeta.cli.plugin_fields import plugin_fields
from execmeta.filters.binder import bind_query
from execmeta.filters.query import Sort
from execmeta.model.clock import wall_us
from execmeta.store.base import Page


@click.command("list", cls=options.FilterCommand)
@options.filter_options
@click.option("--all", "everything", is_flag=True, help="Also what ran below: tests, tasks, calls.")
@options.page_options
@click.option("--fail-empty", is_flag=True, help="Exit with 1 when nothing matches.")
@options.output_option(*LIST_FORMATS)
@options.store_option
@click.pass_context
def list_command(
    ctx: click.Context,
    filter: tuple[str, ...],
    pairs: tuple[str, ...],
    has: tuple[str, ...],
    everything: bool,
    limit: int,
    cursor: str | None,
    sort: Sort,
    fail_empty: bool,
    output: str,
    store: str | None,
) -> None:
    """List executions that match a filter, newest first.

    FILTER is text of the filter language, such as 'env=prod and duration>1h'. The list shows
    sessions, commands and DAG runs; --all, or a filter that names kind, parent or the like,
    shows what ran below them too.

    \b
    Examples:
      execmeta list 'env=prod and status=failed and started>now-7d'
      execmeta list -m project=ml -m 'priority>=5' --has-metadata owner
      execmeta list kind=test status=failed -o ids
    """
    settings, text = settings_for(store), " ".join(filter)
    fields = plugin_fields(settings, text)
    with reading(settings) as found:
        query = bind_query(
            text,
            pairs=pairs,
            has=has,
            scope="all" if everything else "auto",
            default_scope="top",
            sort=sort,
            limit=limit,
            cursor=cursor,
            resolver=found.resolve,
            fields=fields,
        )
        page = found.list(query)
        notes = list(announcements(page, query, found, output, fields))
    if output == "table":
        _write_table(page)
    else:
        write_page(page, output)
    for note in notes:
        say(note)
    if fail_empty and not page.executions:
        ctx.exit(EXIT_NOTHING)


def _write_table(page: Page) -> None:
    from execmeta.cli.list_view import executions_table  # rich is for people only
    from execmeta.cli.screen import screen, show

    if not page.executions:
        say("No executions." if not page.hidden_below else "No executions at the top.")
        return
    console = screen()
    show(console, executions_table(page.executions, console, wall_us()))
