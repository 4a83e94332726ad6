"""What is wrong in a filter is said with its column, what was found, and the right spelling."""

from __future__ import annotations

import pytest

from execmeta.errors import FilterError
from execmeta.filters.binder import bind_query
from execmeta.filters.parser import parse

NO_HINT = None

# text, column, part of the message, part of the hint
MISTAKES = [
    ("priority>=", 11, "found the end of the filter; expected a value after '>='", NO_HINT),
    ("env=", 5, "expected a value after '='", 'env=""'),
    ("env= ) x", 6, "found ')'; expected a value", 'env=""'),
    ("env", 4, "expected an operator after 'env'", NO_HINT),
    ("a=1 or", 7, "expected a comparison such as env=prod", NO_HINT),
    ("and a=1", 1, "found 'and'; expected a name", NO_HINT),
    ("=5", 1, "found '='; expected a comparison", NO_HINT),
    ("(a=1", 5, "found the end of the filter; expected ')'", NO_HINT),
    ("a=1)", 4, "found ')'", "no open bracket"),
    # other languages
    ("a==1", 2, "found '=='; expected one of the operators = !=", "Write a=1"),
    ("a=~ml-*", 2, "found '=~'", "Write a~=ml-* (a glob"),
    ("name=~(a+)+$", 5, "found '=~'", "there are no regular expressions"),
    ("a!~b", 2, "found '!~'", "Write a!~=b"),
    ("a~b", 2, "found '~'", "Write a~=b"),
    ("a<>1", 2, "found '<>'", "Write a!=1"),
    ("a=<1", 2, "found '=<'", "Write a<=1"),
    ("a=>1", 2, "found '=>'", "Write a>=1"),
    ("a===1", 2, "found '==='", "Write a=1"),
    ("a~=!x", 2, "found '~=!'", 'a~="!x"'),
    ("a<=>b", 2, "found '<=>'", 'a<=">b"'),
    ("a=1 && b=2", 5, "found '&&'; expected a name", "Write and instead of &&"),
    ("a=1 || b=2", 5, "found '||'", "Write or instead of ||"),
    ("a=1&&b=2", 7, "found '='", "Write a=1 and b="),
    ("a=1||b=2", 7, "found '='", "Write a=1 or b="),
    ("a between 1 and 2", 3, "found 'between'; expected an operator", "Write a>=1 a<="),
    ("a LIKE 'ml%'", 3, "found 'LIKE'", "Write a~=ml*"),
    ("a startswith ml", 3, "found 'startswith'", "Write a~=ml*"),
    ("a contains ml", 3, "found 'contains'", "Write a~=*ml*"),
    ("a eq 5", 3, "found 'eq'", "Write a=5"),
    ("a not like 'x'", 7, "found 'like'; expected 'in' after 'not'", "Write a!~="),
    ("a not = 1", 7, "found '='; expected 'in' after 'not'", "Write a!="),
    ("a not > 1", 7, "found '>'", "Write not a>"),
    ("env:prod", 9, "expected an operator after 'env:prod'", "Write env=prod"),
    ("env: prod", 4, "found ':' in 'env:'", "Write env="),
    ("env:=5", 4, "found ':' in 'env:'", "Write env="),
    ("-env=prod", 1, "found '-' in '-env'", "Write not env"),
    ("started>now - 7d", 13, "found '-'", "now-7d"),
    # values
    ("x=a=b", 4, "after the value 'a'", 'x="a=b"'),
    ("a=hello world", 14, "after 'world'", 'a="hello world"'),
    ("a=hello big world", 13, "expected an operator after 'big'", 'a="hello big world"'),
    ("a=1,2", 4, "found ','", "a in (1, 2)"),
    ("a=1(b=2)", 4, "expected white space after the value '1'", 'a="1(b"'),
    ("a=b!c", 4, "expected white space after the value 'b'", 'a="b!c"'),
    ("a='x'b=1", 6, "expected white space after the value 'x'", "behind a quoted value"),
    ("a in (x=1)", 8, "found '='", '"x=1"'),
    ("a='x", 3, "found an opening ' without its closing '", NO_HINT),
    ("a=it's", 5, "found an opening ' without", 'between " and "'),
    ("a='x\\d'", 5, "found the escape '\\d'", "\\\\"),
    ("a='\\ud800'", 4, "lone surrogate U+D800", NO_HINT),
    ("a='\\u0000'", 4, "found NUL", NO_HINT),
    ("a=x\x07y", 4, "control character U+0007", NO_HINT),
    ("a=1\x00", 4, "control character U+0000", NO_HINT),
    ("a=\ud800", 3, "lone surrogate U+D800", NO_HINT),
    # null
    ("a=null", 3, "found 'null'", "Write a is null"),
    ("a!=Null", 4, "found 'Null'", "Write a is not null"),
    ("a in (null)", 7, "found 'null'", "Write a is null"),
    ("a is 5", 6, "found '5'; expected 'null' or 'not null'", "Write a=5"),
    ("a is not 5", 10, "found '5'; expected 'null'", "Write a!=5"),
    ("a is", 5, "found the end of the filter; expected 'null'", NO_HINT),
    # names
    ("in=1", 1, "found 'in'; expected a name", "meta.in"),
    ("a=1 and=2", 5, "it is a keyword", "meta.and"),
    ("a=1 or or=2", 8, "found 'or'; expected a name", "meta.or"),
    ("a=1 or=2", 5, "it is a keyword", "meta.or"),
    ("not=1", 1, "it is a keyword", "meta.not"),
    ("has in (1)", 1, "it is a keyword", "meta.has"),
    ("contains=1", 1, "found 'contains'", "meta.contains"),
    ("'a'=1", 1, "the quoted text 'a'; expected a name", "Write a"),
    ("1st=1", 1, "found '1' in '1st'", "Write meta.1st"),
    ("a..b=1", 3, "found '.' in 'a..b'", NO_HINT),
    ("meta.=1", 6, "no key behind 'meta.'", NO_HINT),
    ("meta=1", 1, "found 'meta'; expected a key behind it", "meta.KEY"),
    ("metadata=1", 10, "expected a pair such as metadata=env=prod", "meta.metadata"),
    ("metadata>k=1", 9, "found '>'; expected '='", "meta.KEY>VALUE"),
    ("metadata=k>1", 11, "found '>'; expected '='", "meta.k>"),
    ("metadata=$=1", 10, "found '$'", NO_HINT),
    ("metadata.env=x", 1, "found 'metadata.env'", "Write meta.env"),
    ("attributes.git.sha=x", 1, "found 'attributes.git.sha'", "Write attr.git.sha"),
    ("has owner", 5, "found 'owner'; expected '('", "has(owner)"),
    ("has(a=1)", 6, "found '='; expected ')'", "Write has(a)"),
    ("has('a')", 5, "the quoted text 'a'", "Write a"),
    ("has()", 5, "found ')'; expected a name", NO_HINT),
    ("@", 1, "found '@'", NO_HINT),
    ("@a=1", 3, "found '='", "@a"),
    # lists and documents
    ("a in 1", 6, "found '1'; expected '(' after 'in'", "a in (1, ...)"),
    ("a in ()", 7, "found ')'; expected a value", NO_HINT),
    ("a in (1 2)", 9, "found '2'; expected ',' or ')'", NO_HINT),
    ("meta contains {}", 15, "expected a quoted JSON object", "meta contains '{"),
    ("metadata contains '{}'", 1, "found 'metadata'", "meta contains"),
    ("meta contains '{'", 15, "Expected JSON", NO_HINT),
    ("meta contains '[1]'", 15, "The JSON is no object", NO_HINT),
    ("""meta contains '{"a":1,"a":2}'""", 15, "the same key twice", NO_HINT),
    ("""meta contains '{"a":NaN}'""", 15, "NaN is not JSON", NO_HINT),
    ("""meta contains '{"a":1e999}'""", 15, "out of range", NO_HINT),
    ("""meta contains '{"a":%s}'""" % ("[" * 9 + "]" * 9), 15, "nested deeper", NO_HINT),
    ("""meta contains '{"a":["\\\\u0000"]}'""", 15, "NUL", NO_HINT),
    ("""meta contains '{"\u00e9":1,"e\u0301":2}'""", 15, "two spellings", NO_HINT),
    # binding
    ("status=fail", 8, "found 'fail', no status; expected queued", "failed"),
    ("status=FAILED", 8, "found 'FAILED'", "failed"),
    ("status in (lost, xyz)", 18, "found 'xyz'", NO_HINT),
    ("kind>test", 1, "found '>' after kind, a field of type text", "meta.kind"),
    ("duration~=1*", 1, "found '~=' after duration", "meta.duration"),
    ("depth=two", 7, "found 'two', no number", NO_HINT),
    ("duration>soon", 10, "found 'soon', no duration; expected a duration such as 90s", NO_HINT),
    ("started>yesterday", 9, "found 'yesterday', no time; expected a time such as", NO_HINT),
    ("started=2026-02-30", 9, "day is out of range", NO_HINT),
    ("started=2026-01-31T10:00+24:00", 9, "its offset must be", NO_HINT),
    ("started>now-99999999w", 9, "years 1 to 9999", NO_HINT),
    ("id=12345", 4, "found '12345', no execution id", NO_HINT),
    ("id=abcdef", 4, "expected a full one here", NO_HINT),
    ("tenant=x", 1, "'tenant', which no filter takes", "meta.tenant"),
]


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"), MISTAKES, ids=[repr(row[0]) for row in MISTAKES]
)
def test_a_mistake_is_named(text: str, column: int, message: str, hint: str | None) -> None:
    with pytest.raises(FilterError) as caught:
        bind_query(text)

    error = caught.value
    assert error.column == column
    assert message in error.message
    assert error.text == text
    assert str(error).startswith(f"Filter, column {column}: ")
    if hint is None:
        assert error.hint is None
    else:
        assert error.hint is not None and hint in error.hint


