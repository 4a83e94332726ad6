"""Plug-in fields: names that plug-ins add to the filter language, each plug-in's behind a fence."""

from __future__ import annotations

from typing import Final

from execmeta.filters.fields import Catalogue, Field
from execmeta.settings import Settings

_HOOK: Final = "execmeta_filter_fields"


def plugin_fields(settings: Settings, text: str) -> tuple[Field, ...]:
    """The fields that may occur in a filter text; a plug-in whose fields are wrong is
    named in a warning and adds none.

    Their names have a dot, so without one in the text no plug-in is loaded: a list costs nothing
    for what it does not ask.
    """
    if "." not in text:
        return ()
    from execmeta.hooks.manager import Plugins  # scans the installed packages

    known: tuple[Field, ...] = ()
    host = Plugins(blocked=settings.plugins.blocked)
    for plugin, fields in host.call(_HOOK):
        try:
            more = (*known, *fields)
            Catalogue(more)
        except (ValueError, TypeError, AttributeError) as error:
            host.refuse(plugin, _HOOK, str(error))
            continue
        known = more
    return known
