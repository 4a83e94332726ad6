"""Spellings of other languages, and what they are called here; the hints of filter errors."""

from __future__ import annotations

import re
from typing import Final

from execmeta.filters.characters import FIRST_WORD, is_bare
from execmeta.filters.names import MISNAMED, SPACES, fault_in
from execmeta.filters.nodes import OPERATORS
from execmeta.filters.printer import quoted

_OPERATORS: Final = {
    "==": "=",
    "===": "=",
    "<>": "!=",
    "!==": "!=",
    "=!": "!=",
    "=<": "<=",
    "=>": ">=",
    "~": "~=",
    "=~": "~=",
    "~~": "~=",
    "!~": "!~=",
    "!=~": "!~=",
}
_GLOB: Final = " (a glob with * and ?; there are no regular expressions)"

_WORDS: Final = {
    "eq": "{name}={value}",
    "equals": "{name}={value}",
    "is": "{name}={value}",
    "ne": "{name}!={value}",
    "gt": "{name}>{value}",
    "gte": "{name}>={value}",
    "ge": "{name}>={value}",
    "lt": "{name}<{value}",
    "lte": "{name}<={value}",
    "le": "{name}<={value}",
    "between": "{name}>={value} {name}<=...",
    "like": "{name}~={glob}",
    "ilike": "{name}~={glob}",
    "rlike": "{name}~={glob}",
    "glob": "{name}~={glob}",
    "matches": "{name}~={glob}",
    "contains": "{name}~=*{value}*",
    "startswith": "{name}~={value}*",
    "starts_with": "{name}~={value}*",
    "endswith": "{name}~=*{value}",
    "ends_with": "{name}~=*{value}",
    "exists": "has({name})",
    "isnull": "{name} is null",
    "notnull": "{name} is not null",
}
_JOINERS: Final = {"&&": "and", "&": "and", "||": "or", "|": "or"}
_JOINED: Final = re.compile(r"&&|\|\|")
_MAX_VALUE: Final = 60


def as_value(text: str) -> str:
    """`text` as a filter would spell it: bare when it can be; cut at 60 characters.

    >>> as_value("ml"), as_value("a b")
    ('ml', '"a b"')
    """
    if len(text) > _MAX_VALUE:
        text = f"{text[:_MAX_VALUE]}..."
    return text if is_bare(text) and text.isprintable() else quoted(text)


def operator(name: str, found: str, rest: str) -> str | None:
    """The hint for an operator that this language does not have; `rest` is the text behind it."""
    name = name or "name"
    right = _OPERATORS.get(found)
    if right is None:
        # `~=!x`: an operator that runs into its value.
        start = max((op for op in OPERATORS if found.startswith(op)), key=len, default=None)
        if start is None:
            return None
        value = found[len(start) :] + (_first_word(rest) or "")
        return f"Quote a value that begins with {value[0]}: {name}{start}{as_value(value)}"
    value = _first_word(rest) or '"..."'
    return f"Write {name}{right}{value}{_GLOB if '~' in right else ''}"


def _first_word(text: str) -> str | None:
    found = FIRST_WORD.match(text.lstrip())
    return found.group() if found else None


def after_name(name: str, word: str, value: str | None) -> str | None:
    """The hint for `word` where an operator should follow `name`; `value` is what follows it."""
    pattern = _WORDS.get(word.lower())
    if pattern is not None:
        shown_value = as_value(value) if value is not None else "..."
        glob = as_value((value or "ml-*").replace("%", "*"))
        return f"Write {pattern.format(name=name, value=shown_value, glob=glob)}"
    if word in _JOINERS:
        return f"Write {_JOINERS[word]} instead of {word}"
    return colon(name)


def after_not(name: str, found: str) -> str | None:
    """The hint for `name not FOUND`, where only `in` can follow."""
    if found in ("=", "~="):
        return f"Write {name}!{found}..."
    if found in OPERATORS:
        return f"Write not {name}{found}..."
    pattern = _WORDS.get(found.lower(), "")
    return f"Write {name}!~=..." if "~=" in pattern else None


def colon(word: str) -> str | None:
    """The hint for `key:value`, where a colon stands for an operator."""
    key, found, value = word.partition(":")
    if not found or not key or fault_in(key, key=True) is not None:
        return None
    return f"A colon belongs to the name. Write {key}={as_value(value) if value else '...'}"


def after_value(before: str, value: str, found: str, rest: str) -> str:
    """The hint for an operator, a bracket or a quote that runs into `value`; `before` is the
    name with its operator, `rest` the text behind what was found."""
    joined = _JOINED.search(value)
    if joined is not None:
        left, right = value[: joined.start()], value[joined.end() :]
        return f"Write {before}{left} {_JOINERS[joined.group()]} {right}{found}..."
    whole = value + found + (_first_word(rest) or "")
    return f"Quote a value that has {found} in it: {before}{as_value(whole)}"


def is_joiner(word: str) -> bool:
    """Whether `word` is `&&` or another sign for `and` or `or`."""
    return word in _JOINERS


def name(word: str) -> str | None:
    """The hint for a word that cannot be a name."""
    if word in _JOINERS:
        return f"Write {_JOINERS[word]} instead of {word}"
    if word.startswith("-") and fault_in(word[1:]) is None:
        return f"Write not {word[1:]}..."
    if word[0] in "+-":
        return "Write a moment such as now-7d without spaces."
    return (
        colon(word)
        or space_alone(word)
        or (f"Write meta.{word}" if fault_in(word, key=True) is None else None)
    )


def space_alone(word: str) -> str | None:
    """The hint for `metadata`, `meta` or `attr` where a key should follow, and for
    `metadata.key`."""
    first, _, key = word.partition(".")
    if word == first and first in (*SPACES, *MISNAMED):
        space = MISNAMED.get(first, first)
        return f"Write {space}.KEY, or meta.{first} for the key {first!r}"
    if first in MISNAMED and fault_in(key, key=True) is None:
        return f"Write {MISNAMED[first]}.{key}, or meta.{word} for the key {word!r}"
    return None
