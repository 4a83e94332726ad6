"""Printer: nodes to canonical text, what cursors are bound to and what views keep."""

from __future__ import annotations

import re
from typing import Final, assert_never

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

_NEEDS_ESCAPE: Final = re.compile(r"[\\\n\t]")
_NAMED: Final = {"\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def to_text(node: Node) -> str:
    r"""The canonical text of a filter: `parse(to_text(node)) == node`.

    Brackets where they are needed, `and` spelled out, keywords in lower case, one space between
    words, double quotes where the text has none itself.

    >>> from execmeta.filters.parser import parse
    >>> to_text(parse("(a=1 B=2) or !(c~='x y' || 1)".replace("||", "or d=")))
    'a=1 and B=2 or not (c~="x y" or d=1)'
    """
    match node:
        case Everything():
            return ""
        case And():
            return " and ".join(_inside(item, (Or,)) for item in node.items)
        case Or():
            return " or ".join(to_text(item) for item in node.items)
        case Not():
            return f"not {_inside(node.item, (And, Or))}"
        case Comparison():
            return f"{node.name}{node.op}{_value(node.value)}"
        case In():
            members = ", ".join(_value(value) for value in node.values)
            return f"{node.name} {'not ' if node.negated else ''}in ({members})"
        case Has():
            return f"has({node.name})"
        case IsNull():
            return f"{node.name} is {'not ' if node.negated else ''}null"
        case ContainsJson():
            return f"{node.space} contains {quoted(node.document)}"
        case ViewRef():
            return f"@{node.name}"
        case _:
            assert_never(node)


def _inside(node: Node, needing: tuple[type, ...]) -> str:
    return f"({to_text(node)})" if isinstance(node, needing) else to_text(node)


def _value(value: Value) -> str:
    return quoted(value.text) if value.quoted else value.text


def quoted(text: str) -> str:
    r"""`text` as a quoted value.

    >>> print(quoted("it's"), quoted('say "hi"'), quoted("a\\b\n"))
    "it's" 'say "hi"' "a\\b\n"
    """
    quote = "'" if '"' in text and "'" not in text else '"'
    if text.isprintable():
        return f"{quote}{_escaped(text, quote)}{quote}"
    return f"{quote}{''.join(_printable(char, quote) for char in text)}{quote}"


def _escaped(text: str, quote: str) -> str:
    return _NEEDS_ESCAPE.sub(lambda found: _NAMED[found.group()], text).replace(quote, f"\\{quote}")


def _printable(char: str, quote: str) -> str:
    if char.isprintable() or char in "\n\t":
        return _escaped(char, quote)
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
