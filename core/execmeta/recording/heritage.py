"""Heritage: what a parent hands down, place and metadata, checked and encoded once per parent."""

from __future__ import annotations

from typing import Final, NamedTuple

from execmeta.model.execution import Json
from execmeta.model.values import TRUNCATED
from execmeta.recording.context import Context
from execmeta.recording.encoding import encode
from execmeta.recording.maps import Maps

_MAX_KEPT: Final = 16
"""Parents remembered: the sessions and loops that are open now."""


class Heritage(NamedTuple):
    """What every child of one parent gets."""

    metadata: dict[str, Json]
    text: str
    """JSON of it; empty without any."""
    source: str
    """`inherited:<id>`."""
    sources: str
    """JSON of the map of every key to that source; empty without any."""
    place: str
    """Members `parent`, `root` and `depth` of a child's body, with a comma before each."""
    flags: frozenset[str]


NOTHING: Final = Heritage({}, "", "", "", "", frozenset())


class Heritages:
    """Remembers the heritage of the last parents: the tests of a session all have the same."""

    def __init__(self, maps: Maps) -> None:
        self._maps = maps
        self._kept: dict[tuple[str, int], tuple[Context, Heritage]] = {}

    def of(self, parent: Context | None) -> Heritage:
        """What children of `parent` get."""
        if parent is None:
            return NOTHING
        key = (parent.id, id(parent.metadata))
        found = self._kept.get(key)
        # The kept context keeps its map alive, so no other one can come to stand at this address.
        if found is not None and found[0].metadata is parent.metadata:
            return found[1]
        heritage = self._made(parent)
        if len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        self._kept[key] = (parent, heritage)
        return heritage

    def _made(self, parent: Context) -> Heritage:
        flags = {TRUNCATED} if parent.truncated else set()
        # Again, although a recorder did it before: it may have come through the environment.
        metadata = self._maps.clean(parent.metadata, flags)
        place = encode({"parent": parent.id, "root": parent.root_id, "depth": parent.depth + 1})
        source = f"inherited:{parent.id}"
        return Heritage(
            metadata,
            encode(metadata) if metadata else "",
            source,
            encode(dict.fromkeys(metadata, source)) if metadata else "",
            f",{place[1:-1]}",
            frozenset(flags),
        )
