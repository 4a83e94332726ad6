"""Context: the execution that the code is running in, as much of it as a child needs."""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass, field

from execmeta.model.execution import Json
from execmeta.model.ids import ExecutionId


@dataclass(frozen=True, slots=True)
class Context:
    """Place of an execution in its tree, and the metadata that its children inherit."""

    id: ExecutionId
    root_id: ExecutionId
    depth: int = 0
    """Number of ancestors."""
    kind: str = ""
    hlc: int = 0
    """Stamp of the start event; the clock of a child goes on after it (`model.clock`)."""
    metadata: dict[str, Json] = field(default_factory=dict)
    """Whole effective map, clean and redacted. Never changed in place: recorders cache by it."""
    tenant: str = ""
    truncated: bool = False
    """Metadata was left out on the way, because an environment variable has an end."""


_CURRENT: ContextVar[Context | None] = ContextVar("execmeta_context", default=None)


def current() -> Context | None:
    """The innermost execution that this thread or task runs in."""
    return _CURRENT.get()


def activate(context: Context | None) -> Token[Context | None]:
    """Make `context` the current one; give the token to `restore` when it ends."""
    return _CURRENT.set(context)


def restore(token: Token[Context | None]) -> None:
    """Undo `activate`."""
    _CURRENT.reset(token)
