r"""Parser: filter text to nodes, one function per rule.

The grammar is:

filter:     or? END
or:         and ('or' and)*
and:        not ('and'? not)*
not:        ('not' | '!')* primary
primary:    '(' or ')' | view | has | term
view:       '@' NAME
has:        'has' '(' name ')'
term:       name (op value | 'is' 'not'? 'null' | 'not'? 'in' members)
          | 'metadata' '=' KEY '=' value
          | ('meta' | 'attr') 'contains' STRING
members:    '(' value (',' value)* ')'
op:         '=' | '!=' | '<' | '<=' | '>' | '>=' | '~=' | '!~='
value:      WORD | STRING
name:       a word as in `filters.names`; `meta.` or `attr.` in front takes a whole KEY

The word after an operator is always a value, whatever it spells. A value ends at white space,
`)` or `,`: anything else that touches it is an error, so that no filter turns into another one.
Keywords are read in any case; a keyword where a name belongs is an error.
"""

from __future__ import annotations

from typing import Final, NoReturn, cast

from execmeta.errors import FilterError
from execmeta.filters import mixups, printer
from execmeta.filters.caps import check_node, check_text, too_complex
from execmeta.filters.documents import read_document
from execmeta.filters.lexer import Kind, Token
from execmeta.filters.names import MISNAMED, SPACES, Space, fault_in, normalised, split_space
from execmeta.filters.nodes import (
    Comparison,
    ContainsJson,
    Everything,
    Has,
    In,
    IsNull,
    Node,
    Not,
    Operator,
    Value,
    ViewRef,
    conjunction,
    disjunction,
)
from execmeta.filters.reader import Reader
from execmeta.filters.wording import shown
from execmeta.model.json_text import canonical_json
from execmeta.model.limits import MAX_FILTER_DEPTH

_BETWEEN_TERMS: Final = "'and', 'or', another comparison or the end of the filter"
_TERM_STARTS: Final = (Kind.WORD, Kind.STRING, Kind.OPEN, Kind.BANG)
_TOUCHES: Final = (Kind.OPEN, Kind.BANG, Kind.STRING, Kind.WORD)


def parse(text: str) -> Node:
    """The nodes of a filter; `Everything` for an empty one.

    Raises:
        FilterError: with the column of the first wrong character, code `filter_syntax` or
            `filter_too_complex`, and a hint where the spelling belongs to another language.

    >>> parse("env=prod")
    Comparison(name='env', op='=', value=Value(text='prod', quoted=False))
    >>> parse("a=1 or b=2 c=3") == parse("a=1 or (b=2 and c=3)")
    True
    """
    check_text(text)
    reader = Reader(text)
    if reader.at(Kind.END):
        return Everything()
    node = _or(reader)
    if not reader.at(Kind.END):
        _reject_rest(reader)
    check_node(node, text)
    return node


def _reject_rest(reader: Reader) -> NoReturn:
    """Refuse what stands behind a complete filter."""
    if reader.at(Kind.CLOSE):
        reader.reject(_BETWEEN_TERMS, hint="There is no open bracket for this one.")
    reader.reject(_BETWEEN_TERMS)


def _or(reader: Reader) -> Node:
    items = [_and(reader)]
    while token := reader.accept("or"):
        _refuse_as_name(reader, token)
        items.append(_and(reader))
    return disjunction(items)


def _and(reader: Reader) -> Node:
    items = [_not(reader)]
    while True:
        if token := reader.accept("and"):
            _refuse_as_name(reader, token)
        elif not reader.at(*_TERM_STARTS) or reader.current.keyword == "or":
            return conjunction(items)
        items.append(_not(reader))


def _not(reader: Reader) -> Node:
    columns = []
    while reader.at(Kind.BANG) or reader.current.keyword == "not":
        token = reader.take()
        _refuse_as_name(reader, token)
        columns.append(token.column)
        if len(columns) > MAX_FILTER_DEPTH:
            too_complex(
                f"found more than {MAX_FILTER_DEPTH} nots in a row.",
                text=reader.text,
                column=token.column,
            )
        reader.enter(1, token.column)
    item = _primary(reader)
    reader.open -= len(columns)
    for column in reversed(columns):
        item = Not(item, column)
    return item


def _primary(reader: Reader) -> Node:
    token = reader.current
    if token.kind is Kind.OPEN:
        reader.enter(1, token.column)
        reader.take()
        item = _or(reader)
        if not reader.at(Kind.CLOSE):
            reader.reject("')'" if reader.at(Kind.END) else f"')', {_BETWEEN_TERMS}")
        reader.take()
        reader.open -= 1
        return item
    if token.kind is Kind.WORD and token.text.startswith("@"):
        return _view(reader)
    if token.keyword == "has" and reader.ahead().kind in (Kind.OPEN, Kind.WORD, Kind.STRING):
        return _has(reader)
    return _term(reader)


