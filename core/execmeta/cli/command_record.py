"""Command record: what is kept of a command, and what it hands to the processes below it.

The program's name and the names of its options are kept. Values of arguments and of the
environment never are: passwords travel in both (reliability.md §3.5).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from execmeta.cli.child import Ended
from execmeta.cli.tags import Tags
from execmeta.errors import SettingsError
from execmeta.model.execution import ErrorInfo, Json
from execmeta.recording.context import Context
from execmeta.recording.credentials import is_secret_key
from execmeta.recording.propagation import context_to_env
from execmeta.recording.recorder import Recorder
from execmeta.settings import Settings
from execmeta.store.opening import sqlite_path

COMMAND_KIND: Final = "command"
_LONG_OPTION: Final = re.compile(r"--[A-Za-z][A-Za-z0-9_.-]{0,60}", re.ASCII)
_SHORT_OPTION: Final = re.compile(r"-[A-Za-z]", re.ASCII)


class CommandRecord:
    """The execution of one command, recorded from construction until `end`. Never raises."""

    def __init__(
        self,
        settings: Settings,
        command: Sequence[str],
        name: str | None,
        tags: Tags,
        parent: Context | None,
    ) -> None:
        self._settings = settings
        self._recorder = Recorder(settings)
        self.context = self._recorder.start(
            COMMAND_KIND,
            name or Path(command[0]).name,
            metadata=tags.metadata,
            sources=tags.sources,
            attributes=attributes_of(command),
            parent=parent,
        )
        self._began = time.monotonic()

    def environment(self) -> dict[str, str]:
        """Variables that make the processes below its children, in the same store and spool."""
        return {**places_of(self._settings), **context_to_env(self.context)}

    def end(self, ended: Ended) -> str:
        """Record the end; why it is not in the store yet, empty when it is."""
        self._recorder.finish(
            self.context.id,
            status_of(ended),
            duration_s=time.monotonic() - self._began,
            error=error_of(ended),
        )
        shipped = self._recorder.close()
        if not shipped.left:
            return ""
        return f"kept in the spool until the next execmeta command ({shipped.reason})"


def status_of(ended: Ended) -> str:
    """`success` for exit code 0, `cancelled` after an interruption, else `failed`."""
    if ended.interrupted:
        return "cancelled"
    return "success" if ended.code == 0 else "failed"


def error_of(ended: Ended) -> ErrorInfo | None:
    """Why it did not succeed."""
    if ended.not_started:
        return ErrorInfo("NotStarted", ended.not_started)
    if ended.signal_name:
        return ErrorInfo("Signal", f"ended by {ended.signal_name}")
    return ErrorInfo("ExitCode", f"exit code {ended.code}") if ended.code else None


def attributes_of(command: Sequence[str]) -> dict[str, Json]:
    """The program's name and the names of its options, each once.

    >>> attributes_of(["/usr/bin/psql", "--host=db", "-psecret", "sales"])
    {'process.command': 'psql', 'process.options': ['--host', '-p']}
    >>> attributes_of(["login", "--password", "--hunter2", "--quiet"])["process.options"]
    ['--password', '--quiet']
    """
    found: dict[str, Json] = {"process.command": Path(command[0]).name}
    names: list[Json] = list(dict.fromkeys(_option_names(command[1:])))
    if names:
        found["process.options"] = names
    return found


def places_of(settings: Settings) -> dict[str, str]:
    """Store and spool for a child, wherever it goes: relative paths mean our own folder."""
    places = {"EXECMETA_STORE": settings.store}
    # What is not a file has nothing relative in it; our own folder may be deleted by now.
    with suppress(SettingsError, OSError):
        places["EXECMETA_STORE"] = f"sqlite:///{sqlite_path(settings.store).absolute()}"
    if settings.spool:
        places["EXECMETA_SPOOL"] = settings.spool
        with suppress(OSError):
            places["EXECMETA_SPOOL"] = os.path.abspath(os.path.expanduser(settings.spool))
    return places


def _option_names(words: Sequence[str]) -> Iterator[str]:
    secret_next = False
    for word in words:
        if word == "--":
            return
        if secret_next:
            # Behind `--password` even a word that looks like an option is its value.
            secret_next = False
            continue
        # `-psecret` is one word: of a short option only its letter is a name for sure.
        name = _LONG_OPTION.fullmatch(word.partition("=")[0]) or _SHORT_OPTION.match(word)
        if name:
            yield name[0]
            secret_next = "=" not in word and is_secret_key(name[0].lstrip("-"))
