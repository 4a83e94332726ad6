"""Terms: one comparison bound to a path, with its literals read by the type of what it names.

On a field the type decides how a literal is read, quoted or not. On metadata, attributes and the
iterator's item quotes decide: an unquoted literal is its typed value or its spelling, a quoted
one the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, assert_never, cast

from execmeta.errors import (
    AmbiguousReferenceError,
    ExecutionNotFoundError,
    FilterError,
    InvalidIdError,
)
from execmeta.filters.bound import (
    BoundFilter,
    Compare,
    Constant,
    Contains,
    Exact,
    Glob,
    Has,
    IsNull,
    OneOf,
    Path,
    Place,
    all_of,
    any_of,
    negation,
)
from execmeta.filters.caps import too_complex
from execmeta.filters.documents import read_document
from execmeta.filters.fields import Catalogue, Field, Target, near_misses
from execmeta.filters.glob import has_wildcard, literal_prefix
from execmeta.filters.literals import Interval, interval_of, quantity_of, seconds_of
from execmeta.filters.nodes import Comparison, ContainsJson, In, Term, Value, ViewRef
from execmeta.filters.nodes import Has as HasNode
from execmeta.filters.nodes import IsNull as IsNullNode
from execmeta.filters.wording import listed, shown
from execmeta.model.ids import ExecutionId, parse_id
from execmeta.model.limits import MAX_GLOB_CHARS, MIN_REFERENCE_DIGITS
from execmeta.model.values import number_of

Resolver = Callable[[str], ExecutionId]
"""`Store.resolve`: the id that an ending means."""
_Order = Literal["<", "<=", ">", ">="]

_ENDING: Final = re.compile(rf"[0-9a-fA-F]{{{MIN_REFERENCE_DIGITS},31}}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What binding needs beside the term itself."""

    text: str
    """The filter that the columns count in."""
    now_us: int
    resolver: Resolver | None
    catalogue: Catalogue

    def refuse(
        self, value: Value, message: str, *, code: str = "invalid_value", hint: str | None = None
    ) -> NoReturn:
        """Raise FilterError at a literal; `message` goes behind the literal."""
        raise FilterError(
            f"found {shown(value.text)}, {message}.",
            text=self.text,
            column=value.column,
            code=code,
            hint=hint,
        )


def bind_term(term: Term, around: Surroundings) -> BoundFilter:
    """The bound form of one comparison. Raises FilterError at the literal that does not fit."""
    if isinstance(term, ContainsJson):
        return Contains(term.space, read_document(term.document))
    if isinstance(term, ViewRef):
        raise AssertionError("views are replaced before terms are bound")
    target = _target(term, around)
    required = target.field is not None and target.field.required
    match term:
        case HasNode():
            return Constant(True) if required else Has(target.path)
        case IsNullNode():
            missing = Constant(False) if required else IsNull(target.path)
            return negation(missing) if term.negated else missing
        case In():
            _check_operator(term, "=", f"{'not ' if term.negated else ''}in", target, around)
            found = _equal(target, term.values, around)
            return _present_but_not(target, found) if term.negated else found
        case Comparison():
            _check_operator(term, term.op, term.op, target, around)
            return _comparison(term, target, around)
        case _:
            assert_never(term)


def _target(term: Comparison | In | HasNode | IsNullNode, around: Surroundings) -> Target:
    if term.name == "tenant":
        raise FilterError(
            "found the field 'tenant', which no filter takes: it comes from the credential.",
            text=around.text,
            column=term.column,
            code="tenant_not_filterable",
            hint="Write meta.tenant for the metadata key 'tenant'",
        )
    return around.catalogue.resolve(term.name)


def _check_operator(
    term: Comparison | In, op: str, spelled: str, target: Target, around: Surroundings
) -> None:
    field = target.field
    if field is None or op in field.allowed:
        return
    hint = None
    if op in ("<", "<=", ">", ">=", "~=", "!~=") and target.path.space == "field":
        hint = f"Write meta.{term.name} for the metadata key {term.name!r}"
    raise FilterError(
        f"found {shown(spelled)} after {term.name}, a field of type {field.type}; "
        f"expected {listed(field.allowed)}.",
        text=around.text,
        column=term.column,
        hint=hint,
    )


def _comparison(term: Comparison, target: Target, around: Surroundings) -> BoundFilter:
    match term.op:
        case "=":
            return _equal(target, (term.value,), around)
        case "!=":
            return _present_but_not(target, _equal(target, (term.value,), around))
        case "~=":
            return _glob(target, term.value, around)
        case "!~=":
            return _present_but_not(target, _glob(target, term.value, around))
        case "<" | "<=" | ">" | ">=":
            return _order(target, term.op, term.value, around)
        case _:
            assert_never(term.op)


def _present_but_not(target: Target, found: BoundFilter) -> BoundFilter:
    """`k != v` is exactly `has(k) and not k = v`."""
    if target.field is not None and target.field.required:
        return negation(found)
    return all_of((Has(target.path), negation(found)))


