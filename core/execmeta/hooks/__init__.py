"""Seams for foreign code: hook specifications, and the host that calls them behind a fence."""

from execmeta.hooks.specs import hookimpl, hookspec

__all__ = ["hookimpl", "hookspec"]
