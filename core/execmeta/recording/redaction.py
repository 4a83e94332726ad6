"""Redaction: credentials are taken out of what is recorded before anything is written.

A redacted value is `[redacted:<rule>]`, or `[redacted]` inside a text that goes on. There is no
hash and no length of what was taken (reliability.md §3.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from execmeta.hooks.manager import Plugins
from execmeta.model.execution import Json
from execmeta.model.values import clean_value
from execmeta.recording.credentials import is_secret_key, scrubbed

BY_KEY: Final = "[redacted:key]"
BY_PATTERN: Final = "[redacted:custom]"
BY_FAILURE: Final = "[redacted:error]"
"""A plug-in's redactor raised: nobody knows what it would have taken."""
_HOOK: Final = "execmeta_redact"
_OPTION: Final = re.compile(r"--?[A-Za-z][A-Za-z0-9_.\-]{0,100}")


class Redactor:
    """Takes credentials out of clean values. Never raises."""

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        patterns: Iterable[str] = (),
        plugins: Plugins | None = None,
    ) -> None:
        """
        Args:
            allow: keys whose values are recorded as they are.
            patterns: more expressions; what they find is replaced. They are the user's own, so
                is the time that they take.
            plugins: whose hook `execmeta_redact` is asked about each value.
        """
        self._allow = frozenset(allow)
        self._patterns = tuple(re.compile(pattern) for pattern in patterns)
        self._plugins = plugins

    def redact_mapping(self, mapping: Mapping[str, Json]) -> dict[str, Json]:
        """Every value of metadata or attributes, redacted under its key."""
        return {key: self.redact_value(key, value) for key, value in mapping.items()}

    def redact_value(self, key: str, value: Json) -> Json:
        """One value; lists and objects are walked. true, false and null are no credentials.

        >>> Redactor().redact_value("db", {"password": "x", "host": "h"})
        {'password': '[redacted:key]', 'host': 'h'}
        """
        if value is None or value is True or value is False or key in self._allow:
            return value
        if is_secret_key(key):
            return BY_KEY
        found = self._inside(value)
        if self._plugins is None or not self._plugins.has_impl(_HOOK):
            return found
        answer = self._plugins.first(_HOOK, key=key, value=found)
        if answer.failed:
            return BY_FAILURE
        return found if answer.result is None else self._inside(clean_value(answer.result).value)

    def redact_text(self, text: str) -> str:
        """A text that stands under no key, such as an error message or a name."""
        found = scrubbed(text)
        for pattern in self._patterns:
            found = pattern.sub(BY_PATTERN, found)
        return found

    def _inside(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.redact_text(value)
        if isinstance(value, dict):
            return {key: self._member(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return self._list(value)
        return value

    def _member(self, key: str, value: Json) -> Json:
        if value is None or value is True or value is False or key in self._allow:
            return value
        return BY_KEY if is_secret_key(key) else self._inside(value)

    def _list(self, values: list[Json]) -> list[Json]:
        found = [self._inside(value) for value in values]
        # The split form of a command line: ["--token", "abc"].
        for index, value in enumerate(values[:-1]):
            if (
                isinstance(value, str)
                and _OPTION.fullmatch(value)
                and is_secret_key(value)
                and not str(values[index + 1]).startswith("-")
            ):
                found[index + 1] = BY_KEY
        return found
