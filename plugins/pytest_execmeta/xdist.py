"""xdist: the controller tells its workers that it records, they say what only they know."""

from __future__ import annotations

import os
from typing import Any, Final

import pytest

from execmeta.model.metadata import RESERVED_PREFIXES
from pytest_execmeta.facts import PLUGIN_NAME, WorkerFactFinder
from pytest_execmeta.fence import Fence

_INPUT: Final = "execmeta"


class Workers:
    """Plug-in of the controller."""

    def __init__(self, environment: dict[str, str], reserved: tuple[str, ...]) -> None:
        self._said = {"environment": environment, "reserved": list(reserved)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        # A worker on another machine does not inherit the environment; this reaches all.
        node.workerinput[_INPUT] = self._said


def join(config: pytest.Config, said: dict[str, Any]) -> None:
    """Register what a worker does while its controller records."""
    os.environ.update(said.get("environment", {}))
    finder = WorkerFactFinder(Fence(), tuple(said.get("reserved", RESERVED_PREFIXES)))
    config.pluginmanager.register(finder, PLUGIN_NAME)
