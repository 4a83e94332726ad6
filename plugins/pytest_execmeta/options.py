"""What this run was asked for: tags by option > environment > ini, name, parent and store.

What a person types now is refused with the rule; what environment and ini say wrong is left out
and told at the end (DESIGN §4.12).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from execmeta.errors import ExecmetaError, MetadataError
from execmeta.model.execution import Json
from execmeta.model.metadata import USER, clean_metadata, merge_sources, validate_metadata
from execmeta.model.pairs import env_metadata, parse_pair
from execmeta.recording.context import Context
from execmeta.recording.propagation import context_from_env
from execmeta.settings import Settings, load_settings

ENV: Final = "env"
CONFIG: Final = "config"
_PARENT_DRAIN_S: Final = 1.0
"""Seconds to deliver what waits, so that a parent that has just run is found."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What `choose` found."""

    settings: Settings
    metadata: dict[str, Json]
    sources: dict[str, str]
    name: str | None
    parent: Context | None
    store: str | None
    """URL of `--exec-store`, for the processes below."""
    problems: tuple[str, ...]
    """What was left out, in words for the user."""


def choose(config: pytest.Config) -> Choice:
    """Everything that was said about this run. Raises UsageError for a wrong option."""
    given = config.option
    settings = load_settings({"store": _store(given.exec_store)}, lenient=True)
    problems = list(settings.warnings)
    typed = _typed(given.exec_meta, settings.reserved_prefixes)
    found = env_metadata(os.environ, reserved=settings.reserved_prefixes)
    for reason, count in sorted(found.dropped.items()):
        problems.append(f"{count} tag(s) of EXECMETA_META* left out: {reason}")
    said = _written(config.getini("exec_meta"), settings.reserved_prefixes, problems)
    files = clean_metadata(settings.meta, reserved=settings.reserved_prefixes).metadata
    merged = merge_sources([(USER, typed), (ENV, found.metadata), (CONFIG, said), (CONFIG, files)])
    for reason, count in sorted(merged.dropped.items()):
        problems.append(f"{count} tag(s) left out: {reason}")
    return Choice(
        settings=settings,
        metadata=merged.metadata,
        sources=merged.sources,
        name=given.exec_name,
        parent=_parent(given.exec_parent, settings),
        store=settings.store if given.exec_store is not None else None,
        problems=tuple(problems),
    )


def _store(url: str | None) -> str | None:
    if url is None:
        return None
    from execmeta.store.opening import sqlite_path  # only for this option

    try:
        # A child process may stand in another folder.
        return f"sqlite:///{sqlite_path(url).absolute()}"
    except ExecmetaError as error:
        raise pytest.UsageError(f"--exec-store: {error.message}") from error


def _typed(pairs: Sequence[str], reserved: tuple[str, ...]) -> dict[str, Json]:
    try:
        found = dict(parse_pair(pair, reserved=reserved) for pair in pairs)
        return validate_metadata(found, reserved=reserved)
    except MetadataError as error:
        raise pytest.UsageError(f"--exec-meta: {error.message}") from error


def _written(
    lines: Sequence[str], reserved: tuple[str, ...], problems: list[str]
) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for line in lines:
        try:
            key, value = parse_pair(line, reserved=reserved)
        except MetadataError as error:
            if error.code != "value_too_large":
                problems.append(f"ini key exec_meta: {error.message}")
                continue
            key, _, value = line.partition("=")
        found[key] = value
    return clean_metadata(found, reserved=reserved).metadata


def _parent(ref: str | None, settings: Settings) -> Context | None:
    if ref is None:
        return context_from_env(os.environ)
    # Reading a store is the one thing here that takes time: only for this option.
    from execmeta.recording.drain import drain_all
    from execmeta.spool.paths import existing
    from execmeta.store.opening import open_store

    try:
        store = open_store(settings.store)
        try:
            spools: tuple[Path, ...] = existing(os.environ, settings.spool)
            drain_all(store, spools, budget_s=_PARENT_DRAIN_S)
            found = store.get(store.resolve(ref))
        finally:
            store.close()
    except ExecmetaError as error:
        raise pytest.UsageError(f"--exec-parent: {error.message}") from error
    return Context(found.id, found.root_id, found.depth, found.kind, metadata=dict(found.metadata))
