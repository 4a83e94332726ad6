"""Plug-ins: called one by one, fenced, counted and named."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from execmeta import hookimpl
from execmeta.hooks.manager import PluginInfo, Plugins

DRAFT: Any = SimpleNamespace(kind="session", name="tests", metadata={}, attributes={})


class Adding:
    def __init__(self, **metadata: Any) -> None:
        self.metadata = metadata

    @hookimpl
    def execmeta_before_start(self) -> Any:
        return self.metadata or None


class Raising:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    @hookimpl
    def execmeta_before_start(self, draft: Any) -> Any:
        raise self.error

    @hookimpl
    def execmeta_redact(self, key: str, value: Any) -> Any:
        raise self.error


class Renaming:
    @hookimpl
    def execmeta_redact(self, key: str) -> Any:
        return "mine" if key == "mine" else None


def none() -> list[EntryPoint]:
    return []


def test_every_plugin_is_asked_last_registered_first() -> None:
    plugins = Plugins(entry_points=none)
    plugins.register(Adding(a=1), "first")
    plugins.register(Adding(), "silent")
    plugins.register(Adding(b=2), "last")

    answers = plugins.call("execmeta_before_start", draft=DRAFT)

    assert answers == [("last", {"b": 2}), ("first", {"a": 1})]


def test_a_plugin_that_raises_is_left_out_counted_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plugins = Plugins(entry_points=none)
    plugins.register(Adding(a=1), "good")
    plugins.register(Raising(ValueError("bad \x1b[31mthing")), "bad")
    plugins.register(Adding(b=2), "better")

    with caplog.at_level(logging.WARNING, "execmeta"):
        for _ in range(3):
            answers = plugins.call("execmeta_before_start", draft=DRAFT)

    assert answers == [("better", {"b": 2}), ("good", {"a": 1})]
    assert plugins.failures == {"bad": 3}
    (record,) = caplog.records
    assert "Plug-in bad failed in execmeta_before_start (ValueError: bad \\x1b" in record.message


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_who_wants_to_stop_is_not_held(error: type[BaseException]) -> None:
    plugins = Plugins(entry_points=none)
    plugins.register(Raising(error()))

    with pytest.raises(error):
        plugins.call("execmeta_before_start", draft=DRAFT)


def test_the_first_answer_counts_and_a_failure_before_it_is_told() -> None:
    plugins = Plugins(entry_points=none)
    plugins.register(Renaming(), "renaming")

    assert plugins.first("execmeta_redact", key="mine", value=1) == ("mine", False)
    assert plugins.first("execmeta_redact", key="other", value=1) == (None, False)

    plugins.register(Raising(ValueError()), "bad")
    assert plugins.first("execmeta_redact", key="mine", value=1) == ("mine", True)
    assert plugins.first("execmeta_redact", key="other", value=1) == (None, True)


def test_has_impl_follows_what_is_registered() -> None:
    plugins = Plugins(entry_points=none)

    assert not plugins.has_impl("execmeta_redact")
    plugins.register(Renaming())
    assert plugins.has_impl("execmeta_redact")
    assert not plugins.has_impl("execmeta_after_finish")


def test_order_marks_of_pluggy_hold() -> None:
    class Early:
        @hookimpl(tryfirst=True)
        def execmeta_before_start(self) -> Any:
            return "early"

    plugins = Plugins(entry_points=none)
    plugins.register(Early(), "early")
    plugins.register(Adding(late=1), "late")

    assert [name for name, _ in plugins.call("execmeta_before_start", draft=DRAFT)] == [
        "early",
        "late",
    ]


def test_an_unknown_hook_a_wrapper_and_a_wrong_parameter_are_told() -> None:
    class Unknown:
        @hookimpl
        def execmeta_before_strat(self) -> None: ...

    class Wrapper:
        @hookimpl(wrapper=True)
        def execmeta_before_start(self) -> Any:
            return (yield)

    class Asking:
        @hookimpl
        def execmeta_before_start(self, session: Any) -> None: ...

    plugins = Plugins(entry_points=none)
    plugins.register(Unknown(), "unknown")
    plugins.register(Wrapper(), "wrapper")
    plugins.register(Asking(), "asking")
    plugins.register(Adding(a=1), "good")

    assert plugins.call("execmeta_before_start", draft=DRAFT) == [("good", {"a": 1})]
    assert plugins.failures == {"unknown": 1, "wrapper": 1, "asking": 1}
    refused = {info.name: info.refused for info in plugins.describe()}
    assert "session" in str(refused.pop("asking"))
    assert refused == {"unknown": None, "wrapper": None, "good": None}


def entry_point(name: str, value: str, distribution: str) -> EntryPoint:
    found = EntryPoint(name, value, "execmeta")
    dist = SimpleNamespace(name=distribution, version="1.0", metadata={"Name": distribution})
    return found._for(dist)  # type: ignore[attr-defined, no-any-return]


def test_our_own_plugin_without_its_extra_is_no_failure() -> None:
    found = [
        entry_point("otel", "module_of_a_missing_extra", "execmeta"),
        entry_point("foreign", "module_of_a_missing_extra", "foreign"),
    ]
    plugins = Plugins(entry_points=lambda: found)

    (info,) = plugins.describe()

    assert info == PluginInfo(
        "foreign", "1.0", (), 1, "ModuleNotFoundError: No module named 'module_of_a_missing_extra'"
    )


def test_a_blocked_plugin_is_not_loaded_and_is_listed() -> None:
    found = [entry_point("foreign", "module_that_would_fail", "foreign")]
    plugins = Plugins(blocked=["foreign"], entry_points=lambda: found)

    (info,) = plugins.describe()

    assert info == PluginInfo("foreign", "1.0", (), 0, "blocked by the setting plugins.blocked")


def test_damaged_records_of_the_installation_are_a_failure_not_an_end() -> None:
    def damaged() -> list[EntryPoint]:
        raise OSError("metadata cannot be read")

    plugins = Plugins(entry_points=damaged)
    plugins.register(Renaming(), "renaming")

    assert plugins.has_impl("execmeta_redact")
    assert plugins.failures == {"(entry points)": 1}


def test_without_a_plugin_pluggy_is_not_imported() -> None:
    code = (
        "import sys\n"
        "from execmeta.hooks.manager import Plugins\n"
        "plugins = Plugins(entry_points=list)\n"
        "assert 'importlib.metadata' not in sys.modules\n"
        "assert not plugins.has_impl('execmeta_redact')\n"
        "assert plugins.describe() == ()\n"
        "print('pluggy' in sys.modules)"
    )

    ran = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
    )

    assert (ran.stdout, ran.stderr) == ("False\n", "")