def test_a_message_shows_unprintable_and_long_text_safely() -> None:
    with pytest.raises(FilterError) as caught:
        parse(f"'\x1b[31m{'x' * 500}'=1")

    shown = caught.value.message + (caught.value.hint or "")
    assert shown.isprintable()
    assert len(shown) < 200


def test_a_long_value_in_a_hint_is_cut() -> None:
    with pytest.raises(FilterError) as caught:
        parse(f"a={'x' * 2000}={'y' * 1000}")

    assert len(caught.value.hint or "") < 200


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("\u00e9" * 2049, 2049),
        ("a=1 " * 1025, 4097),
        (" ".join(["a=1"] * 65), 257),
        ("not " * 17 + "a=1", 65),
        ("(" * 65, 65),
        ("(not " * 33, 161),
        ("name~=" + "*" * 257, 7),
        ("a in (" + ",".join("1" * 1001) + ")", 2007),
    ],
)
def test_over_a_cap_is_too_complex(text: str, column: int) -> None:
    with pytest.raises(FilterError) as caught:
        bind_query(text)

    assert (caught.value.code, caught.value.column) == ("filter_too_complex", column)


@pytest.mark.parametrize(
    "text",
    [
        "a=" + "x" * 4094,
        " ".join(["a=1"] * 64),
        "not " * 15 + "a=1",
        "(" * 64 + "a=1" + ")" * 64,
        "name~=" + "*" * 256,
        "a in (" + ",".join("1" * 1000) + ")",
    ],
)
def test_at_a_cap_is_accepted(text: str) -> None:
    assert bind_query(text).text
