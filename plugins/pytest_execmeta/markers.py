"""What the markers of a test say: their names, and the tags of `exec_meta`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pytest

MARKER: Final = "exec_meta"
_WIRING: Final = frozenset({MARKER, "parametrize", "usefixtures", "filterwarnings"})
"""Markers that say how a test is put together, not what it is about."""
_NO_TAGS: Final[dict[str, Any]] = {}


class MarkerReader:
    """Reads the markers of one item after another; neighbours share what their parents say."""

    def __init__(self) -> None:
        self._parent: pytest.Item | pytest.Collector | None = None
        self._names: tuple[str, ...] = ()
        self._tags = _NO_TAGS

    def read(self, item: pytest.Item) -> tuple[tuple[str, ...], dict[str, Any]]:
        """(names, nearest first; tags, where the nearest marker wins). Not to be changed."""
        parent = item.parent
        if parent is not self._parent:
            inherited = list(parent.iter_markers()) if parent is not None else []
            self._names, self._tags = _names_of(inherited), _tags_of(inherited)
            self._parent = parent
        own = item.own_markers
        if not own:
            return self._names, self._tags
        names, tags = _names_of(own), _tags_of(own)
        if names and self._names:
            names = tuple(dict.fromkeys(names + self._names))
        return names or self._names, {**self._tags, **tags} if tags else self._tags


def _names_of(markers: Iterable[pytest.Mark]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mark.name for mark in markers if mark.name not in _WIRING))


def _tags_of(markers: Iterable[pytest.Mark]) -> dict[str, Any]:
    tags = _NO_TAGS
    for mark in markers:
        if mark.name == MARKER:
            # Nearest first: what is there already stays.
            tags = {**tags_from(*mark.args[:1], **mark.kwargs), **tags}
    return tags


def tags_from(mapping: Any = None, /, **pairs: Any) -> dict[Any, Any]:
    """Tags of one call: a mapping for keys that are no Python names, and keywords over it.

    Neither keys nor values are checked yet.
    """
    tags: dict[Any, Any] = dict(mapping) if isinstance(mapping, Mapping) else {}
    return {**tags, **pairs}
