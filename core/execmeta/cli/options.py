"""Shared options: one spelling and one meaning in every command that takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from execmeta.filters.fields import FIELDS
from execmeta.filters.query import SORTS
from execmeta.model.limits import DEFAULT_LIMIT, MAX_LIMIT

_Command = TypeVar("_Command", bound=Callable[..., Any])

PAIR_HELP: Final = (
    "Metadata: k=v (text), k:=JSON or k@=FILE (the file's text). Repeat it for more keys."
)


def _global_store(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """`--store` stands before or behind the command."""
    found = value if value is not None else ctx.find_root().obj
    return found if isinstance(found, str) else None


store_option = click.option(
    "--store",
    metavar="URL",
    callback=_global_store,
    help="The store to use instead of EXECMETA_STORE.",
)

reference_argument = click.argument("ref", metavar="[REF]", default="latest")


def output_option(*formats: str) -> Callable[[_Command], _Command]:
    """`-o` with these formats, the first one by default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How to print the answer.",
    )


def filter_options(command: _Command) -> _Command:
    """`[FILTER]...`, `-m` and `--has-metadata`: which executions are meant."""
    for decorate in reversed(
        (
            click.argument("filter", metavar="[FILTER]", nargs=-1),
            click.option(
                "-m",
                "--metadata",
                "pairs",
                metavar="K=V",
                multiple=True,
                help="Only with this metadata: k=v, 'k>=5', 'k~=ml-*'. Repeat it; all must hold.",
            ),
            click.option(
                "--has-metadata",
                "has",
                metavar="KEY",
                multiple=True,
                help="Only with this metadata key, whatever its value.",
            ),
        )
    ):
        command = decorate(command)
    return command


class FilterCommand(click.Command):
    """A command with `filter_options`; an option that should have been a filter is told so."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name.lstrip("-").replace("-", "_")
            if name not in (spelling for each in FIELDS for spelling in (each.name, *each.aliases)):
                raise
            told = f"{error.message} Write it as a filter: {name}=VALUE"
            raise click.NoSuchOption(error.option_name, told, ctx=ctx) from None


def page_options(command: _Command) -> _Command:
    """`--limit`, `--cursor` and `--sort`: which part of the answer, in which order."""
    for decorate in reversed(
        (
            click.option(
                "--limit",
                type=click.IntRange(1, MAX_LIMIT),
                default=DEFAULT_LIMIT,
                show_default=True,
                metavar="N",
                help="Executions per page.",
            ),
            click.option(
                "--cursor", metavar="TEXT", help="Go on where the page before ended (it told this)."
            ),
            click.option(
                "--sort",
                type=click.Choice(SORTS),
                default=SORTS[0],
                show_default=True,
                help="Newest first, or oldest first.",
            ),
        )
    ):
        command = decorate(command)
    return command
