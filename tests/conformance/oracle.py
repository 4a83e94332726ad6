"""Oracle: DESIGN §2 transcribed, one sentence after the other, without a thought for speed.

It reads nodes and shares no code with binder, paths, globs, literals or predicate, so that a
mistake there shows as a difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from conformance.dataset import EPOCH, us

from execmeta.filters.nodes import (
    And,
    Comparison,
    ContainsJson,
    Everything,
    Has,
    In,
    IsNull,
    Node,
    Not,
    Or,
    Value,
    ViewRef,
)
from execmeta.filters.parser import parse
from execmeta.model.execution import Execution

NAMESPACES = ("git", "ci", "host", "airflow", "pytest", "otel", "process")
TIMES = {"started": "started", "started_at": "started", "ended": "ended", "ended_at": "ended"}
PLACES = {"parent_id": "parent", "root_id": "root"}
SECONDS = {
    "ms": Fraction(1, 1000),
    **{unit: Fraction(n) for unit, n in zip("smhdw", (1, 60, 3600, 86400, 604800), strict=True)},
}


class Oracle:
    """The answers for one list of executions, one `now` and some views."""

    def __init__(
        self, everyone: Sequence[Execution], now_us: int, views: Mapping[str, str] | None = None
    ) -> None:
        self.everyone = {execution.id: execution for execution in everyone}
        self.now_us = now_us
        self.views = views or {}

    def select(self, node: Node) -> list[Execution]:
        return [each for each in self.everyone.values() if self.matches(node, each)]

    def matches(self, node: Node, execution: Execution) -> bool:
        match node:
            case Everything():
                return True
            case And():
                return all(self.matches(item, execution) for item in node.items)
            case Or():
                return any(self.matches(item, execution) for item in node.items)
            case Not():
                return not self.matches(node.item, execution)
            case ViewRef():
                return self.matches(parse(self.views[node.name]), execution)
            case Has():
                return values_at(node.name, execution) != []
            case IsNull():
                null = all(value is None for value in values_at(node.name, execution))
                return null != node.negated
            case In():
                found = any(self.compares(node.name, "=", v, execution) for v in node.values)
                if node.negated:
                    return values_at(node.name, execution) != [] and not found
                return found
            case ContainsJson():
                whole = execution.metadata if node.space == "meta" else execution.attributes
                return contained(json.loads(node.document), dict(whole))
            case Comparison():
                if node.op in ("!=", "!~="):
                    positive = self.compares(node.name, node.op.lstrip("!"), node.value, execution)
                    return values_at(node.name, execution) != [] and not positive
                return self.compares(node.name, node.op, node.value, execution)

    def compares(self, name: str, op: str, literal: Value, execution: Execution) -> bool:
        """Whether any value at `name` stands in the positive relation `op` to the literal."""
        found = list(elements(values_at(name, execution)))
        name = PLACES.get(name, name)
        if name == "under":
            return literal.text in self.line(execution)
        if name in TIMES:
            start, end = self.interval(literal.text)
            return any(in_time(op, value, start, end) for value in found)
        if name in ("duration", "duration_s"):
            seconds = amount(literal.text)
            return any(ordered("=" if op == "=" else op, Fraction(v), seconds) for v in found)
        if op == "=":
            return any(equal(value, literal) for value in found)
        if op == "~=":
            return any(isinstance(v, str) and fits(literal.text, v) for v in found)
        return any(in_order(op, value, literal, is_text(name)) for value in found)

    def line(self, execution: Execution) -> Iterator[str]:
        """The execution and its ancestors, as far as they are known."""
        at: Execution | None = execution
        while at is not None:
            yield at.id
            if at.parent_id is None:
                return
            if at.parent_id not in self.everyone:
                yield at.parent_id
                return
            at = self.everyone[at.parent_id]

    def interval(self, text: str) -> tuple[int, int]:
        """First microsecond of a time, and the first one behind it."""
        relative = re.fullmatch(r"(now|today)(([+-])(.+))?", text)
        if relative:
            word, more, sign, span = relative.groups()
            shift = int(amount(span) * 1_000_000) * (-1 if sign == "-" else 1) if more else 0
            if word == "now":
                return self.now_us + shift, self.now_us + shift + 1
            day = (EPOCH + timedelta(microseconds=self.now_us)).date().isoformat()
            return us(day) + shift, us(day) + shift + 86_400_000_000
        moment = datetime.fromisoformat(text)
        start = us(text)
        if len(text) == 10:
            return start, start + 86_400_000_000
        clock = re.sub(r"Z$|[+-]\d\d:\d\d$", "", text[11:])
        if len(clock) == 5:
            return start, start + 60_000_000
        if len(clock) == 8:
            return start, start + 1_000_000
        assert moment is not None
        return start, start + 10 ** (6 - (len(clock) - 9))


def values_at(name: str, execution: Execution) -> list[Any]:
    """Every value that a name means; empty when it is missing."""
    if name.startswith("meta."):
        return inside(execution.metadata, name[5:])
    if name.startswith("attr."):
        return inside(execution.attributes, name[5:])
    if name == "iterator.item" or name.startswith("iterator.item."):
        item = execution.iterator.item if execution.iterator else None
        if item is None:
            return []
        return [item] if name == "iterator.item" else inside({"_": item}, "_" + name[13:])
    iterator, error = execution.iterator, execution.error
    fields = {
        "id": execution.id,
        "parent": execution.parent_id,
        "parent_id": execution.parent_id,
        "root": execution.root_id,
        "root_id": execution.root_id,
        "under": execution.id,
        "depth": execution.depth,
        "name": execution.name,
        "kind": execution.kind,
        "status": execution.status,
        "started": execution.started_at,
        "started_at": execution.started_at,
        "ended": execution.ended_at,
        "ended_at": execution.ended_at,
        "duration": execution.duration_s,
        "duration_s": execution.duration_s,
        "attempt": execution.attempt,
        "external_id": execution.external_id,
        "trace_id": execution.trace_id,
        "span_id": execution.span_id,
        "iterator.index": iterator.index if iterator else None,
        "iterator.count": iterator.count if iterator else None,
        "error.type": error.type if error else None,
        "error.message": error.message if error else None,
        "error.where": error.where if error else None,
    }
    if name in fields:
        return [] if fields[name] is None else [fields[name]]
    if "." in name and name.split(".")[0] in NAMESPACES:
        return inside(execution.attributes, name)
    return inside(execution.metadata, name)


def is_text(name: str) -> bool:
    """Whether a name is a field that holds text, whatever the literal looks like."""
    return name in ("name", "error.type", "error.message", "error.where")


def inside(container: Mapping[str, Any], wanted: str) -> list[Any]:
    """Every value whose keys, joined by points, spell `wanted`; arrays add nothing to the way."""
    return [value for way, value in ways("", dict(container)) if way == wanted]


def ways(before: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield before + key, item
            yield from ways(before + key + ".", item)
    elif isinstance(value, list):
        for item in value:
            yield from ways(before, item)


def elements(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from elements(value)
        else:
            yield value


def number(text: str) -> Fraction | float | None:
    """The number that a text spells: digits exactly, anything else as float64 holds it."""
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", text):
        return None
    if re.fullmatch(r"-?[0-9]+", text):
        return Fraction(text)
    as_float = float(text)
    return as_float if as_float in (float("inf"), float("-inf")) else Fraction(as_float)


def amount(text: str) -> Fraction | float:
    plain = number(text)
    if plain is not None:
        return plain
    exact = sum(
        (Fraction(count) * SECONDS[unit] for count, unit in re.findall(r"([0-9.]+)([a-z]+)", text)),
        Fraction(0),
    )
    return exact if exact.denominator == 1 else Fraction(float(exact))


def quantity(literal: Value) -> Fraction | float | None:
    """What a literal is beside `<` and `>`: a number, seconds or bytes."""
    if literal.quoted:
        return None
    size = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]+)?)([KMGT]?)(i?)B", literal.text)
    if size and (size[2] or not size[3]):
        power = " KMGT".index(size[2] or " ")
        exact = Fraction(size[1]) * Fraction(1024 if size[3] else 1000) ** power
        return exact if exact.denominator == 1 else Fraction(float(exact))
    if re.fullmatch(r"-?([0-9]+(\.[0-9]+)?(ms|[smhdw]))+", literal.text):
        return amount(literal.text.lstrip("-")) * (-1 if literal.text[0] == "-" else 1)
    return number(literal.text)


def equal(value: Any, literal: Value) -> bool:
    if isinstance(value, str):
        return value == literal.text
    if literal.quoted:
        # A field reads a quoted literal by its type; its values are the only bare ones here.
        return False
    if isinstance(value, bool):
        return literal.text == ("true" if value else "false")
    if isinstance(value, int | float):
        wanted = number(literal.text)
        return wanted is not None and Fraction(value) == wanted
    return False


def in_order(op: str, value: Any, literal: Value, as_text: bool) -> bool:
    limit = None if as_text else quantity(literal)
    if limit is None:
        return isinstance(value, str) and ordered(op, value, literal.text)
    if isinstance(value, str):
        spelled = number(value)
        return spelled is not None and ordered(op, spelled, limit)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return ordered(op, Fraction(value), limit)


def ordered(op: str, left: Any, right: Any) -> bool:
    return bool(
        {
            "=": left == right,
            "<": left < right,
            "<=": left <= right,
            ">": left > right,
            ">=": left >= right,
        }[op]
    )


def in_time(op: str, value: int, start: int, end: int) -> bool:
    return {
        "=": start <= value < end,
        "<": value < start,
        "<=": value < end,
        ">": value >= end,
        ">=": value >= start,
    }[op]


def fits(pattern: str, text: str) -> bool:
    """Glob by a table of all pairs (rest of the pattern, rest of the text)."""
    parts: list[str | None] = []  # None is a star, "" any character
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\" and pattern[at + 1 : at + 2] in ("*", "?", "\\"):
            parts.append(pattern[at + 1])
            at += 2
            continue
        parts.append({"*": None, "?": ""}.get(pattern[at], pattern[at]))
        at += 1
    row = [index == len(text) for index in range(len(text) + 1)]
    for part in reversed(parts):
        new = [False] * (len(text) + 1)
        for index in range(len(text), -1, -1):
            if part is None:
                new[index] = row[index] or (index < len(text) and new[index + 1])
            else:
                one = index < len(text) and part in ("", text[index])
                new[index] = one and row[index + 1]
        row = new
    return row[0]


def contained(part: Any, whole: Any) -> bool:
    """PostgreSQL's `whole @> part`."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            any(key == other and contained(value, mine) for other, mine in whole.items())
            for key, value in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(
            any(contained(value, mine) for mine in whole) for value in part
        )
    if isinstance(whole, dict | list):
        return False
    if isinstance(part, bool) or isinstance(whole, bool):
        return isinstance(part, bool) and isinstance(whole, bool) and part == whole
    return bool(part == whole)
