"""Metadata filter: pairs of metadata as the filter text that finds their executions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from execmeta.filters.characters import is_bare
from execmeta.filters.nodes import Comparison, ContainsJson, IsNull, Node, Value, conjunction
from execmeta.filters.pairs import parse_pair
from execmeta.filters.printer import to_text
from execmeta.model.execution import Json
from execmeta.model.json_text import canonical_json
from execmeta.model.metadata import check_key


def build_metadata_filter(pairs: Mapping[str, Json] | Iterable[str]) -> str | None:
    """The canonical text of a filter that asks for all pairs; None when there is none.

    Args:
        pairs: a map, or texts such as `env=prod`, `priority>=5` and `project~=ml-*`. A key always
            means metadata, whatever field has its name.

    Raises:
        FilterError: a text that is no pair, with the column.
        MetadataError: a key of the map that no execution can have.

    >>> build_metadata_filter(["env=prod", "status=a b"])
    'meta.env=prod and meta.status="a b"'
    >>> build_metadata_filter({"priority": 5, "owner": None, "customer": {"id": 7}})
    'meta.priority=5 and meta.owner is null and meta contains \\'{"customer":{"id":7}}\\''
    >>> build_metadata_filter([]) is None
    True
    """
    if isinstance(pairs, Mapping):
        nodes = [_node(check_key(key, reserved=()), value) for key, value in pairs.items()]
    else:
        nodes = [parse_pair(pair) for pair in pairs]
    return to_text(conjunction(nodes)) or None


def _node(key: str, value: Json) -> Node:
    name = f"meta.{key}"
    if value is None:
        return IsNull(name, negated=False)
    if isinstance(value, list | dict):
        return ContainsJson("meta", canonical_json({key: value}))
    if not isinstance(value, str):
        return Comparison(name, "=", Value(canonical_json(value)))
    # Unquoted where it can be, as in a pair: what was typed as `priority=5` finds the number too.
    bare = is_bare(value) and value.lower() != "null"
    return Comparison(name, "=", Value(value, quoted=not bare))
