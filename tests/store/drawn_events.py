"""Events drawn by hypothesis: few ids, few order keys, so that everything collides often."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from execmeta.model.event import Event
from execmeta.model.ids import ExecutionId

SECOND = 1_000_000
IDS = [ExecutionId(f"0190a5d0-7c1e-7abc-{part}-0123456789aa") for part in ("8def", "9def", "adef")]
"""Their keys differ by the bits after the variant."""
STRANGER = ExecutionId("0190a5d0-7c1e-7abc-bdef-000000000001")
"""A parent that never starts."""
TWIN = ExecutionId("0190a5d0-7c1e-7abc-8def-999999999999")
"""Shares the 63 bits of its key with the first of IDS."""

ORDERS = st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(0, 3))
SCALARS = st.sampled_from([0, 1, 1.0, True, False, "1", "x", "", None, -0.0, 2**63 - 1, 1e300])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("klm"), inner, max_size=2)
    ),
    max_leaves=4,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["k", "l", "k.l", "m"]), VALUES, max_size=3)
STATUSES = st.sampled_from(["queued", "running", "success", "failed", "skipped", "lost"])
ENDED = ("success", "failed", "skipped", "lost")
FLAGS = st.lists(
    st.sampled_from(["truncated", "sanitized", "clock_skew", "status_conflict"]), max_size=2
)
DURATIONS = st.sampled_from([0.0, 1.0, 2, 2.5])
TIMES = st.integers(0, 5).map(lambda second: second * SECOND)
ERRORS = st.sampled_from([{"type": "E", "message": "m"}, {}, {"type": "F", "where": "a.py:1"}])
ITERATORS = st.sampled_from(
    [{"index": 0}, {"index": 1, "count": 2, "item": {"k": [1, "x"]}}, {"index": 2, "item": "x"}]
)


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value or nothing said at all."""
    return st.one_of(st.just(...), values)


@st.composite
def bodies(draw: st.DrawFn, fields: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Some of the fields."""
    drawn = {name: draw(optional(values)) for name, values in fields.items()}
    return {name: value for name, value in drawn.items() if value is not ...}


@st.composite
def events(draw: st.DrawFn) -> Event:
    """One event of one of the ids."""
    execution_id = draw(st.sampled_from(IDS))
    kind = draw(st.sampled_from(["started", "started", "finished", "edited"]))
    if kind == "started":
        places = st.sampled_from([other for other in (*IDS, STRANGER) if other != execution_id])
        body = draw(
            bodies(
                {
                    "parent": places,
                    "root": st.sampled_from([*IDS, STRANGER]),
                    "depth": st.integers(1, 3),
                    "attempt": st.integers(1, 3),
                    "status": STATUSES,
                    "started": TIMES,
                    "ended": TIMES,
                    "duration": DURATIONS,
                    "metadata": DOCUMENTS,
                    "sources": st.dictionaries(st.sampled_from("kl"), st.just("env")),
                    "attributes": DOCUMENTS,
                    "iterator": ITERATORS,
                    "external_id": st.sampled_from(["a", "b"]),
                    "trace_id": st.sampled_from(["ab" * 16, "cd" * 16]),
                    "span_id": st.just("ef" * 8),
                    "owner": st.sampled_from(["process", "host"]),
                    "error": ERRORS,
                    "flags": FLAGS,
                }
            )
        )
        body["kind"] = draw(st.sampled_from(["task", "session"]))
        body["name"] = draw(st.sampled_from(["a", "b", "7"]))
    elif kind == "finished":
        body = draw(
            bodies(
                {
                    "attempt": st.integers(1, 3),
                    "ended": TIMES,
                    "duration": DURATIONS,
                    "attributes": DOCUMENTS,
                    "trace_id": st.just("cd" * 16),
                    "span_id": st.just("01" * 8),
                    "error": ERRORS,
                    "flags": FLAGS,
                    "inferred": st.booleans(),
                }
            )
        )
        body["status"] = draw(st.sampled_from(ENDED))
    else:
        body = draw(
            bodies(
                {
                    "set": DOCUMENTS,
                    "unset": st.lists(st.sampled_from(["k", "n"]), max_size=1),
                    "by": st.sampled_from(["ann", "bob"]),
                }
            )
        )
    return Event(kind, execution_id, draw(ORDERS), draw(TIMES), body)


@st.composite
def plain_lives(draw: st.DrawFn) -> list[Event]:
    """What nearly every execution says: a start, and mostly an end, of one attempt."""
    execution_id = draw(st.sampled_from(IDS))
    begin = draw(
        bodies(
            {
                "metadata": DOCUMENTS,
                "attributes": DOCUMENTS,
                "flags": FLAGS,
                "trace_id": st.just("ab" * 16),
                "iterator": ITERATORS,
            }
        )
    )
    begin |= draw(
        st.sampled_from([{}, {"root": execution_id}, {"parent": STRANGER, "root": STRANGER}])
    )
    begin |= {"kind": "test", "name": draw(st.sampled_from(["a", "b"])), "started": 2 * SECOND}
    end = draw(bodies({"ended": TIMES, "duration": DURATIONS, "error": ERRORS, "flags": FLAGS}))
    end["status"] = draw(st.sampled_from(ENDED))
    start = Event("started", execution_id, (1, 1, 0), 2 * SECOND, begin)
    finish = Event("finished", execution_id, draw(ORDERS), 3 * SECOND, end)
    whole = start._replace(body={**begin, **end})
    return draw(st.sampled_from([[start], [start, finish], [finish, start], [whole]]))
