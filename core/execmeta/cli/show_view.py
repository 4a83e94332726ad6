"""Show view: everything known about one execution, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from execmeta.cli.phrases import (
    age,
    duration,
    moment,
    short_id,
    status_mark,
    status_style,
    value_text,
)
from execmeta.cli.visible import visible
from execmeta.model.execution import ErrorInfo, Execution, IteratorContext, Json


def execution_view(
    execution: Execution, below: str, now_us: int, *, ascii_only: bool
) -> Iterator[RenderableType]:
    """A headline, facts, then metadata and attributes; nothing is printed for what is absent.

    `below` says what ran below it, empty for nothing.
    """
    yield _headline(execution, ascii_only)
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(execution, below, now_us):
        facts.add_row(name, value)
    yield facts
    for title, values in (("metadata", execution.metadata), ("attributes", execution.attributes)):
        if values:
            yield Text(f"\n{title}", style="bold")
            yield _values(values, execution.sources if title == "metadata" else {})


def error_text(error: ErrorInfo) -> str:
    """`AssertionError: assert 1 == 2`, several lines kept apart; a type that the message begins
    with is not said twice."""
    lines = [visible(line) for line in error.message.splitlines()]
    message = "\n".join(lines).strip("\n")
    kind = visible(error.type)
    if not message or message.startswith(kind):
        return message or kind
    return f"{kind}: {message}"


def iterator_text(iterator: IteratorContext) -> str:
    """`3 of 8`, counted from 1."""
    of = f" of {iterator.count}" if iterator.count is not None else ""
    return f"{iterator.index + 1}{of}"


def _headline(execution: Execution, ascii_only: bool) -> Text:
    style = status_style(execution.status)
    line = Text().append(status_mark(execution.status, ascii_only=ascii_only), style=style)
    line.append(" ").append(visible(execution.name), style="bold")
    return line.append("  ").append(execution.status, style=style)


def _facts(execution: Execution, below: str, now_us: int) -> Iterator[tuple[str, Text]]:
    yield "id", Text(execution.id, style="bold")
    yield "kind", Text(visible(execution.kind))
    if execution.parent_id:
        yield "parent", Text(execution.parent_id)
    if execution.parent_id and execution.root_id != execution.parent_id:
        yield "root", Text(execution.root_id)
    if execution.external_id:
        yield "external id", Text(visible(execution.external_id))
    started, ago = moment(execution.started_at), age(execution.started_at, now_us)
    yield "started", Text(f"{started} UTC" + ("" if started.startswith(ago) else f"  ({ago})"))
    if execution.ended_at is not None:
        yield "ended", Text(f"{moment(execution.ended_at)} UTC")
    if execution.duration_s is not None:
        yield "duration", Text(duration(execution.duration_s))
    if execution.attempt > 1:
        yield "attempt", Text(str(execution.attempt))
    if execution.iterator:
        item = execution.iterator.item
        shown = "" if item is None else f"  {value_text(item)}"
        yield "iterator", Text(iterator_text(execution.iterator) + shown)
    if execution.trace_id:
        yield "trace", Text(execution.trace_id)
    if execution.span_id:
        yield "span", Text(execution.span_id)
    if execution.error:
        yield "error", Text(error_text(execution.error), style=status_style(execution.status))
        if execution.error.where:
            yield "where", Text(visible(execution.error.where))
    if execution.flags:
        yield "flags", Text(visible(", ".join(execution.flags)))
    if below:
        yield "below", Text(f"{below}: execmeta tree {short_id(execution.id)}")


def _values(values: Mapping[str, Json], sources: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(style="dim")
    for key, value in values.items():
        # The colour tells the number 5 from the text 5.
        shown = Text(value_text(value), style="" if isinstance(value, str) else "cyan")
        table.add_row(
            Text(f"  {visible(key)}"), shown, Text(visible(_source(sources.get(key, ""))))
        )
    return table


def _source(source: str) -> str:
    kind, _, place = source.partition(":")
    if kind == "inherited":
        return f"inherited from {short_id(place)}"
    return f"from {source}" if source else ""
