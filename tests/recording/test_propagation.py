"""A context reaches child processes whole, and a forged one does no harm."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from urllib.parse import quote

import pytest

from execmeta.model.ids import new_id
from execmeta.model.limits import MAX_CONTEXT_BYTES
from execmeta.recording.context import Context, activate, current, restore
from execmeta.recording.propagation import (
    CONTEXT_VARIABLE,
    context_from_env,
    context_to_env,
    rejected_contexts,
)

HOSTILE = {
    "quotes": "'\"`$(id)`\\ %41 %%",
    "lines": "a\nb\r\nc\td",
    "signs": "a=b;c,d&e|f>g",
    "letters": "é 日本 \U0001f600 \u202e",
    "ключ": "значение",
    "nested": {"a": [1, 2.5, None, True, {"b": "=;"}]},
    "big": 2**63 - 1,
    "empty": "",
}


def context(**fields: object) -> Context:
    found = new_id()
    return Context(found, new_id(), 3, "session", 7 << 16, **fields)  # type: ignore[arg-type]


def test_a_context_comes_back_as_it_was() -> None:
    told = context(metadata=dict(HOSTILE))

    assert context_from_env(context_to_env(told)) == told


def test_a_context_survives_a_real_process() -> None:
    told = context(metadata=dict(HOSTILE))
    program = (
        "import os; from execmeta.recording.propagation import *;"
        "print(context_to_env(context_from_env(os.environ))['EXECMETA_CONTEXT'])"
    )

    found = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **context_to_env(told)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()

    assert context_from_env({CONTEXT_VARIABLE: found}) == told


def test_a_value_is_printable_ascii_without_anything_a_shell_minds() -> None:
    [value] = context_to_env(context(metadata=dict(HOSTILE))).values()

    assert value.isascii()
    assert value.isprintable()
    assert not set(value) & set(" '\"`$&|;<>()*?!#\\{}[]=")


def test_the_largest_values_go_when_a_variable_is_full() -> None:
    metadata = {"small": "x", "large": "é" * 8000, "huge": "x" * 60_000, "last": 1}

    env = context_to_env(context(metadata=metadata))
    found = context_from_env(env)

    assert found is not None
    assert len(env[CONTEXT_VARIABLE]) <= MAX_CONTEXT_BYTES
    assert list(found.metadata) == ["small", "large", "last"]
    assert found.truncated


def test_what_was_cut_once_stays_marked_further_down() -> None:
    found = context_from_env(context_to_env(context(metadata={"a": 1}, truncated=True)))

    assert found is not None
    assert found.truncated


def test_without_a_variable_there_is_no_parent_and_nothing_is_counted() -> None:
    before = rejected_contexts()

    assert context_from_env({}) is None
    assert context_from_env({CONTEXT_VARIABLE: ""}) is None
    assert rejected_contexts() == before


def forged(**members: object) -> str:
    import json

    shape: dict[str, object] = {"v": 1, "id": new_id(), "root": new_id(), "depth": 0, "kind": "x"}
    return quote(json.dumps({**shape, "hlc": 0, "meta": {}, **members}))


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "%",
        "%ff%fe",
        "null",
        "%5B" * 20_000,
        "{" + "x" * MAX_CONTEXT_BYTES,
        forged(v=2),
        forged(id="latest"),
        forged(id=5),
        forged(id="00000000-0000-4000-8000-000000000001"),
        forged(root="' or 1=1"),
        forged(depth=-1),
        forged(depth=10**9),
        forged(depth=True),
        forged(hlc=1.5),
        forged(hlc=2**63),
        forged(kind=None),
        forged(kind="k" * 200),
        forged(meta=[1]),
        quote('{"v":1,"id":NaN}'),
        quote('{"v":1,"id":' + "9" * 5000 + "}"),
    ],
)
def test_a_value_that_cannot_be_read_is_counted_and_as_good_as_none(value: str) -> None:
    before = rejected_contexts()

    assert context_from_env({CONTEXT_VARIABLE: value}) is None
    assert rejected_contexts() == before + 1


def test_a_bad_value_is_warned_about_once_and_never_shown() -> None:
    program = (
        "from execmeta.recording.propagation import context_from_env\n"
        "for _ in range(3): context_from_env({'EXECMETA_CONTEXT': 'token-hunter2'})"
    )

    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stderr

    assert told.count("EXECMETA_CONTEXT cannot be read") == 1
    assert "hunter2" not in told


def test_the_current_context_is_that_of_the_innermost_execution(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    outer, inner = context(), context()

    first = activate(outer)
    second = activate(inner)
    seen = [current()]
    restore(second)
    seen.append(current())
    restore(first)

    assert [*seen, current()] == [inner, outer, None]
