"""Plug-ins: the points at which foreign code takes part. A plug-in marks a function with `hookimpl`
and is found through the entry-point group `execmeta`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pluggy import HookimplMarker

    hookimpl: HookimplMarker

__all__ = ["hookimpl"]


def __getattr__(name: str) -> Any:
    if name != "hookimpl":
        raise AttributeError(f"module 'execmeta.hooks' has no attribute {name!r}")
    # Only plug-ins need the marker, and only they pay for pluggy.
    from execmeta.hooks.specs import hookimpl as marker

    globals()[name] = marker
    return marker
