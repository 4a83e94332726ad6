"""Cases: the one table that every target of the filter language is held to.

A target builds `dataset.executions()` (a store applies `dataset.events()`), binds each text with
`now_us=dataset.NOW_US` and a resolver, and gives exactly `expected_ids(case)`; where a case has a
`column`, binding raises FilterError with that column and code.
"""

from __future__ import annotations

from typing import Final

from conformance.case import Case, expected_ids
from conformance.cases_errors import ERRORS
from conformance.cases_fields import FIELDS
from conformance.cases_shapes import SHAPES
from conformance.cases_times import TIMES
from conformance.cases_values import VALUES

__all__ = ["ANSWERS", "CASES", "ERRORS", "Case", "expected_ids"]

ANSWERS: Final[list[Case]] = [*VALUES, *SHAPES, *FIELDS, *TIMES]
"""Cases that select executions, possibly none."""
CASES: Final[list[Case]] = [*ANSWERS, *ERRORS]
