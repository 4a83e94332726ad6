"""Settings: where things are kept and what is recorded, from arguments, environment and files."""

from __future__ import annotations

from execmeta.settings.fields import (
    SETTINGS,
    PluginSettings,
    RedactSettings,
    Setting,
    Settings,
)
from execmeta.settings.loading import load_settings

__all__ = [
    "SETTINGS",
    "PluginSettings",
    "RedactSettings",
    "Setting",
    "Settings",
    "load_settings",
]
