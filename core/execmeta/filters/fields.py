"""Fields: the names that mean a part of an execution, with type, operators and an example."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from execmeta.filters.bound import Path
from execmeta.filters.names import MISNAMED, SPACES, fault_in, split_space
from execmeta.filters.nodes import OPERATORS, Operator
from execmeta.model.attributes import ATTRIBUTE_NAMESPACES
from execmeta.model.execution import STATUSES

FieldType = Literal["text", "number", "time", "duration", "place", "json"]

_EQUALITY: Final[tuple[Operator, ...]] = ("=", "!=")
_ORDER: Final[tuple[Operator, ...]] = (*_EQUALITY, "<", "<=", ">", ">=")
_TEXTUAL: Final[tuple[Operator, ...]] = (*_EQUALITY, "~=", "!~=")
_BY_TYPE: Final[Mapping[FieldType, tuple[Operator, ...]]] = {
    "text": OPERATORS,
    "number": _ORDER,
    "time": _ORDER,
    "duration": _ORDER,
    "place": _EQUALITY,
    "json": OPERATORS,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A name that a filter takes; plug-ins declare theirs with the same class.

    A plug-in's field is an attribute: its name is dotted, begins with the plug-in's own first
    part, and its type is text, number or json.
    """

    name: str
    type: FieldType
    description: str
    example: str
    """A filter that uses it."""
    aliases: tuple[str, ...] = ()
    operators: tuple[Operator, ...] = ()
    """All that its type takes, when empty. `in` is allowed where `=` is."""
    required: bool = False
    """Every execution has it."""
    choices: tuple[str, ...] = ()
    """All values that it can have; empty for any."""

    @property
    def allowed(self) -> tuple[Operator, ...]:
        """The operators that it takes."""
        return self.operators or _BY_TYPE[self.type]


FIELDS: Final = (
    Field("id", "place", "The execution itself.", "id=0123456789ab", required=True),
    Field("parent", "place", "What started it.", "parent=0123456789ab", ("parent_id",)),
    Field(
        "root",
        "place",
        "The top of its tree; the top is its own root.",
        "root=0123456789ab",
        ("root_id",),
        required=True,
    ),
    Field(
        "under",
        "place",
        "An execution and everything below it.",
        "under=0123456789ab status=failed",
        required=True,
    ),
    Field("depth", "number", "Number of ancestors.", "depth=0", required=True),
    Field("name", "text", "What was run.", "name~=train*", required=True),
    Field(
        "kind",
        "text",
        "session, test, dag_run, task, command, function, span, or a plug-in's own.",
        "kind=test",
        operators=_TEXTUAL,
        required=True,
    ),
    Field(
        "status",
        "text",
        f"One of {', '.join(STATUSES)}.",
        "status in (failed, lost)",
        operators=_TEXTUAL,
        required=True,
        choices=STATUSES,
    ),
    Field("started", "time", "When it started.", "started>now-7d", ("started_at",), required=True),
    Field("ended", "time", "When it ended.", "ended=today", ("ended_at",)),
    Field(
        "duration",
        "duration",
        "How long it took; missing while it runs.",
        "duration>1h30m",
        ("duration_s",),
    ),
    Field("attempt", "number", "Which try it is, from 1.", "attempt>1", required=True),
    Field(
        "external_id",
        "text",
        "What another system calls it.",
        "external_id~=manual__*",
        operators=_TEXTUAL,
    ),
    Field(
        "trace_id",
        "text",
        "Its OpenTelemetry trace, 32 hex digits.",
        "has(trace_id)",
        operators=_TEXTUAL,
    ),
    Field(
        "span_id",
        "text",
        "Its OpenTelemetry span, 16 hex digits.",
        "span_id=00f067aa0ba902b7",
        operators=_TEXTUAL,
    ),
    Field("iterator.index", "number", "Place in its loop, from 0.", "iterator.index=7"),
    Field("iterator.count", "number", "Length of its loop.", "iterator.count>100"),
    Field(
        "iterator.item",
        "json",
        "The loop's item; a dotted name behind it goes into JSON.",
        "iterator.item.name=ada",
    ),
    Field("error.type", "text", "Class of its error.", "error.type=TimeoutError"),
    Field("error.message", "text", "What its error says.", "error.message~=*refused*"),
    Field("error.where", "text", "File and line of its error.", "error.where~=*train.py*"),
)
_ITEM: Final = "iterator.item."


class Target(NamedTuple):
    """What a name means: where the value is, and the field that says its type, if one does."""

    path: Path
    field: Field | None = None


class Catalogue:
    """What every name means: the fields of execmeta, those of plug-ins, attributes, keys."""

    def __init__(self, extra: Sequence[Field] = ()) -> None:
        """Raises ValueError for a plug-in's field that could change what other names mean."""
        self._targets = {
            name: Target(_field_path(field), field)
            for field in FIELDS
            for name in (field.name, *field.aliases)
        }
        self._namespaces = set(ATTRIBUTE_NAMESPACES)
        for field in extra:
            for name in (field.name, *field.aliases):
                self._check(field, name)
                self._targets[name] = Target(Path("attr", field.name), field)
            self._namespaces.add(field.name.partition(".")[0])

    def _check(self, field: Field, name: str) -> None:
        first, dot, _ = name.partition(".")
        if not dot or fault_in(name) is not None:
            raise ValueError(f"the filter field {name!r} is no dotted name")
        if first in (*SPACES, *MISNAMED, "iterator", "error") or name in self._targets:
            raise ValueError(f"the filter field {name!r} belongs to execmeta or another plug-in")
        if field.type not in ("text", "number", "json"):
            raise ValueError(
                f"the filter field {name!r} has type {field.type!r}; expected text, number or json"
            )

    def resolve(self, name: str) -> Target:
        """What a name means: a field, else an attribute, else a metadata key.

        >>> Catalogue().resolve("started_at").path, Catalogue().resolve("git.sha").path
        (Path(space='field', key='started'), Path(space='attr', key='git.sha'))
        >>> Catalogue().resolve("meta.name").path, Catalogue().resolve("iterator.item.id").path
        (Path(space='meta', key='name'), Path(space='item', key='id'))
        """
        target = self._targets.get(name)
        if target is not None:
            return target
        space, key = split_space(name)
        if space is not None:
            return Target(Path(space, key))
        if name.startswith(_ITEM):
            return Target(Path("item", name[len(_ITEM) :]))
        first, dot, _ = name.partition(".")
        return Target(Path("attr" if dot and first in self._namespaces else "meta", name))


def _field_path(field: Field) -> Path:
    return Path("item", "") if field.name == "iterator.item" else Path("field", field.name)


@lru_cache(maxsize=8)
def catalogue(extra: tuple[Field, ...] = ()) -> Catalogue:
    """The catalogue with these plug-in fields; built once."""
    return Catalogue(extra)


def near_misses(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the known names that `name` may be a slip of, nearest first.

    >>> near_misses("projcet", ["project", "priority", "env"])
    ['project']
    """
    others = {other: None for other in known if other != name}
    return difflib.get_close_matches(name, others, n=3, cutoff=0.7)
