"""Child process: started untouched, signals passed on, its end told as shells tell it.

The child stays in the process group of its terminal. What the terminal sends (Ctrl-C, a hang-up)
reaches it directly; what another process sends to us alone is passed on. So nothing is delivered
twice: a second SIGINT would make many programs give up their orderly end.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

EXIT_OWN_FAILURE: Final = 125
EXIT_NOT_EXECUTABLE: Final = 126
EXIT_NOT_FOUND: Final = 127
"""The three codes that `env`, `timeout` and shells share for a command that did not start."""

_FROM_TERMINAL: Final = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGHUP})
_FORWARDED: Final = _FROM_TERMINAL | {signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
_WATCHED: Final = _FORWARDED | {signal.SIGCHLD}
# Python ignores these two for itself; a child must not inherit that (`subprocess` undoes it too).
_IGNORED_BY_PYTHON: Final = frozenset({signal.SIGPIPE, signal.SIGXFSZ})


SignalMask = set[int | signal.Signals]


class Ended(NamedTuple):
    """How a child ended."""

    code: int
    """Exit code; 128 + number when a signal ended it, as shells have it."""
    signal_name: str | None = None
    """`SIGKILL`, when a signal ended it."""
    interrupted: bool = False
    """Somebody asked it to stop by SIGINT, and it did not end with 0."""
    not_started: str = ""
    """Why it could not be started."""


class NotStartedError(Exception):
    """The command could not be started; `code` is 125, 126 or 127."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def program(command: Sequence[str]) -> list[str]:
    """`command` as it is executed: a Python script that is no program runs with this Python.

    `train.py` in the current folder needs no `./`.
    """
    path = Path(command[0])
    if path.suffix != ".py" or not path.is_file() or shutil.which(command[0]):
        return list(command)
    if os.access(path, os.X_OK):
        return [str(path.absolute()), *command[1:]]
    return [sys.executable, *command]


@contextmanager
def held_signals() -> Iterator[SignalMask]:
    """Signals wait as long as the body runs, so that the child's end can be recorded whatever
    comes; what is left of them is dropped. Gives the mask that was in force before."""
    # Before the child starts: what comes in between must not end us alone.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    # Some systems drop a SIGCHLD that nobody handles, blocked or not.
    handler = signal.signal(signal.SIGCHLD, lambda number, frame: None)
    try:
        yield before
    finally:
        while signal.sigpending() & _WATCHED:
            signal.sigwait(_WATCHED)
        signal.signal(signal.SIGCHLD, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run_child(command: Sequence[str], environ: Mapping[str, str], mask: SignalMask) -> Ended:
    """Run `command` with our own stdin, stdout and stderr until it ends; signals are held.

    Raises NotStartedError, with the code to end with.
    """
    child = _start(command, environ, mask)
    interrupted = False
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return _ended(status, interrupted)
        number, reached_child = _next_signal()
        interrupted = interrupted or number == signal.SIGINT
        if number != signal.SIGCHLD and not reached_child:
            # Not yet waited for, so the id is still this child's, even if it is dead by now.
            os.kill(child, number)


def _start(command: Sequence[str], environ: Mapping[str, str], mask: SignalMask) -> int:
    try:
        return os.posix_spawnp(
            command[0], list(command), environ, setsigmask=mask, setsigdef=_IGNORED_BY_PYTHON
        )
    except OSError as error:
        raise _not_started(command[0], error) from error
    except ValueError as error:
        raise NotStartedError(f"cannot be started: {error}", EXIT_OWN_FAILURE) from error


def _not_started(name: str, error: OSError) -> NotStartedError:
    path = Path(name)
    if error.errno == errno.ENOENT and (path.is_file() or shutil.which(name)):
        return NotStartedError("names an interpreter (#!) that is missing", EXIT_NOT_EXECUTABLE)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotStartedError("not found", EXIT_NOT_FOUND)
    if path.is_dir():
        return NotStartedError("is a folder", EXIT_NOT_EXECUTABLE)
    if error.errno == errno.ENOEXEC:
        return NotStartedError("is no program: its first line has no #!", EXIT_NOT_EXECUTABLE)
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotStartedError("is not executable", EXIT_NOT_EXECUTABLE)
    return NotStartedError(f"cannot be started: {error.strerror}", EXIT_OWN_FAILURE)


def _next_signal() -> tuple[int, bool]:
    """The next signal, and whether the terminal has sent it to the child as well."""
    if hasattr(signal, "sigwaitinfo"):
        info = signal.sigwaitinfo(_WATCHED)
        # A positive code is the kernel's: the terminal's line discipline (sigaction(2)).
        return info.si_signo, info.si_code > 0
    number = signal.sigwait(_WATCHED)
    return number, number in _FROM_TERMINAL and _in_foreground()


def _in_foreground() -> bool:
    """Whether our process group is the one that the terminal sends its signals to."""
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _ended(status: int, interrupted: bool) -> Ended:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        name = _name(-code)
        return Ended(128 - code, name, interrupted or name == "SIGINT")
    return Ended(code, None, interrupted and code != 0)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # Real-time signals have numbers only.
        return f"signal {number}"