def _view(reader: Reader) -> ViewRef:
    token = reader.take()
    name = normalised(token.text[1:])
    if fault_in(name, key=True) is not None:
        reader.reject("'@' and the name of a view", at=token)
    if reader.at(Kind.OP):
        reader.reject(_BETWEEN_TERMS, hint=f"A view stands alone: {token.text}")
    return ViewRef(name, token.column)


def _has(reader: Reader) -> Has:
    token = reader.take()
    if not reader.at(Kind.OPEN):
        if reader.current.keyword in ("in", "is", "not", "contains"):
            _refuse_as_name(reader, token, always=True)
        name = reader.current.text
        reader.reject("'('", hint=f"Write has({name})" if fault_in(name) is None else None)
    reader.take()
    name = _name(reader)
    if not reader.at(Kind.CLOSE):
        hint = None
        if reader.at(Kind.OP, Kind.COMMA):
            hint = f"Write has({name}) and compare beside it."
        reader.reject("')'", hint=hint)
    reader.take()
    return Has(name, token.column)


def _term(reader: Reader) -> Node:
    token = reader.current
    if token.kind is Kind.WORD:
        following = reader.ahead()
        if following.keyword == "contains" and token.text in (*SPACES, *MISNAMED):
            return _contains(reader)
        if following.kind is Kind.OP and token.text == "metadata":
            return _pair(reader)
    elif token.kind is not Kind.STRING:
        reader.reject("a comparison such as env=prod")
    name = _name(reader)
    if reader.at(Kind.OP):
        op = cast(Operator, reader.take().text)
        return Comparison(name, op, _value(reader, name, op), token.column)
    if reader.accept("is"):
        negated = reader.accept("not") is not None
        if reader.accept("null") is None:
            value = reader.current
            hint = None
            if value.kind in (Kind.WORD, Kind.STRING):
                hint = f"Write {name}{'!=' if negated else '='}{mixups.as_value(value.text)}"
            reader.reject("'null'" if negated else "'null' or 'not null'", hint=hint)
        return IsNull(name, negated, token.column)
    if reader.accept("in"):
        return In(name, _members(reader, name), False, token.column)
    if reader.current.keyword == "not" and reader.ahead().keyword == "in":
        reader.take()
        reader.take()
        return In(name, _members(reader, name), True, token.column)
    _reject_operator(reader, name)


def _reject_operator(reader: Reader, name: str) -> NoReturn:
    """Refuse what stands where an operator belongs."""
    current, following = reader.current, reader.ahead()
    if current.keyword == "not":
        reader.reject("'in' after 'not'", at=following, hint=mixups.after_not(name, following.text))
    expected = f"an operator after {shown(name)}"
    if current.kind is not Kind.WORD:
        reader.reject(expected, hint=mixups.colon(name) or _spaced_value(reader, name))
    value = following.text if following.kind in (Kind.WORD, Kind.STRING) else None
    reader.reject(
        expected,
        hint=mixups.after_name(name, current.text, value)
        or _spaced_value(reader, f"{name} {current.text}"),
    )


def _spaced_value(reader: Reader, words: str) -> str | None:
    """The hint for `words` that are the rest of a value without quotes: `name=two words`."""
    before = reader.tokens[max(0, reader.index - 4) : reader.index - 1]
    if [token.kind for token in before] != [Kind.WORD, Kind.OP, Kind.WORD]:
        return None
    name, op, value = (token.text for token in before)
    return f"Quote a value that has spaces: {name}{op}{mixups.as_value(f'{value} {words}')}"


def _pair(reader: Reader) -> Node:
    """`metadata=k=v`, which always means the metadata key."""
    token = reader.take()
    operator = reader.take()
    key = reader.current
    if operator.text != "=":
        reader.reject(
            "'=' after 'metadata'",
            at=operator,
            hint=f"Write meta.KEY{operator.text}VALUE",
        )
    if key.kind is not Kind.WORD or reader.ahead().kind is not Kind.OP:
        reader.reject(
            "a pair such as metadata=env=prod",
            hint="Write meta.metadata=... for the key 'metadata', "
            "or meta contains '{...}' for a JSON object.",
        )
    fault = fault_in(key.text, key=True)
    if fault is not None:
        _reject_character(reader, key, fault)
    name = f"meta.{normalised(reader.take().text)}"
    if reader.current.text != "=":
        reader.reject("'=' between key and value", hint=f"Write {name}{reader.current.text}...")
    reader.take()
    return Comparison(name, "=", _value(reader, name, "="), token.column)


