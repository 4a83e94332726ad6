"""Output formats that other programs read: json, ndjson, csv, ids.

`json` is the document that the REST interface answers with; csv is for spreadsheets and shows
hidden characters as escapes, json is the exact form.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import click

from execmeta.cli.phrases import json_line
from execmeta.cli.visible import csv_cell, visible_json
from execmeta.codec import execution_to_json
from execmeta.model.execution import Execution
from execmeta.store.base import Page

LIST_FORMATS: Final = ("table", "json", "ndjson", "csv", "ids")
_FLAT: Final = ("id", "kind", "name", "status", "started_at", "ended_at", "duration_s", "attempt")
_MORE: Final = ("parent_id", "root_id", "external_id", "trace_id", "span_id")
_JSON: Final = ("iterator", "error")


def write_json(document: object) -> None:
    """One JSON document, indented, keys in the order of `codec`."""
    click.echo(visible_json(json.dumps(document, ensure_ascii=False, indent=2)))


def page_to_json(page: Page) -> dict[str, Any]:
    """The one public shape of a list, here and over REST."""
    return {
        "executions": [execution_to_json(execution) for execution in page.executions],
        "next_cursor": page.next_cursor,
        "total": page.total,
        "total_capped": page.total_capped,
        "hidden_below": page.hidden_below,
    }


def write_page(page: Page, output: str) -> None:
    """Print a page in one of `LIST_FORMATS` except `table`."""
    _WRITERS[output](page)


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Comma-separated lines, cells safe for spreadsheets and terminals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([csv_cell(name) for name in header])
    writer.writerows([_cell(value) for value in row] for row in rows)
    click.echo(text.getvalue(), nl=False)


def _write_document(page: Page) -> None:
    write_json(page_to_json(page))


def _write_lines(page: Page) -> None:
    for execution in page.executions:
        click.echo(json_line(execution_to_json(execution)))


def _write_ids(page: Page) -> None:
    for execution in page.executions:
        click.echo(execution.id)


def _write_csv(page: Page) -> None:
    """Fixed columns first, then one for each metadata key and each attribute of the page."""
    shapes = [execution_to_json(execution) for execution in page.executions]
    meta = _keys(page.executions, lambda execution: execution.metadata)
    attr = _keys(page.executions, lambda execution: execution.attributes)
    fixed = (*_FLAT, *_MORE, *_JSON)
    write_csv(
        [
            *fixed,
            *(f"meta.{key}" for key in meta),
            *(f"attr.{key}" for key in attr),
        ],
        (
            [
                *(shape[name] for name in fixed),
                *(_present(shape["metadata"], key) for key in meta),
                *(_present(shape["attributes"], key) for key in attr),
            ]
            for shape in shapes
        ),
    )


_WRITERS: Final[Mapping[str, Callable[[Page], None]]] = {
    "json": _write_document,
    "ndjson": _write_lines,
    "csv": _write_csv,
    "ids": _write_ids,
}


def _keys(
    executions: Iterable[Execution], of: Callable[[Execution], Mapping[str, Any]]
) -> list[str]:
    return sorted({key for execution in executions for key in of(execution)})


def _present(values: Mapping[str, Any], key: str) -> object:
    """The value, a stored null told from an absent key by its word."""
    return "null" if key in values and values[key] is None else values.get(key)


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str):
        return csv_cell(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return json_line(value)
    return value
