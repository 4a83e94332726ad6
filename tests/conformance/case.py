r"""Case: one filter with its answer over `dataset.executions()`.

`matches` names labels: `*` is all, `dag.*` everything below `dag`, and a minus takes out again.
In a text `<id LABEL>` stands for a full id, `<end LABEL>` for its last 8 hex digits.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import NamedTuple

from conformance.dataset import LABELS, id_of

from execmeta.model.ids import ExecutionId

WEB = "web web.*"
API = "api api.*"
DAG = "dag dag.*"
TRAIN = f"{WEB} train cancel"
"""Executions with project=ml-train."""
WITHOUT_ENV = f"{DAG} train big text uni empty quote queued span plain words today later"
"""Executions without a key env."""


class Case(NamedTuple):
    """A filter and the labels that it selects, or the column and code of its error."""

    section: str
    text: str
    matches: str = ""
    column: int | None = None
    code: str = ""


def found(section: str, *rows: tuple[str, str]) -> list[Case]:
    """Cases that select executions: (text, labels)."""
    return [Case(section, _with_ids(text), matches) for text, matches in rows]


def refused(section: str, code: str, *rows: tuple[str, int]) -> list[Case]:
    """Cases that are errors: (text, column)."""
    return [Case(section, _with_ids(text), "", column, code) for text, column in rows]


def expected_ids(case: Case) -> frozenset[ExecutionId]:
    """Ids that the case's filter selects."""
    labels: set[str] = set()
    for word in case.matches.split():
        named = {label for label in LABELS if fnmatchcase(label, word.lstrip("-"))}
        assert named, f"{word} names no execution"
        labels = labels - named if word.startswith("-") else labels | named
    return frozenset(map(id_of, labels))


def _with_ids(text: str) -> str:
    text = re.sub(r"<id ([\w.]+)>", lambda label: id_of(label[1]), text)
    return re.sub(r"<end ([\w.]+)>", lambda label: id_of(label[1])[-8:], text)
