"""Search queries: every operator at every selectivity, each with its side-table statement.

Selectivity is that of the answer: one execution, 1 %, 50 %, only the oldest 50, none. Values are
drawn anew for every query.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from benchmarks.search_data import SOLO_EVERY, TEAMS


class Question(NamedTuple):
    """One filter in both languages."""

    text: str
    statement: str
    """Gives keys of executions, newest first."""
    parameters: tuple[Any, ...]


class World(NamedTuple):
    """What questions are drawn from."""

    rng: random.Random
    tickets: list[tuple[str, dict[str, Any]]]
    """Unique values, with the tags of their executions."""
    count: int


Maker = Callable[[World], Question]


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def equal(key: str, value: Any) -> Question:
    """`key=value`."""
    return Question(
        f"{key}={_literal(value)}",
        "SELECT tid FROM tag WHERE key = ? AND value = ? ORDER BY tid DESC LIMIT 50",
        (key, value),
    )


def conjunction(*pairs: tuple[str, Any]) -> Question:
    """`a=1 b=2 ...`."""
    names = [f"t{number}" for number in range(len(pairs))]
    tables = f"tag {names[0]} " + " ".join(
        f"JOIN tag {name} ON {name}.tid = {names[0]}.tid" for name in names[1:]
    )
    where = " AND ".join(f"{name}.key = ? AND {name}.value = ?" for name in names)
    return Question(
        " ".join(f"{key}={_literal(value)}" for key, value in pairs),
        f"SELECT {names[0]}.tid FROM {tables} WHERE {where} ORDER BY {names[0]}.tid DESC LIMIT 50",
        tuple(part for pair in pairs for part in pair),
    )


def disjunction(*pairs: tuple[str, Any]) -> Question:
    """`a=1 or b=2 ...`."""
    one = "SELECT tid FROM tag WHERE key = ? AND value = ?"
    return Question(
        " or ".join(f"{key}={_literal(value)}" for key, value in pairs),
        f"{' UNION '.join([one] * len(pairs))} ORDER BY tid DESC LIMIT 50",
        tuple(part for pair in pairs for part in pair),
    )


def negation(key: str, value: Any) -> Question:
    """`not key=value`."""
    return Question(
        f"not {key}={_literal(value)}",
        "SELECT tid FROM execution e WHERE NOT EXISTS (SELECT 1 FROM tag t WHERE t.tid = e.tid "
        "AND t.key = ? AND t.value = ?) ORDER BY tid DESC LIMIT 50",
        (key, value),
    )


def compared(key: str, op: str, value: Any) -> Question:
    """`key>=value`."""
    return Question(
        f"{key}{op}{value}",
        f"SELECT tid FROM tag WHERE key = ? AND value {op} ? ORDER BY tid DESC LIMIT 50",
        (key, value),
    )


def between(key: str, low: Any, high: Any) -> Question:
    """`key>=low key<high`."""
    return Question(
        f"{key}>={low} {key}<{high}",
        "SELECT tid FROM tag WHERE key = ? AND value >= ? AND value < ? ORDER BY tid DESC LIMIT 50",
        (key, low, high),
    )


def glob(key: str, pattern: str) -> Question:
    """`key~=pattern`."""
    return Question(
        f"{key}~={pattern}",
        "SELECT tid FROM tag WHERE key = ? AND value GLOB ? ORDER BY tid DESC LIMIT 50",
        (key, pattern),
    )


def has(key: str) -> Question:
    """`has(key)`."""
    return Question(
        f"has({key})", "SELECT tid FROM tag WHERE key = ? ORDER BY tid DESC LIMIT 50", (key,)
    )


def _ticket(world: World) -> tuple[str, dict[str, Any]]:
    return world.rng.choice(world.tickets)


def _half(world: World) -> tuple[str, Any]:
    return world.rng.choice(
        (
            ("env", "prod"),
            ("env", "dev"),
            ("region", "eu"),
            ("region", "us"),
            ("zone", "odd"),
            ("zone", "even"),
            ("tier", "gold"),
            ("tier", "basic"),
            ("seen", True),
        )
    )


def _team(world: World) -> tuple[str, Any]:
    return "team", world.rng.choice(TEAMS)


def _never_pair(world: World) -> Question:
    pair = world.rng.choice(
        ((("env", "dev"), ("tier", "gold")), (("env", "dev"), ("tier", "gold")))
    )
    return conjunction(*world.rng.sample(pair, 2))


def _never_triple(world: World) -> Question:
    env, region, zone = world.rng.choice(
        (("prod", "us", "even"), ("dev", "eu", "even"), ("dev", "us", "odd"))
    )
    return conjunction(*world.rng.sample([("env", env), ("region", region), ("zone", zone)], 3))


def _other(value: str) -> str:
    return {"prod": "dev", "dev": "prod", "eu": "us", "us": "eu"}[value]


def _one_of_and(world: World) -> Question:
    name, tags = _ticket(world)
    return conjunction(("env", tags["env"]), ("ticket", name))


def _never_with_one(world: World) -> Question:
    name, tags = _ticket(world)
    return conjunction(("ticket", name), ("env", _other(tags["env"])))


def _never_three_with_one(world: World) -> Question:
    name, tags = _ticket(world)
    return conjunction(("region", tags["region"]), ("env", _other(tags["env"])), ("ticket", name))


def _narrow(world: World) -> Question:
    name, _ = _ticket(world)
    number = int(name[2:])
    return between("ticket", f"T-{number:07d}", f"T-{number + 1:07d}")


def _wildcard(world: World) -> Question:
    name, _ = _ticket(world)
    at = world.rng.randrange(4, 8)
    return glob("ticket", f"{name[:at]}?{name[at + 1 :]}")


def _percent(world: World) -> Question:
    if world.rng.random() < 0.5:
        return compared("score", ">=", world.rng.randrange(985, 995))
    low = world.rng.randrange(990)
    return between("score", low, low + 10)


CLASSES: Final[dict[str, dict[str, Maker]]] = {
    "equality": {
        "one": lambda w: equal("ticket", _ticket(w)[0]),
        "1 %": lambda w: equal(*_team(w)),
        "50 %": lambda w: equal(*_half(w)),
        "oldest": lambda w: equal(*w.rng.choice((("legacy", True), ("team", "old-1")))),
    },
    "and": {
        "one": _one_of_and,
        "1 %": lambda w: conjunction(_team(w), _half(w)),
        "50 %": lambda w: conjunction(("era", "modern"), _half(w)),
        "25 %": lambda w: conjunction(
            *w.rng.sample((("env", "prod"), ("region", "eu"), ("seen", True)), 2)
        ),
        "oldest": lambda w: conjunction(*w.rng.sample((("env", "prod"), ("tier", "basic")), 2)),
        "oldest of three": lambda w: conjunction(
            *w.rng.sample((("env", "prod"), ("region", "eu"), ("zone", "odd")), 3)
        ),
    },
    "never two": {
        "one": _never_with_one,
        "1 %": lambda w: conjunction(*(("team", team) for team in w.rng.sample(TEAMS, 2))),
        "50 %": _never_pair,
        "oldest": lambda w: conjunction(*w.rng.sample((("legacy", True), ("era", "modern")), 2)),
    },
    "never three": {
        "one": _never_three_with_one,
        "1 %": lambda w: conjunction(("env", "dev"), _team(w), ("tier", "gold")),
        "50 %": _never_triple,
        "oldest": lambda w: conjunction(("legacy", True), ("era", "modern"), _half(w)),
    },
    "or": {
        "one": lambda w: disjunction(("ticket", _ticket(w)[0]), ("ticket", _ticket(w)[0])),
        "1 %": lambda w: disjunction(_team(w), _team(w)),
        "50 %": lambda w: disjunction(_half(w), _team(w)),
        "oldest": lambda w: disjunction(("legacy", True), ("team", f"old-{w.rng.randrange(5)}")),
    },
    "not": {
        "all but one": lambda w: negation("ticket", _ticket(w)[0]),
        "99 %": lambda w: negation(*_team(w)),
        "50 %": lambda w: negation(*_half(w)),
        "oldest": lambda w: negation("era", "modern"),
    },
    "range": {
        "one": _narrow,
        "1 %": _percent,
        "50 %": lambda w: compared("score", "<", w.rng.randrange(450, 550)),
        "oldest": lambda w: compared("score", "<", -w.rng.random()),
    },
    "glob": {
        "one": _wildcard,
        "1 %": lambda w: glob("team", f"*-{w.rng.randrange(100):02d}"),
        "50 %": lambda w: glob("team", w.rng.choice(("a-*", "b-*", "?-*[02468]"))[:3]),
        "oldest": lambda w: glob("team", w.rng.choice(("old*", "*ld-?", "o*", "old-?"))),
    },
    "has": {
        "one": lambda w: has(f"solo-{w.rng.randrange(1, w.count // SOLO_EVERY) * SOLO_EVERY}"),
        "1 %": lambda w: has("note"),
        "50 %": lambda w: has("seen"),
        "oldest": lambda w: has("legacy"),
    },
}
"""Class of filters to selectivity to how one is drawn."""
