"""Pairs: `-m k=v`, `-m 'priority>=5'`, `--has-metadata k` as filters on metadata keys.

A pair has no quotes of its own: what follows the operator is the value, whole, and is read as
an unquoted literal. A JSON object in the place of a pair is what metadata must contain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, cast

from execmeta.errors import FilterError
from execmeta.filters import mixups
from execmeta.filters.caps import check_text
from execmeta.filters.characters import UNSTORABLE, is_bare
from execmeta.filters.documents import read_document
from execmeta.filters.names import fault_in, normalised
from execmeta.filters.nodes import (
    Comparison,
    ContainsJson,
    Has,
    Node,
    Operator,
    Value,
    conjunction,
)
from execmeta.filters.wording import shown
from execmeta.model.json_text import canonical_json

_PAIR: Final = re.compile(r"([^=<>!~]*)(!~=|!=|~=|>=|<=|>|<|=)(.*)", re.DOTALL)


def from_pairs(pairs: Sequence[str], has: Sequence[str] = ()) -> Node:
    """All pairs and keys, ANDed; `Everything` when there is none.

    Raises FilterError, its text and column those of the wrong pair.

    >>> from execmeta.filters.printer import to_text
    >>> to_text(from_pairs(["project~=ml-*", "priority>=5", "note=a b=c"], ["owner"]))
    'meta.project~=ml-* and meta.priority>=5 and meta.note="a b=c" and has(meta.owner)'
    """
    return conjunction([*map(parse_pair, pairs), *map(parse_key, has)])


def parse_pair(pair: str) -> Node:
    """One pair; the operator is the first of `!= !~= ~= >= <= > < =` behind the key."""
    check_text(pair)
    if pair.lstrip().startswith("{"):
        return _document(pair)
    found = _PAIR.fullmatch(pair)
    if found is None:
        raise FilterError(
            f"found {shown(pair)}; expected key=value.",
            text=pair,
            column=len(pair) + 1,
            hint=mixups.colon(pair) or "--has-metadata finds a key with any value.",
        )
    key, op, value = found.groups()
    _check_key(pair, key)
    column = found.start(3) + 1
    unstorable = UNSTORABLE.search(value)
    if unstorable is not None:
        raise FilterError(
            f"found U+{ord(unstorable.group()):04X}; expected characters that a stored text can "
            "have.",
            text=pair,
            column=column + unstorable.start(),
        )
    if value.lower() == "null" or (value == "" and op in ("<", "<=", ">", ">=")):
        name = f"meta.{key}"
        raise FilterError(
            f"found {shown(value)}; expected a value after {shown(op)}.",
            text=pair,
            column=column,
            hint=f'Write the filter {name} is null, or {name}="{value}" for that text.'
            if value
            else None,
        )
    literal = Value(value, quoted=not is_bare(value), column=column)
    return Comparison(f"meta.{normalised(key)}", cast(Operator, op), literal)


def parse_key(key: str) -> Has:
    """One key of `--has-metadata`."""
    check_text(key)
    _check_key(key, key)
    return Has(f"meta.{normalised(key)}")


def _check_key(text: str, key: str) -> None:
    fault = fault_in(key, key=True)
    if fault is None:
        return
    found = shown(key[fault : fault + 1]) if fault < len(key) else "no key"
    raise FilterError(
        f"found {found} in {shown(text)}; expected a key: "
        "a letter, digit or _, then letters, digits and _ . - / : @",
        text=text,
        column=fault + 1,
        hint=f"Write {key.strip()} without spaces around it."
        if key != key.strip() and fault_in(key.strip(), key=True) is None
        else None,
    )


def _document(text: str) -> ContainsJson:
    try:
        return ContainsJson("meta", canonical_json(read_document(text)))
    except ValueError as exc:
        raise FilterError(str(exc), text=text) from None
