"""References: what a person types for an execution, and the one order in which it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from execmeta.errors import AmbiguousReferenceError, ExecutionNotFoundError, InvalidIdError
from execmeta.model.ids import ExecutionId, parse_id
from execmeta.model.limits import MIN_REFERENCE_DIGITS

LATEST = "latest"
MAX_CANDIDATES = 20
"""Answers that an ambiguous reference is shown with."""

_DIGITS = re.compile(r"[0-9a-f]+", re.ASCII)
_SHOWN = 100


class Lookup(Protocol):
    """What a store is asked; stubs and deleted executions are never an answer."""

    def exists(self, execution_id: ExecutionId) -> bool:
        """Whether readers see this execution."""

    def newest_top(self) -> ExecutionId | None:
        """The newest execution of scope `top`."""

    def by_external_id(self, external_id: str) -> Sequence[ExecutionId]:
        """Executions with exactly this external id, newest first, one more than is shown."""

    def by_ending(self, digits: str) -> Sequence[ExecutionId]:
        """Executions whose 32 hex digits end so, newest first, one more than is shown."""


def resolve(lookup: Lookup, ref: str) -> ExecutionId:
    """The execution that `ref` means: a full id, `latest`, an exact external id, or an ending of
    at least 6 hex digits; the first that fits.

    Raises:
        ExecutionNotFoundError: nothing fits.
        AmbiguousReferenceError: several fit.
    """
    try:
        full = parse_id(ref)
    except InvalidIdError:
        full = None
    if full is not None and lookup.exists(full):
        return full
    if ref == LATEST and (newest := lookup.newest_top()) is not None:
        return newest
    if found := lookup.by_external_id(ref):
        return _only(ref, found, "external id")
    digits = ref.replace("-", "").lower() if ref.isascii() else ""
    if full is None and len(digits) >= MIN_REFERENCE_DIGITS and _DIGITS.fullmatch(digits):
        found = lookup.by_ending(digits)
        if found:
            return _only(ref, found, "ending")
    if ref == LATEST:
        raise ExecutionNotFoundError("The store holds no execution yet.")
    shown = ascii(ref[:_SHOWN])
    if full is None and _DIGITS.fullmatch(digits) and len(digits) < MIN_REFERENCE_DIGITS:
        raise ExecutionNotFoundError(
            f"No execution {shown}. An ending of an id needs at least "
            f"{MIN_REFERENCE_DIGITS} hex digits."
        )
    raise not_found(ref)


def not_found(ref: str) -> ExecutionNotFoundError:
    """The error for an id or reference that fits nothing."""
    return ExecutionNotFoundError(f"No execution {ref[:_SHOWN]!a} in this store.")


def _only(ref: str, found: Sequence[ExecutionId], what: str) -> ExecutionId:
    if len(found) == 1:
        return found[0]
    more = "more than " if len(found) > MAX_CANDIDATES else ""
    shown = found[:MAX_CANDIDATES]
    raise AmbiguousReferenceError(
        f"The {what} {ref[:_SHOWN]!a} fits {more}{len(shown)} executions. "
        "Give more digits or the full id.",
        shown,
    )
