"""Tags: the metadata of a command, from what was typed, the environment and the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from execmeta.cli.phrases import counted
from execmeta.model.execution import Json
from execmeta.model.metadata import USER, clean_metadata, merge_sources, validate_metadata
from execmeta.model.pairs import env_metadata, parse_typed_pairs
from execmeta.settings import Settings


class Tags(NamedTuple):
    """Metadata with its sources."""

    metadata: dict[str, Json]
    sources: dict[str, str]
    problems: list[str]
    """What was left out of environment and files, in words for the user."""


def tags_of(pairs: Sequence[str], environ: Mapping[str, str], settings: Settings) -> Tags:
    """What a command is tagged with: `-m` over EXECMETA_META* over the settings' `meta`.

    Raises MetadataError for what was typed; the rest is cut, and told in `problems`.
    """
    reserved = settings.reserved_prefixes
    typed = validate_metadata(parse_typed_pairs(pairs, reserved=reserved), reserved=reserved)
    env = env_metadata(environ, reserved=reserved)
    config = clean_metadata(settings.meta, reserved=reserved)
    merged = merge_sources([(USER, typed), ("env", env.metadata), ("config", config.metadata)])
    return Tags(
        merged.metadata,
        merged.sources,
        [
            *_problems("EXECMETA_META*", env.dropped),
            *_problems("the settings", config.dropped),
            *_problems("environment and settings", merged.dropped),
        ],
    )


def _problems(place: str, dropped: Counter[str]) -> list[str]:
    return [
        f"{counted(count, 'tag')} of {place} left out: {reason.replace('_', ' ')}"
        for reason, count in sorted(dropped.items())
    ]
