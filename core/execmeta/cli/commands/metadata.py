"""`execmeta metadata`: change metadata, and see how it changed and what is in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import click

from execmeta.cli import options
from execmeta.cli.editing import edit
from execmeta.cli.failures import EXIT_NOTHING, say
from execmeta.cli.opening import reading, referred, settings_for
from execmeta.cli.output import write_json
from execmeta.cli.phrases import counted, moment, pair_value
from execmeta.cli.plugin_fields import plugin_fields
from execmeta.cli.visible import visible
from execmeta.codec import change_to_json
from execmeta.filters.binder import bind_query
from execmeta.model.execution import Json
from execmeta.model.limits import COUNT_CAP
from execmeta.model.metadata import check_key
from execmeta.model.pairs import parse_typed_pairs
from execmeta.recording.recorder import Recorder
from execmeta.settings import Settings
from execmeta.store.base import KeyStats

_DEFAULT_VALUES: Final = 10


@click.group("metadata")
def metadata_command() -> None:
    """Change metadata, and see how it changed and what is in use.

    \b
    Examples:
      execmeta metadata update latest --add priority=high
      execmeta metadata history latest
      execmeta metadata stats 'started>now-7d'
    """


@metadata_command.command("update")
@click.argument("ref", metavar="REF")
@click.option(
    "-m",
    "--add",
    "--metadata",
    "pairs",
    metavar="K=V",
    multiple=True,
    required=True,
    help=options.PAIR_HELP,
)
@options.store_option
def update(ref: str, pairs: tuple[str, ...], store: str | None) -> None:
    """Set metadata of an execution, running or ended.

    REF is an id, its ending of at least 6 hex digits, an external id, or latest. The change is
    kept in the history; a value that is there already changes nothing.

    \b
    Examples:
      execmeta metadata update latest --add priority=high --add 'retries:=3'
      execmeta metadata update 0123456789ab --add notes@=notes.txt
    """
    settings = settings_for(store)
    _edit(ref, parse_typed_pairs(pairs, reserved=settings.reserved_prefixes), (), settings)


@metadata_command.command("remove")
@click.argument("ref", metavar="REF")
@click.option(
    "--key", "keys", metavar="KEY", multiple=True, required=True, help="Repeat it for more keys."
)
@options.store_option
def remove(ref: str, keys: tuple[str, ...], store: str | None) -> None:
    """Remove metadata keys of an execution.

    REF is an id, its ending of at least 6 hex digits, an external id, or latest. The history
    keeps what was removed; a key that is not there changes nothing.

    \b
    Example:
      execmeta metadata remove latest --key priority
    """
    settings = settings_for(store)
    _edit(ref, {}, [check_key(key, settings.reserved_prefixes) for key in keys], settings)


@metadata_command.command("history")
@options.reference_argument
@options.output_option("table", "json")
@options.store_option
def history(ref: str, output: str, store: str | None) -> None:
    """Show who changed which key when, oldest first.

    REF is an id, its ending of at least 6 hex digits, an external id, or latest (the default).

    \b
    Example:
      execmeta metadata history 0123456789ab
    """
    with reading(settings_for(store)) as found:
        changes = found.history(referred(found, ref))
    if output == "json":
        write_json([change_to_json(change) for change in changes])
        return
    if not changes:
        say("Never edited.")
        return

    from execmeta.cli.screen import grid, screen, show  # rich is for people only

    table = grid("WHEN (UTC)", "BY", "KEY", "OLD", "NEW")
    for change in changes:
        table.add_row(
            moment(change.at),
            visible(change.by),
            visible(change.key),
            pair_value(change.old) if change.had_old else "",
            pair_value(change.new) if change.has_new else "",
        )
    show(screen(), table)


@metadata_command.command("stats", cls=options.FilterCommand)
@options.filter_options
@click.option(
    "--values",
    type=click.IntRange(1, 1000),
    default=_DEFAULT_VALUES,
    show_default=True,
    metavar="N",
    help="Most frequent values shown for each key.",
)
@click.option("--fail-empty", is_flag=True, help="Exit with 1 when no execution has metadata.")
@options.output_option("table", "json")
@options.store_option
@click.pass_context
def stats(
    ctx: click.Context,
    filter: tuple[str, ...],
    pairs: tuple[str, ...],
    has: tuple[str, ...],
    values: int,
    fail_empty: bool,
    output: str,
    store: str | None,
) -> None:
    """Count the values of each metadata key over all executions that match.

    \b
    Examples:
      execmeta metadata stats
      execmeta metadata stats 'kind=session and started>now-30d' -o json
    """
    settings, text = settings_for(store), " ".join(filter)
    fields = plugin_fields(settings, text)
    with reading(settings) as found:
        query = bind_query(
            text,
            pairs=pairs,
            has=has,
            resolver=found.resolve,
            fields=fields,
        )
        keys = found.keys(query, values=values)
    if output == "json":
        write_json({"keys": [_key_to_json(key) for key in keys]})
    for key in keys if output == "table" else ():
        click.echo(_key_line(key))
    if not keys:
        say("No metadata in these executions.")
    elif any(key.sampled for key in keys):
        say(f"Counted over the newest {COUNT_CAP:,} executions that match.")
    if fail_empty and not keys:
        ctx.exit(EXIT_NOTHING)


def _edit(ref: str, set: Mapping[str, Json], unset: Sequence[str], settings: Settings) -> None:
    with reading(settings) as found:
        execution = found.get(referred(found, ref))
        lines = edit(found, Recorder(settings), execution, set, unset).lines()
    for line in lines:
        click.echo(line)
    if not lines:
        say("Nothing to change.")


def _key_line(key: KeyStats) -> str:
    """`project: ml-model (45), etl-pipeline (23)`, and how many executions have other values."""
    shown = [f"{pair_value(value)} ({count:,})" for value, count in key.values]
    others = key.executions - sum(count for _, count in key.values)
    if others:
        shown.append(f"… {counted(others, 'other')}")
    return f"{visible(key.key)}: {', '.join(shown)}"


def _key_to_json(key: KeyStats) -> dict[str, object]:
    return {
        "key": key.key,
        "executions": key.executions,
        "values": [{"value": value, "executions": count} for value, count in key.values],
        "sampled": key.sampled,
    }
