"""Printing and parsing again gives the same filter, however it was spelled."""

from __future__ import annotations

from random import Random

import pytest
from conformance.spelling import PRODUCTIONS, Spelling
from conformance.strategies import filters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execmeta.filters.nodes import Comparison, In, Node, Value
from execmeta.filters.parser import parse
from execmeta.filters.printer import quoted, to_text

SEEDS = st.integers(0, 2**32)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(filters())
def test_printing_and_parsing_again_gives_the_same_filter(node: Node) -> None:
    assert parse(to_text(node)) == node


@given(ANY_TEXT)
def test_any_text_survives_quotes(text: str) -> None:
    node = In("k", (Value(text, quoted=True), Value(text, quoted=True)))

    assert parse(to_text(node)) == node
    assert quoted(text).isprintable()


@given(filters(), SEEDS)
def test_a_text_prints_to_one_canonical_form(node: Node, seed: int) -> None:
    text = Spelling(Random(seed), set()).filter(node)

    assert to_text(parse(text)) == to_text(node)


def test_every_spelling_parses_to_its_nodes_and_every_production_is_drawn() -> None:
    used: set[str] = set()

    # Derandomised: the same run everywhere, so that a production is never missed by bad luck.
    @settings(
        max_examples=1000,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(filters(), SEEDS)
    def run(node: Node, seed: int) -> None:
        assert parse(Spelling(Random(seed), used).filter(node)) == node

    run()

    assert used == PRODUCTIONS


def test_a_printer_that_forgets_brackets_is_caught() -> None:
    def wrong(node: Node) -> str:
        return to_text(node).replace("(", " ").replace(")", " ")

    node = parse("(a=1 or b=2) c=3")

    assert parse(wrong(node)) != node


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        ("a=1 B=2", "a=1 and B=2"),
        ("a=1 OR (b=2 AND c=3)", "a=1 or b=2 and c=3"),
        ("(a=1 or b=2) c=3", "(a=1 or b=2) and c=3"),
        ("((a=1 b=2) c=3)", "a=1 and b=2 and c=3"),
        ("!(a=1)", "not a=1"),
        ("!(a=1 b=2)", "not (a=1 and b=2)"),
        ("not not a=1", "not not a=1"),
        ("A  IN ( 1 ,'x' )", 'A in (1, "x")'),
        ("a Not In (1)", "a not in (1)"),
        ("a IS Not NULL", "a is not null"),
        ("HAS( a )", "has(a)"),
        ("a = 'x'", 'a="x"'),
        ("""a = 'say "hi"'""", """a='say "hi"'"""),
        ("""a = 'it\\'s "x"'""", '''a="it's \\"x\\""'''),
        ("a='\\u0007\\ud83d\\ude80'", 'a="\\u0007\U0001f680"'),
        ("metadata=in=x", "meta.in=x"),
        ("""meta contains '{"b": 1.0, "a": [ ]}'""", """meta contains '{"a":[],"b":1.0}'"""),
        ("cafe\u0301=1", "caf\u00e9=1"),
        ("@nightly a=1", "@nightly and a=1"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    assert to_text(parse(text)) == canonical


def test_where_a_node_stood_does_not_count() -> None:
    first, second = parse("a=1"), parse("   a =  1")

    assert isinstance(first, Comparison) and isinstance(second, Comparison)
    assert (first.column, first.value.column) == (1, 3)
    assert (second.column, second.value.column) == (4, 9)
    assert first == second and hash(first) == hash(second)
