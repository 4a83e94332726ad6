"""`execmeta db`: look after the database."""

from __future__ import annotations

import click

from execmeta.cli import options
from execmeta.cli.failures import EXIT_STORE, say
from execmeta.cli.opening import opened, settings_for
from execmeta.cli.output import write_json
from execmeta.cli.phrases import counted, size
from execmeta.cli.progress import progress_bar
from execmeta.cli.visible import visible
from execmeta.store.opening import sqlite_path


@click.group("db")
def db_command() -> None:
    """Look after the database.

    \b
    Examples:
      execmeta db stats
      execmeta db check
    """


@db_command.command("upgrade")
@options.store_option
def upgrade(store: str | None) -> None:
    """Bring the database to the schema of this release, or make a new one.

    What is recorded meanwhile waits in the spool.

    \b
    Example:
      execmeta db upgrade
    """
    url = settings_for(store).store
    if url == "memory:":
        click.echo("Up to date: memory has no schema.")
        return
    from execmeta.store.sql import migrate  # Alembic is needed nowhere else

    before, after = migrate.upgrade(sqlite_path(url))
    if before == after:
        click.echo(f"Up to date: schema {after}.")
    else:
        click.echo(f"Schema {before or 'none'} → {after}.")


@db_command.command("check")
@options.output_option("table", "json")
@options.store_option
@click.pass_context
def check(ctx: click.Context, output: str, store: str | None) -> None:
    """Recompute the index from the rows and compare. Changes nothing.

    Exits with 3 when something is wrong.

    \b
    Example:
      execmeta db check
    """
    with opened(settings_for(store)) as found, progress_bar("Checking") as progress:
        report = found.check(progress)
    if output == "json":
        write_json({"executions": report.executions, "problems": list(report.problems)})
    else:
        for problem in report.problems:
            click.echo(visible(problem))
        fine = "no problem" if not report.problems else counted(len(report.problems), "problem")
        click.echo(f"{counted(report.executions, 'execution')} checked, {fine} found.")
    if report.problems:
        say("`execmeta db reindex` rebuilds everything that is derived from the rows.")
        ctx.exit(EXIT_STORE)


@db_command.command("reindex")
@options.store_option
def reindex(store: str | None) -> None:
    """Rebuild everything that is derived from the rows.

    \b
    Example:
      execmeta db reindex
    """
    with opened(settings_for(store)) as found, progress_bar("Indexing") as progress:
        done = found.reindex(progress)
    click.echo(f"{counted(done, 'execution')} indexed.")


@db_command.command("stats")
@options.output_option("table", "json")
@options.store_option
def stats(output: str, store: str | None) -> None:
    """Show how much the database holds.

    \b
    Example:
      execmeta db stats -o json
    """
    with opened(settings_for(store)) as found:
        url, known = found.url, found.stats()
    if output == "json":
        write_json(
            {
                "store": url,
                "schema": known.schema,
                "executions": known.executions,
                "edits": known.edits,
                "size_bytes": known.size_bytes,
                "details": dict(known.details),
            }
        )
        return
    rows: dict[str, str] = {
        "store": url,
        "schema": known.schema,
        "executions": f"{known.executions:,}",
        "edits": f"{known.edits:,}",
        "size": size(known.size_bytes),
        **{name.replace("_", " "): str(value) for name, value in known.details.items()},
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        click.echo(f"{name:<{width}}  {visible(value)}")
