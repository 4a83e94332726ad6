"""Fields: documented by examples that work, and closed to plug-ins that would change a name."""

from __future__ import annotations

import pytest

from execmeta.errors import FilterError
from execmeta.filters.binder import bind_query
from execmeta.filters.bound import Compare, Exact, OneOf, Path
from execmeta.filters.fields import FIELDS, Catalogue, Field, near_misses
from execmeta.filters.parser import parse
from execmeta.filters.targets.predicate import FIELD_VALUES
from execmeta.filters.terms import Resolver
from execmeta.model.attributes import ATTRIBUTE_NAMESPACES
from execmeta.model.ids import ExecutionId

COLOUR = Field("acme.colour", "text", "Colour of the build.", "acme.colour=red", ("acme.color",))
WEIGHT = Field("acme.weight", "number", "Weight in tons.", "acme.weight>3")


def resolver(ref: str) -> ExecutionId:
    return ExecutionId(f"01900000-0000-7000-8000-{ref}")


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_has_an_example_that_works(field: Field) -> None:
    known: Resolver = resolver

    query = bind_query(field.example, resolver=known)

    assert query.text
    assert field.name in field.example
    assert field.description.endswith(".")


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_has_a_value_in_the_predicate(field: Field) -> None:
    assert field.name in FIELD_VALUES or field.name in ("under", "iterator.item")


def test_a_plug_in_adds_dotted_names_that_are_attributes() -> None:
    fields = (COLOUR, WEIGHT)

    assert bind_query("acme.colour=red", fields=fields).filter == OneOf(
        Path("attr", "acme.colour"), (Exact("red"),)
    )
    assert bind_query("acme.color>5", fields=fields).filter == Compare(
        Path("attr", "acme.colour"), ">", "5"
    )
    assert bind_query("acme.weight>3.5", fields=fields).filter == Compare(
        Path("attr", "acme.weight"), ">", 3.5
    )
    assert bind_query("acme.other=1", fields=fields).filter == OneOf(
        Path("attr", "acme.other"), (Exact("1", 1),)
    )
    assert bind_query("acme.colour=red").filter == OneOf(
        Path("meta", "acme.colour"), (Exact("red"),)
    )


@pytest.mark.parametrize("text", ["acme.weight=heavy", "acme.weight~=5*", "acme.weight>x"])
def test_a_plug_ins_field_checks_its_literals(text: str) -> None:
    with pytest.raises(FilterError):
        bind_query(text, fields=[WEIGHT])


@pytest.mark.parametrize(
    "field",
    [
        Field("colour", "text", "Bare.", ""),
        Field("status", "text", "A field of execmeta.", ""),
        Field("acme.colour", "text", "A bare alias.", "", ("colour",)),
        Field("iterator.colour", "text", "Another first part.", ""),
        Field("error.type", "text", "A field of execmeta.", ""),
        Field("meta.colour", "text", "A forced space.", ""),
        Field("metadata.colour", "text", "A misnamed space.", ""),
        Field("acme.", "text", "No name.", ""),
        Field("acme.at", "time", "A type that only execmeta has.", ""),
    ],
    ids=lambda field: f"{field.name} {field.type}",
)
def test_a_plug_in_cannot_change_what_other_names_mean(field: Field) -> None:
    with pytest.raises(ValueError, match="the filter field"):
        Catalogue([field])


def test_two_plug_ins_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="another plug-in"):
        Catalogue([COLOUR, COLOUR])


def test_namespaces_are_one_table() -> None:
    assert set(ATTRIBUTE_NAMESPACES) == {
        *("git", "ci", "host", "airflow", "pytest", "otel", "process")
    }
    assert bind_query("ci=x cid.x=1").filter == bind_query("meta.ci=x meta.cid.x=1").filter


def test_near_misses_are_sorted_by_likeness_and_leave_the_name_out() -> None:
    assert near_misses("priorty", ["priority", "project", "prior", "env"])[0] == "priority"
    assert near_misses("env", ["env", "environment"]) == []
    assert near_misses("statsu", [field.name for field in FIELDS]) == ["status"]


def test_parse_knows_no_fields() -> None:
    assert parse("status=anything") is not None
