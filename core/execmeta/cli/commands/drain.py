"""`execmeta drain`: what waits in the spool, into the store."""

from __future__ import annotations

import click

from execmeta.cli import options
from execmeta.cli.failures import EXIT_STORE, say
from execmeta.cli.opening import opened, settings_for, spools
from execmeta.cli.output import write_json
from execmeta.cli.phrases import counted
from execmeta.cli.progress import progress_bar
from execmeta.cli.visible import visible
from execmeta.recording.drain import DrainReport, drain_all


@click.command("drain")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Begin nothing new after this time.",
)
@options.output_option("table", "json")
@options.store_option
@click.pass_context
def drain_command(ctx: click.Context, timeout: float, output: str, store: str | None) -> None:
    """Bring recorded events from the spool into the store.

    Every command that reads does so for at most a second; this one does it to the end. What a
    dead process left unfinished becomes lost. Exits with 3 when something had to stay.

    \b
    Example:
      execmeta drain
    """
    settings = settings_for(store)
    with opened(settings) as found:
        # A store that is down is an error here, not a reason to leave everything.
        found.segments()
        with progress_bar("Delivering"):
            report = drain_all(found, spools(settings), budget_s=timeout)
    if output == "json":
        write_json({name: getattr(report, name) for name in DrainReport.__dataclass_fields__})
    else:
        for line in _lines(report):
            click.echo(line)
    for reason in report.reasons if output == "table" else ():
        say(visible(reason))
    if report.left:
        ctx.exit(EXIT_STORE)


def _lines(report: DrainReport) -> list[str]:
    """What was done, in words; one line at least."""
    lines = [f"{counted(report.applied, 'event')} stored."]
    if report.taken:
        lines.append(f"{counted(report.taken, 'finished segment')} removed.")
    if report.live:
        lines.append(f"{counted(report.live, 'process')} still recording.")
    if report.lost:
        lines.append(f"{counted(report.lost, 'execution')} lost: their process died.")
    if report.quarantined:
        lines.append(f"{counted(report.quarantined, 'damaged piece')} put aside.")
    for label, count in sorted(report.elsewhere.items()):
        lines.append(f"{counted(count, 'segment')} left for another store: {visible(label)}")
    if report.left:
        lines.append(f"{counted(report.left, 'segment')} left in the spool.")
    return lines
