"""Every exception of execmeta: what a caller can decide on, with code, exit code and HTTP status.

One class per decision, not per place it is raised. A message says what was wrong, what was
expected and what to do; `hint` holds the last part when it stands on a line of its own.
"""

from __future__ import annotations

from collections.abc import Sequence


class ExecmetaError(Exception):
    """Base of all errors that execmeta raises on purpose."""

    code = "error"
    """Machine-readable word, stable across releases."""
    exit_code = 2
    """Exit code of the command line: 1 nothing found, 2 usage or filter, 3 store or network."""
    http_status = 400
    """Status that the REST interface answers with."""

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class MetadataError(ExecmetaError, ValueError):
    """A key, a value or a whole metadata map breaks a rule of the model.

    Codes: `invalid_key`, `reserved_key`, `invalid_value`, `value_too_large`, `too_many_keys`,
    `metadata_too_large`, `too_deep`, `number_out_of_range`, `invalid_pair`.
    """

    code = "invalid_metadata"


class InvalidIdError(ExecmetaError, ValueError):
    """Text that should be an execution id is not one."""

    code = "invalid_id"


class EventError(ExecmetaError, ValueError):
    """An event is malformed; it goes to quarantine, never into the store."""

    code = "invalid_event"


class FilterError(ExecmetaError, ValueError):
    """A filter cannot be read or bound.

    Codes: `filter_syntax`, `filter_too_complex`, `invalid_value`,
    `tenant_not_filterable`, `unknown_view`, `ambiguous_reference`.
    """

    code = "filter_syntax"

    def __init__(
        self,
        message: str,
        *,
        text: str = "",
        column: int = 1,
        code: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.text = text
        self.column = column
        """1-based position of the first wrong character in `text`, in code points."""

    def __str__(self) -> str:
        return f"Filter, column {self.column}: {self.message}"


class QueryError(ExecmetaError, ValueError):
    """A limit, a sort or a cursor is not acceptable.

    Codes: `invalid_limit`, `invalid_sort`, `invalid_cursor`.
    """

    code = "invalid_query"


class SettingsError(ExecmetaError, ValueError):
    """A setting, an environment variable or a configuration file cannot be used."""

    code = "invalid_settings"


class ExecutionNotFoundError(ExecmetaError, LookupError):
    """No execution has this id, external id or ending."""

    code = "not_found"
    exit_code = 1
    http_status = 404


class AmbiguousReferenceError(ExecmetaError, LookupError):
    """A short reference fits several executions; `candidates` lists some of them."""

    code = "ambiguous_reference"
    http_status = 409

    def __init__(self, message: str, candidates: Sequence[str]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)
        """Full execution ids, newest first, at most 20."""


class StoreError(ExecmetaError):
    """The store cannot do what was asked; base of the three below."""

    code = "store_error"
    exit_code = 3
    http_status = 503


class StoreUnavailableError(StoreError):
    """The store cannot be reached, is locked, full or read-only now; nothing was written."""

    code = "store_unavailable"


class StoreCorruptError(StoreError):
    """The file is not an execmeta database or is damaged; it was left as it is."""

    code = "store_corrupt"


class SchemaVersionError(StoreError):
    """The database has another schema revision than this release writes."""

    code = "schema_version"
