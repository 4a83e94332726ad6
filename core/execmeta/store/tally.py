"""Tally: which metadata keys a number of executions have, and their most frequent values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from execmeta.model.execution import Json
from execmeta.store.base import KeyStats

MAX_KEY_NAMES = 1000
"""Names that `Store.key_names` gives at most."""


def tally(maps: Iterable[Mapping[str, Json]], values: int, sampled: bool) -> tuple[KeyStats, ...]:
    """One `KeyStats` per key of the metadata maps, most frequent first, then by key; each with
    its `values` most frequent values. 5 and 5.0 are one value, 5 and "5" are two."""
    counts: dict[str, Counter[str]] = {}
    texts: dict[tuple[type, Json], str] = {}
    for metadata in maps:
        for key, value in metadata.items():
            if isinstance(value, dict | list):
                text = _text(value)
            else:
                known = (type(value), value)
                text = texts.get(known) or texts.setdefault(known, _text(value))
            counts.setdefault(key, Counter())[text] += 1
    stats = [
        KeyStats(
            key=key,
            executions=counter.total(),
            values=tuple(
                (json.loads(text), number)
                for text, number in sorted(counter.items(), key=lambda item: (-item[1], item[0]))[
                    :values
                ]
            ),
            sampled=sampled,
        )
        for key, counter in counts.items()
    ]
    return tuple(sorted(stats, key=lambda stat: (-stat.executions, stat.key)))


def _text(value: Json) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        value = int(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