def _contains(reader: Reader) -> ContainsJson:
    token = reader.take()
    reader.take()
    space = MISNAMED.get(token.text, token.text)
    literal = reader.current
    if space != token.text:
        reader.reject("'meta' or 'attr'", at=token, hint=f"Write {space} contains '{{...}}'")
    if literal.kind is not Kind.STRING:
        reader.reject("a quoted JSON object", hint=f'Write {space} contains \'{{"env": "prod"}}\'')
    reader.take()
    try:
        document = canonical_json(read_document(literal.text))
    except ValueError as exc:
        raise FilterError(str(exc), text=reader.text, column=literal.column) from None
    return ContainsJson(cast(Space, space), document, token.column)


def _members(reader: Reader, name: str) -> tuple[Value, ...]:
    if not reader.at(Kind.OPEN):
        current = reader.current
        hint = None
        if current.kind in (Kind.WORD, Kind.STRING):
            hint = f"Write {name} in ({mixups.as_value(current.text)}, ...)"
        reader.reject("'(' after 'in'", hint=hint)
    reader.take()
    values = [_value(reader, name, "in")]
    while reader.at(Kind.COMMA):
        reader.take()
        values.append(_value(reader, name, "in"))
    if not reader.at(Kind.CLOSE):
        reader.reject("',' or ')'")
    reader.take()
    return tuple(values)


def _value(reader: Reader, name: str, op: str) -> Value:
    token = reader.current
    if token.kind not in (Kind.WORD, Kind.STRING):
        hint = f'Write {name}{op}"" for the empty text.' if op in ("=", "!=") else None
        reader.reject(f"a value after {shown(op)}", hint=hint)
    reader.take()
    if token.kind is Kind.WORD and token.keyword == "null":
        _refuse_null(reader, token, name, op)
    _refuse_touching(reader, token, name, op)
    return Value(token.text, token.kind is Kind.STRING, token.column)


def _refuse_null(reader: Reader, token: Token, name: str, op: str) -> NoReturn:
    right = f"{name} is not null" if op == "!=" else f"{name} is null"
    reader.reject(
        f"a value after {shown(op)}",
        at=token,
        hint=f"Write {right}, or {printer.quoted(token.text)} for that text.",
    )


def _refuse_touching(reader: Reader, value: Token, name: str, op: str) -> None:
    """Refuse what follows a value without white space, and an operator behind it."""
    current = reader.current
    touching = current.start == value.end and current.kind in _TOUCHES
    if current.kind is Kind.COMMA and op != "in":
        following = reader.ahead()
        more = mixups.as_value(following.text) if following.kind is Kind.WORD else "..."
        reader.reject(
            _BETWEEN_TERMS,
            hint=f"Write {name} in ({mixups.as_value(value.text)}, {more}), "
            "or quote a value that has a comma.",
        )
    if current.kind is Kind.OP or touching:
        expected = "white space" if touching else _BETWEEN_TERMS
        hint = "Put white space behind a quoted value."
        if value.kind is Kind.WORD:
            found = reader.text[current.start] if current.kind is Kind.STRING else current.text
            before = "" if op == "in" else f"{name}{op}"
            hint = mixups.after_value(before, value.text, found, reader.text[current.end :])
        reader.reject(f"{expected} after the value {shown(value.text)}", hint=hint)


def _name(reader: Reader) -> str:
    """The name at the current token, in NFC."""
    token = reader.current
    if token.kind is not Kind.WORD:
        hint = None
        if token.kind is Kind.STRING and fault_in(token.text, key=True) is None:
            hint = f"Names take no quotes. Write {token.text}"
        reader.reject("a name", hint=hint)
    if token.keyword:
        following = reader.ahead()
        takes_name = following.kind in (Kind.OP, Kind.CLOSE) or following.keyword
        reader.reject("a name", hint=f"Write meta.{token.text}" if takes_name else None)
    space, key = split_space(token.text)
    fault = fault_in(key, key=space is not None)
    if fault is not None:
        _reject_character(reader, token, fault + len(token.text) - len(key))
    hint = mixups.space_alone(token.text)
    if hint is not None:
        reader.reject("a key behind it", at=token, hint=hint)
    reader.take()
    return normalised(token.text)


def _reject_character(reader: Reader, token: Token, fault: int) -> NoReturn:
    """Refuse a word as a name, at its first character that no name has there."""
    word, char = shown(token.text), shown(token.text[fault : fault + 1])
    if fault == len(token.text):
        found = f"no key behind {word}"
    else:
        found = word if word == char or mixups.is_joiner(token.text) else f"{char} in {word}"
    raise FilterError(
        f"found {found}; expected a name: a letter or _, then letters, digits and _ . - / : @",
        text=reader.text,
        column=token.column + fault,
        hint=mixups.name(token.text),
    )


def _refuse_as_name(reader: Reader, token: Token, *, always: bool = False) -> None:
    """Refuse a keyword that stands where a name belongs: an operator follows it."""
    if token.keyword and (always or reader.at(Kind.OP)):
        reader.reject(
            "a name; it is a keyword",
            at=token,
            hint=f"Write meta.{token.text} for the key {token.text!r}",
        )
