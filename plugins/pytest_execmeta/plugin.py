"""What pytest loads at every start: options, marker, fixtures, and the question who asked.

Nothing but `os` and the host is imported until somebody asks for a recording: most runs do not,
and those must not pay for it (DESIGN §6).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_execmeta.fixtures import SessionTags, TestTags

MARKER_HELP = (
    "exec_meta(**metadata): tag the execution of this test; a mapping as the only argument takes "
    "keys that are no Python names."
)
_OFF_WORDS = ("", "0", "false", "no", "off")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("execmeta", "recording this run as an execution")
    group.addoption(
        "--exec-meta",
        action="append",
        default=[],
        metavar="K=V",
        help="record this run and tag it; repeatable, the last value of a key wins",
    )
    group.addoption(
        "--exec-name", metavar="NAME", help="record this run under NAME (default: pytest ROOTDIR)"
    )
    group.addoption(
        "--exec-parent", metavar="REF", help="record this run as a child: an id, or `latest`"
    )
    group.addoption(
        "--exec-store", metavar="URL", help="record this run in this store (sqlite:///path)"
    )
    group.addoption(
        "--no-exec-meta",
        action="store_true",
        help="record nothing, whatever ini file and environment say",
    )
    parser.addini(
        "exec_meta", type="linelist", help="record every run with these tags, one k=v per line"
    )
    parser.addini(
        "exec_meta_record", type="bool", default=False, help="record every run, tagged or not"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER_HELP)
    try:
        # What follows is imported only now that somebody asked.
        if hasattr(config, "workerinput"):
            # The controller has decided for its workers; they only say what it cannot know.
            if sent := config.workerinput.get("execmeta"):
                from pytest_execmeta.xdist import join

                join(config, sent)
        elif _asked(config):
            from pytest_execmeta.session import begin

            begin(config)
    except pytest.UsageError:
        raise
    except Exception as error:  # the whole recording is lost, the run is not
        import logging

        text = "This run is not recorded: %s: %s"
        logging.getLogger("execmeta").warning(text, type(error).__name__, error)


def _asked(config: pytest.Config) -> bool:
    given, environ = config.option, os.environ
    if given.no_exec_meta or environ.get("EXECMETA_DISABLED", "").lower() not in _OFF_WORDS:
        return False
    return bool(
        given.exec_meta
        or given.exec_name is not None
        or given.exec_parent is not None
        or given.exec_store is not None
        or config.getini("exec_meta_record")
        or config.getini("exec_meta")
        or environ.get("EXECMETA_CONTEXT")
        or any(name.startswith("EXECMETA_META") for name in environ)
    )


@pytest.fixture
def exec_meta(request: pytest.FixtureRequest) -> TestTags:
    """Tag the execution of this test: `exec_meta(model="small")`; without a recording: no-op."""
    from pytest_execmeta.fixtures import TestTags  # only for a test that asks for it

    return TestTags(request.config, request.node)


@pytest.fixture(scope="session")
def exec_session(request: pytest.FixtureRequest) -> SessionTags:
    """Tag the execution of the session: `exec_session(build=7)`; without a recording: no-op."""
    from pytest_execmeta.fixtures import SessionTags  # only for a test that asks for it

    return SessionTags(request.config)
