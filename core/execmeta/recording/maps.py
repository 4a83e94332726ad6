"""Maps: metadata and attributes as they are written, clean and redacted, in one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from execmeta.model.execution import Json
from execmeta.model.limits import MAX_INT, MAX_VALUE_CHARS
from execmeta.model.metadata import clean_metadata
from execmeta.recording.redaction import Redactor

Note = Callable[[str, int], None]
"""Takes a reason and how often: what of a call's arguments was dropped or cut."""

_MAX_KNOWN: Final = 1000
_PLAIN_CHARS: Final = 10_000
"""Characters of all values together below which no map can be over 65,536 bytes: each takes six at
most, and 64 keys with their signs take the rest."""


class Maps:
    """Cleans maps by one key rule. What nearly all maps are, known keys with short plain values,
    costs a microsecond a member; everything else goes through `clean_metadata`."""

    def __init__(
        self,
        redactor: Redactor,
        reserved: tuple[str, ...],
        max_keys: int,
        note: Note,
        seen: Callable[[str], None] | None = None,
    ) -> None:
        """
        Args:
            seen: told every key once, when it first comes.
        """
        self._redact = redactor.redact_value
        self._reserved = reserved
        self._max_keys = max_keys
        self._note = note
        self._seen = seen
        self._known: set[str] = set()
        """Keys that passed the rule before."""

    def clean(self, given: Any, flags: set[str]) -> dict[str, Json]:
        """What is kept of `given`; `flags` gets what was done to it. Never raises."""
        if not given:
            return {}
        if type(given) is dict and len(given) <= self._max_keys:
            found = self._plain(given)
            if found is not None:
                return found
        redact = self._redact
        return {key: redact(key, value) for key, value in self._cleaned(given, flags).items()}

    def _plain(self, given: dict[Any, Any]) -> dict[str, Json] | None:
        """The redacted map, None as soon as it needs cleaning."""
        known, redact, room = self._known, self._redact, _PLAIN_CHARS
        found: dict[str, Json] = {}
        for key, value in given.items():
            if type(key) is not str or key not in known:
                return None
            kind = type(value)
            if kind is str:
                size = len(value)
                room -= size
                if size > MAX_VALUE_CHARS or not value.isascii() or "\0" in value:
                    return None
            elif kind is int:
                if not -MAX_INT <= value <= MAX_INT:
                    return None
            elif kind is list:
                # Words, such as the markers of a test.
                for word in value:
                    if type(word) is not str or not word.isascii() or "\0" in word:
                        return None
                    if len(word) > MAX_VALUE_CHARS:
                        return None
                    room -= len(word) + 1
                if room < 0:
                    return None
            elif kind is not bool and value is not None:
                return None
            found[key] = redact(key, value)
        return found if room > 0 else None

    def _cleaned(self, given: Any, flags: set[str]) -> dict[str, Json]:
        kept, dropped, more = clean_metadata(
            given, reserved=self._reserved, max_keys=self._max_keys
        )
        flags |= more
        for reason, number in dropped.items():
            self._note(reason, number)
        for key in kept:
            if key not in self._known and len(self._known) < _MAX_KNOWN:
                self._known.add(key)
                if self._seen is not None:
                    self._seen(key)
        return kept