def _equal(target: Target, values: tuple[Value, ...], around: Surroundings) -> BoundFilter:
    path, field = target
    if field is not None and field.type == "place":
        return any_of(_place(field, value, around) for value in values)
    if field is not None and field.type == "time":
        return any_of(_within(path, _interval(value, around)) for value in values)
    literals = [_exact(path, field, value, around) for value in values]
    return OneOf(path, tuple(dict.fromkeys(literals)))


def _exact(path: Path, field: Field | None, value: Value, around: Surroundings) -> Exact:
    if field is not None:
        if field.choices and value.text not in field.choices:
            _refuse_choice(field, value, around)
        if field.type == "duration":
            return Exact(number=_seconds(value, around))
        if field.type == "number":
            number = _number(field, value, around)
            return Exact(number=number) if path.space == "field" else exact_of(value)
        if path.space == "field":
            return Exact(text=value.text)
    return exact_of(value)


def exact_of(value: Value) -> Exact:
    """What a literal equals in metadata.

    >>> exact_of(Value("5.0")), exact_of(Value("true", quoted=True))
    (Exact(text='5.0', number=5, boolean=None), Exact(text='true', number=None, boolean=None))
    """
    if value.quoted:
        return Exact(text=value.text)
    boolean = {"true": True, "false": False}.get(value.text)
    return Exact(text=value.text, number=number_of(value.text), boolean=boolean)


def _order(target: Target, op: _Order, value: Value, around: Surroundings) -> BoundFilter:
    path, field = target
    if field is not None:
        match field.type:
            case "time":
                return _beside(path, op, _interval(value, around))
            case "duration":
                return Compare(path, op, _seconds(value, around))
            case "number":
                return Compare(path, op, _number(field, value, around))
            case "text":
                return Compare(path, op, value.text)
    quantity = None if value.quoted else quantity_of(value.text)
    return Compare(path, op, value.text if quantity is None else quantity)


def _glob(target: Target, value: Value, around: Surroundings) -> BoundFilter:
    if len(value.text) > MAX_GLOB_CHARS:
        too_complex(
            f"found a glob of {len(value.text)} characters; expected at most {MAX_GLOB_CHARS}.",
            text=around.text,
            column=value.column,
        )
    if has_wildcard(value.text):
        return Glob(target.path, value.text)
    # Without a wildcard it is an equality of strings, which every index answers at once.
    return OneOf(target.path, (Exact(text=literal_prefix(value.text)),))


def _within(path: Path, interval: Interval) -> BoundFilter:
    return all_of((Compare(path, ">=", interval.start), Compare(path, "<", interval.end)))


def _beside(path: Path, op: _Order, interval: Interval) -> BoundFilter:
    """`<` is before the interval, `>` after its end."""
    match op:
        case "<":
            return Compare(path, "<", interval.start)
        case "<=":
            return Compare(path, "<", interval.end)
        case ">":
            return Compare(path, ">=", interval.end)
        case ">=":
            return Compare(path, ">=", interval.start)
        case _:
            assert_never(op)


def _interval(value: Value, around: Surroundings) -> Interval:
    try:
        return interval_of(value.text, around.now_us)
    except ValueError as exc:
        around.refuse(value, str(exc))


def _seconds(value: Value, around: Surroundings) -> int | float:
    try:
        return seconds_of(value.text)
    except ValueError as exc:
        around.refuse(value, str(exc))


def _number(field: Field, value: Value, around: Surroundings) -> int | float:
    number = number_of(value.text)
    if number is None:
        around.refuse(value, f"no number; expected one such as in {field.example}")
    return number


def _refuse_choice(field: Field, value: Value, around: Surroundings) -> NoReturn:
    near = near_misses(value.text.lower(), field.choices) or (
        [value.text.lower()] if value.text.lower() in field.choices else []
    )
    around.refuse(
        value,
        f"no {field.name}; expected {listed(field.choices)}",
        hint=f"Did you mean {listed(near)}?" if near else None,
    )


def _place(field: Field, value: Value, around: Surroundings) -> Place:
    relation = cast(Literal["id", "parent", "root", "under"], field.name)
    try:
        return Place(relation, parse_id(value.text))
    except InvalidIdError:
        pass
    if not _ENDING.fullmatch(value.text):
        around.refuse(
            value,
            "no execution id; expected a full one or its last "
            f"{MIN_REFERENCE_DIGITS} or more hex digits",
        )
    if around.resolver is None:
        around.refuse(value, "the ending of an execution id; expected a full one here")
    try:
        return Place(relation, around.resolver(value.text.lower()))
    except ExecutionNotFoundError:
        return Place(relation, None)
    except AmbiguousReferenceError as exc:
        around.refuse(
            value,
            "which several execution ids end in",
            code=exc.code,
            hint=f"One of {listed(exc.candidates)}",
        )
