"""Paths: every value that a dotted name finds in nested JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from execmeta.model.execution import Json


def hits(container: Mapping[str, Json], dotted: str) -> list[Json]:
    """Every value at `dotted`; more than one where keys themselves have dots or where the way
    leads through arrays, which are entered element by element.

    >>> hits({"customer.id": 1, "customer": {"id": 2}}, "customer.id")
    [1, 2]
    >>> hits({"runs": [{"gpu": "a100"}, {"gpu": None}, 3]}, "runs.gpu")
    ['a100', None]
    >>> hits({"tags": ["a", "b"]}, "tags")
    [['a', 'b']]
    """
    found = [container[dotted]] if dotted in container else []
    if "." in dotted:
        for head, rest in splits(dotted):
            if head in container:
                found.extend(_inside(container[head], rest))
    return found


def hits_inside(value: Json, dotted: str) -> list[Json]:
    """As `hits`, from any JSON value; the empty path is the value itself.

    >>> hits_inside([{"name": "ada"}], "name"), hits_inside(5, "")
    (['ada'], [5])
    """
    return list(_inside(value, dotted)) if dotted else [value]


def _inside(value: Json, dotted: str) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from hits(value, dotted)
    elif isinstance(value, list):
        for item in value:
            yield from _inside(item, dotted)


@lru_cache(maxsize=1024)
def splits(dotted: str) -> tuple[tuple[str, str], ...]:
    """Every way to cut a dotted name in two.

    >>> splits("a.b.c")
    (('a', 'b.c'), ('a.b', 'c'))
    """
    return tuple((dotted[:at], dotted[at + 1 :]) for at, char in enumerate(dotted) if char == ".")


def explode(values: Iterable[Json]) -> Iterator[Json]:
    """The values with arrays replaced by their elements, at any depth.

    >>> list(explode([1, [2, [3]], {"a": 4}]))
    [1, 2, 3, {'a': 4}]
    """
    for value in values:
        if isinstance(value, list):
            yield from explode(value)
        else:
            yield value
