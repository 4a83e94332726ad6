"""What the fixtures `exec_meta` and `exec_session` give to a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_execmeta.facts import PLUGIN_NAME, FactFinder
from pytest_execmeta.markers import tags_from

if TYPE_CHECKING:
    import pytest


def _finder_of(config: pytest.Config) -> FactFinder | None:
    found = config.pluginmanager.get_plugin(PLUGIN_NAME)
    return found if isinstance(found, FactFinder) else None


class TestTags:
    """Adds tags to the execution of the running test: `exec_meta(model="small", seed=7)`.

    The last value of a key wins; the marker's and the session's values stand below it. Nothing
    happens when the run is not recorded.
    """

    __test__ = False

    def __init__(self, config: pytest.Config, item: pytest.Item) -> None:
        self._finder = _finder_of(config)
        self._item = item

    @property
    def id(self) -> str | None:
        """Id of the test's execution; None when the run is not recorded."""
        facts = self._finder.current if self._finder else None
        return facts.id if facts is not None and facts.nodeid == self._item.nodeid else None

    def __call__(self, mapping: Mapping[str, Any] | None = None, /, **tags: Any) -> None:
        """Add tags; `mapping` is for keys that are no Python names."""
        if self._finder is not None:
            self._finder.tag(self._item, tags_from(mapping, **tags))

    def __setitem__(self, key: str, value: Any) -> None:
        self({key: value})


class SessionTags:
    """Adds tags to the execution of the session, also from a worker of xdist.

    They appear as an edit in the session's history; tests do not inherit them.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._finder = _finder_of(config)

    def __call__(self, mapping: Mapping[str, Any] | None = None, /, **tags: Any) -> None:
        """Add tags; `mapping` is for keys that are no Python names."""
        if self._finder is not None:
            self._finder.tag_session(tags_from(mapping, **tags))

    def __setitem__(self, key: str, value: Any) -> None:
        self({key: value})
