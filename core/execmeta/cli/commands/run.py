"""`execmeta run`: any command as an execution."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

import click

from execmeta.cli import options
from execmeta.cli.child import (
    Ended,
    NotStartedError,
    SignalMask,
    held_signals,
    program,
    run_child,
)
from execmeta.cli.command_record import CommandRecord
from execmeta.cli.failures import say
from execmeta.cli.opening import context_of, reading, settings_for
from execmeta.cli.tags import Tags, tags_of
from execmeta.cli.visible import visible
from execmeta.recording.context import Context
from execmeta.recording.propagation import context_from_env
from execmeta.settings import Settings
from execmeta.store.opening import sqlite_path

_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SCRIPT_OPTIONS: Final = ("-m", "--metadata", "--env")
"""What may also stand behind a Python script: `execmeta run train.py --metadata a=b`."""


class RunCommand(click.Command):
    """Options end at the command, but behind a Python script `_SCRIPT_OPTIONS` are still ours.

    Behind `--` nothing is: `execmeta run -- train.py --metadata x` hands both to the script.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = list(args)
        rest = super().parse_args(ctx, args)
        command: tuple[str, ...] = ctx.params.get("command") or ()
        before = given[: len(given) - len(command)]
        if before[-1:] != ["--"] and command and command[0].endswith(".py"):
            ours, theirs = _divided(command[1:])
            if ours:
                again = [*before, *ours, "--", command[0], *theirs]
                ctx.params.clear()
                return super().parse_args(ctx, again)
        return rest


@click.command("run", cls=RunCommand, context_settings={"allow_interspersed_args": False})
@click.option(
    "-m",
    "--metadata",
    "pairs",
    metavar="K=V",
    multiple=True,
    help=options.PAIR_HELP,
)
@click.option(
    "--env",
    "environment",
    metavar="K=V",
    multiple=True,
    help="Set an environment variable of the command; its value is never recorded.",
)
@click.option("--name", metavar="TEXT", help="Name of the execution instead of the program's.")
@click.option("--parent", metavar="REF", help="Make it a child of this execution.")
@click.option("-q", "--quiet", is_flag=True, help="Do not print the execution id.")
@options.store_option
@click.argument("command", metavar="CMD [ARGS]...", nargs=-1, type=click.UNPROCESSED, required=True)
@click.pass_context
def run_command(
    ctx: click.Context,
    pairs: tuple[str, ...],
    environment: tuple[str, ...],
    name: str | None,
    parent: str | None,
    quiet: bool,
    store: str | None,
    command: tuple[str, ...],
) -> None:
    """Run a command and record it as an execution.

    stdin, stdout and stderr are the command's own, and so is the exit code (128 + number when a
    signal ended it). What the command starts with execmeta, such as pytest or another
    execmeta run, becomes its child. Recorded are the program's name and the names of its options;
    values of arguments and of --env are not.

    Exit codes of execmeta itself: 2 for a bad option or pair (nothing was started), 125 when the
    command could not be started, 126 when it is not executable, 127 when it is not found.

    A Python script that is not executable runs with the Python of execmeta. -m, --metadata and
    --env may also follow a Python script; behind -- everything belongs to the command.

    \b
    Examples:
      execmeta run -m project=ml -m env=prod -- python train.py --epochs 3
      execmeta run train.py --metadata project=ml
      execmeta run --name nightly --env TZ=UTC -- make test
    """
    given = dict(map(_variable, environment))
    if store not in (None, "memory:"):
        # Typed now, so refused now; whatever else is wrong only costs the record.
        sqlite_path(store)
    settings = settings_for(store, lenient=True)
    tags = tags_of(pairs, os.environ, settings)
    above = _parent(parent, settings)
    tell = (lambda text: None) if quiet else _tell
    with held_signals() as mask:
        record = None if settings.disabled else _begun(settings, command, name, tags, above)
        places: dict[str, str] = {}
        if record:
            for text in (*settings.warnings, *tags.problems, record.context.id):
                tell(text)
            places = record.environment()
        ended = _ended(command, {**os.environ, **places, **given}, mask)
        if record and (left := _closed(record, ended)):
            tell(left)
    ctx.exit(ended.code)


def _begun(
    settings: Settings,
    command: Sequence[str],
    name: str | None,
    tags: Tags,
    parent: Context | None,
) -> CommandRecord | None:
    try:
        return CommandRecord(settings, command, name, tags, parent)
    except Exception as error:  # the record is lost; the command runs
        _tell(f"not recorded: {type(error).__name__}: {error}")
        return None


def _closed(record: CommandRecord, ended: Ended) -> str:
    try:
        return record.end(ended)
    except Exception as error:  # the end is lost; the exit code is not
        return f"its end is not recorded: {type(error).__name__}: {error}"


def _tell(text: str) -> None:
    # A stderr that is closed must not keep the command from running.
    with suppress(OSError):
        say(f"execmeta: {visible(text)}")


def _ended(command: Sequence[str], environ: Mapping[str, str], mask: SignalMask) -> Ended:
    """How the command ended, also when it never started."""
    try:
        return run_child(program(command), environ, mask)
    except NotStartedError as error:
        with suppress(OSError):
            say(f"Error: {visible(command[0])}: {error}")
        return Ended(error.code, not_started=str(error))


def _parent(ref: str | None, settings: Settings) -> Context | None:
    """The execution above: the one that was named, else the one that started us."""
    if ref is None:
        return context_from_env(os.environ)
    with reading(settings) as found:
        return context_of(found, ref)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not _ENV_NAME.fullmatch(name) or "\0" in value:
        # Nothing of it is repeated: it may be a password.
        raise click.BadParameter(
            "Expected NAME=VALUE, a name of letters, digits and _.", param_hint="'--env'"
        )
    return name, value


def _divided(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Options behind a script: (ours, the script's)."""
    ours, theirs = [], []
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            theirs += [word, *waiting]
        elif word in _SCRIPT_OPTIONS:
            ours += [word, *islice(waiting, 1)]
        elif word.startswith(("--metadata=", "--env=")):
            ours.append(word)
        else:
            theirs.append(word)
    return ours, theirs
