"""`execmeta doctor`: is everything in order, and if not, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from execmeta.cli import options
from execmeta.cli.diagnosis import diagnosis
from execmeta.cli.failures import EXIT_STORE
from execmeta.cli.opening import settings_for
from execmeta.cli.output import write_json
from execmeta.cli.phrases import counted, size, value_text
from execmeta.cli.visible import visible


@click.command("doctor")
@options.output_option("table", "json")
@options.store_option
@click.pass_context
def doctor_command(ctx: click.Context, output: str, store: str | None) -> None:
    """Check store, spool, settings and plug-ins.

    Exits with 3 when the store cannot be reached.

    \b
    Example:
      execmeta doctor -o json
    """
    found = diagnosis(settings_for(store, lenient=True))
    if output == "json":
        write_json(found)
    else:
        for line in _lines(found):
            click.echo(visible(line))
    if not found["healthy"]:
        ctx.exit(EXIT_STORE)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    versions = f"{found['version']}, Python {found['python']}, SQLite {found['sqlite']}"
    yield f"execmeta   {versions}"
    store = found["store"]
    yield f"store      {store['url']}"
    if store["error"]:
        yield f"           not usable: {store['error']}"
    else:
        yield (
            f"           {counted(store['executions'], 'execution')}, "
            f"{counted(store['edits'], 'edit')}, {size(store['size_bytes'])}, "
            f"schema {store['schema']}"
        )
    for place in found["spool"]:
        yield f"spool      {place['path']}"
        waiting = f"{counted(place['segments'], 'segment')}, {size(place['bytes'])}"
        aside = place["quarantined_bytes"]
        yield f"           {waiting}" + (f", {size(aside)} in quarantine" if aside else "")
    for setting in found["settings"]:
        if setting["origin"] != "default":
            value = value_text(setting["value"])
            yield f"setting    {setting['key']} = {value}  ({setting['origin']})"
    for plugin in found["plugins"]:
        yield f"plug-in    {_plugin(plugin)}"
    for warning in found["warnings"]:
        yield f"warning    {warning}"


def _plugin(plugin: dict[str, Any]) -> str:
    name = f"{plugin['name']} {plugin['version'] or ''}".strip()
    if plugin["refused"]:
        return f"{name}: not in use, {plugin['refused']}"
    failures = f"; {counted(plugin['failures'], 'failure')}" if plugin["failures"] else ""
    return f"{name}: {', '.join(plugin['hooks']) or 'no hooks'}{failures}"
