"""execmeta: which run was that, what was it about, and what else belonged to it?

Public names are imported on first use, so that `import execmeta` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from execmeta.errors import (
        AmbiguousReferenceError,
        ExecmetaError,
        ExecutionNotFoundError,
        FilterError,
        MetadataError,
        StoreError,
    )
    from execmeta.filters.metadata_filter import build_metadata_filter
    from execmeta.hooks import hookimpl
    from execmeta.model.execution import ErrorInfo, Execution, IteratorContext
    from execmeta.model.metadata import validate_metadata
    from execmeta.model.pairs import parse_metadata

_HOMES = {
    "AmbiguousReferenceError": "errors",
    "ErrorInfo": "model.execution",
    "ExecmetaError": "errors",
    "Execution": "model.execution",
    "ExecutionNotFoundError": "errors",
    "FilterError": "errors",
    "IteratorContext": "model.execution",
    "MetadataError": "errors",
    "StoreError": "errors",
    "build_metadata_filter": "filters.metadata_filter",
    "hookimpl": "hooks",
    "parse_metadata": "model.pairs",
    "validate_metadata": "model.metadata",
}

__all__ = [
    "AmbiguousReferenceError",
    "ErrorInfo",
    "ExecmetaError",
    "Execution",
    "ExecutionNotFoundError",
    "FilterError",
    "IteratorContext",
    "MetadataError",
    "StoreError",
    "build_metadata_filter",
    "hookimpl",
    "parse_metadata",
    "validate_metadata",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'execmeta' has no attribute {name!r}")
    from importlib import import_module  # only for the name that is asked for

    return getattr(import_module(f"execmeta.{home}"), name)
