"""The `execmeta` command: which commands there are, and how each of them ends.

Exit codes: 0 done, 1 nothing found where something was asked for, 2 usage or filter error,
3 store error, 130 after Ctrl-C, 141 when the reader of the output went away. `run` ends with
its child's code.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

import click

from execmeta import __version__
from execmeta.cli.failures import (
    EXIT_BROKEN_PIPE,
    EXIT_INTERRUPTED,
    EXIT_STORE,
    report,
    say,
)
from execmeta.cli.visible import visible
from execmeta.errors import ExecmetaError

COMMANDS: Final = {
    "run": "Run a command and record it as an execution.",
    "list": "List executions that match a filter, newest first.",
    "show": "Show one execution with everything known about it.",
    "tree": "Show an execution and what ran below it.",
    "metadata": "Change metadata, and see how it changed and what is in use.",
    "drain": "Bring recorded events from the spool into the store.",
    "db": "Look after the database.",
    "doctor": "Check store, spool, settings and plug-ins.",
    "completion": "Print the completion script of a shell.",
}
"""Name and summary, in the order of the help: importing nine modules to print nine lines would
cost more than the lines. A test holds the summaries equal to the commands' own."""

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Commands(click.Group):
    """A group whose commands are imported when they are called, and which alone decides how an
    error ends."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"execmeta.cli.commands.{cmd_name}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)  # noqa: S101  # the naming rule of the folder
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and args[0] not in COMMANDS and args[0][:1] != "-":
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"No such command {visible(args[0])!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except ExecmetaError as error:
            report(error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            # No traceback and no message: who pressed the keys knows.
            ctx.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            _drop_output()
            ctx.exit(EXIT_BROKEN_PIPE)
        return result

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        _open_closed_streams()
        for stream in (sys.stdout, sys.stderr):
            # A name may hold what an old locale cannot spell; it is shown as an escape.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().main(args, *rest, **extra)
        except OSError as error:
            if error.errno not in _NO_ROOM or error.filename is not None:
                raise
            # The store speaks of its own failures; this is the output, on a full disk.
            _drop_output()
            say(f"Error: The output cannot be written: {visible(error.strerror or str(error))}.")
            sys.exit(EXIT_STORE)


def _open_closed_streams() -> None:
    """Who closed stdout (`>&-`) wants no output; no file of ours may take its number either."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Open as long as the process lives.
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


def _drop_output() -> None:
    """The interpreter flushes once more when it ends; that must not fail aloud."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done · 1 nothing found · 2 usage or filter error · 3 store error.",
)
@click.version_option(__version__, "--version", prog_name="execmeta")
@click.option("--store", metavar="URL", help="The store to use instead of EXECMETA_STORE.")
@click.pass_context
def main(ctx: click.Context, store: str | None) -> None:
    """Record what you run with your own metadata, and find it again with one filter.

    \b
    Examples:
      execmeta run -m project=ml -- python train.py
      execmeta list 'project=ml and status=failed'
      execmeta tree latest
    """
    ctx.obj = store
