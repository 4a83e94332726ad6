"""Spelling: a filter's nodes written in any way that the grammar allows."""

from __future__ import annotations

from random import Random
from typing import Final

from execmeta.filters.nodes import (
    OPERATORS,
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

PRODUCTIONS: Final = frozenset(
    {
        *("empty", "or", "and", "and side by side", "not", "!", "( )", "@view", "has( )"),
        *("is null", "is not null", "in", "not in", "meta contains", "attr contains"),
        *OPERATORS,
        *("bare", "'text'", '"text"', "metadata=k=v"),
        *("name", "meta.name", "attr.name"),
        *("\\\\", "\\'", '\\"', "\\n", "\\t", "\\uXXXX"),
    }
)
"""Every production of the grammar, by the way it is written."""


class Spelling:
    """Writes nodes in any way that the grammar allows; adds the productions used to `used`."""

    def __init__(self, random: Random, used: set[str]) -> None:
        self.random = random
        self.used = used

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def coin(self) -> bool:
        return self.random.random() < 0.5

    def keyword(self, word: str) -> str:
        return self.pick(word, word.upper(), word.title())

    def space(self) -> str:
        return self.pick(" ", "  ", "\n", "\t ", "\u00a0")

    def filter(self, node: Node) -> str:
        if isinstance(node, Everything):
            self.used.add("empty")
            return self.pick("", " ", "\n")
        return self.node(node, 0)

    def node(self, node: Node, binding: int) -> str:
        """`binding`: 0 inside brackets or an `or`, 1 inside an `and`, 2 behind a `not`."""
        text, own = self._compound(node)
        if own < binding or self.random.random() < 0.1:
            self.used.add("( )")
            return f"({self.pick('', ' ')}{text}{self.pick('', ' ')})"
        return text

    def _compound(self, node: Node) -> tuple[str, int]:
        match node:
            case Or():
                self.used.add("or")
                joiner = f"{self.space()}{self.keyword('or')}{self.space()}"
                return joiner.join(self.node(item, 1) for item in node.items), 0
            case And():
                return self._and([self.node(item, 2) for item in node.items]), 1
            case Not():
                sign = self.pick("not", "!")
                self.used.add(sign)
                before = f"{self.keyword('not')} " if sign == "not" else "!" + self.pick("", " ")
                return before + self.node(node.item, 3 if isinstance(node.item, And) else 2), 2
            case _:
                return self._term(node), 3

    def _and(self, items: list[str]) -> str:
        text = items[0]
        for item in items[1:]:
            if self.coin():
                self.used.add("and")
                text += f"{self.space()}{self.keyword('and')}{self.space()}{item}"
            else:
                self.used.add("and side by side")
                text += self.space() + item
        return text

    def _term(self, node: Node) -> str:
        match node:
            case Comparison():
                return self._comparison(node)
            case In():
                self.used.add("not in" if node.negated else "in")
                word = f"{self.keyword('not')} " if node.negated else ""
                members = self.pick(",", ", ", " ,").join(map(self.value, node.values))
                word += self.keyword("in") + self.pick("", " ")
                return f"{self.name(node.name)} {word}({members})"
            case Has():
                self.used.add("has( )")
                return f"{self.keyword('has')}{self.pick('', ' ')}({self.name(node.name)})"
            case IsNull():
                self.used.add("is not null" if node.negated else "is null")
                word = f"{self.keyword('not')} " if node.negated else ""
                return f"{self.name(node.name)} {self.keyword('is')} {word}{self.keyword('null')}"
            case ContainsJson():
                self.used.add(f"{node.space} contains")
                return f"{node.space} {self.keyword('contains')} {self.quoted(node.document)}"
            case ViewRef():
                self.used.add("@view")
                return f"@{node.name}"
            case _:
                raise AssertionError(node)

    def _comparison(self, node: Comparison) -> str:
        self.used.add(node.op)
        forced = node.name.startswith("meta.")
        if forced and node.op == "=" and self.coin():
            self.used.add("metadata=k=v")
            return f"metadata={node.name[5:]}={self.value(node.value)}"
        gap = self.pick("", " ")
        return f"{self.name(node.name)}{gap}{node.op}{gap}{self.value(node.value)}"

    def name(self, name: str) -> str:
        first = name.split(".")[0]
        self.used.add(f"{first}.name" if first in ("meta", "attr") else "name")
        return name

    def value(self, value: Value) -> str:
        if value.quoted:
            return self.quoted(value.text)
        self.used.add("bare")
        return value.text

    def quoted(self, text: str) -> str:
        quote = self.pick("'", '"')
        self.used.add(f"{quote}text{quote}")
        return quote + "".join(self._char(char, quote) for char in text) + quote

    def _char(self, char: str, quote: str) -> str:
        named = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\t": "\\t"}.get(char)
        if named and (char in ("\\", quote) or self.coin()):
            self.used.add(named)
            return named
        if char.isascii() and char.isprintable():
            return char
        if self.coin():
            self.used.add("\\uXXXX")
            units = char.encode("utf-16-be").hex()
            return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        return char
