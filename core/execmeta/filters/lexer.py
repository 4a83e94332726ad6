"""Lexer: filter text to tokens with columns.

string:  a quoted run; escapes \\\\ \\' \\" \\n \\t \\uXXXX, nothing else after a backslash
op:      = != < <= > >= ~= !~=
word:    any run of characters except white space and ( ) , ' " = < > ! ~

White space is what Unicode calls so, except control characters other than tab and line ends:
those are errors outside quotes. NUL and lone surrogates are errors everywhere, because no
stored text can have them.
"""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple, NoReturn

from execmeta.errors import FilterError
from execmeta.filters import mixups
from execmeta.filters.characters import CONTROL, UNSTORABLE, WORD
from execmeta.filters.nodes import KEYWORDS, OPERATORS
from execmeta.filters.wording import shown


class Kind(enum.Enum):
    """Kind of a token; the value is what an error calls it."""

    WORD = "a word"
    STRING = "a quoted text"
    OP = "an operator"
    BANG = "'!'"
    OPEN = "'('"
    CLOSE = "')'"
    COMMA = "','"
    END = "the end of the filter"


class Token(NamedTuple):
    """One token; of a string, `text` is the text between the quotes, escapes resolved."""

    kind: Kind
    text: str
    start: int
    """0-based offset of its first character."""
    end: int
    """Offset behind its last character."""
    keyword: str = ""
    """The keyword in lower case when the word is one."""

    @property
    def column(self) -> int:
        """1-based."""
        return self.start + 1

    def __str__(self) -> str:
        """The token as an error names it."""
        if self.kind in (Kind.WORD, Kind.OP):
            return shown(self.text)
        if self.kind is Kind.STRING:
            return f"the quoted text {shown(self.text)}"
        return str(self.kind.value)


_SCANNER: Final = re.compile(
    rf"""(?P<space>\s+)|(?P<word>{WORD})|(?P<ops>[=<>!~]+)|(?P<mark>[(),])|(?P<quote>['"])"""
)
_SPECIAL_IN_STRING: Final = {
    quote: re.compile(rf"[{quote}\\\x00\ud800-\udfff]") for quote in ("'", '"')
}
_ESCAPE: Final = re.compile(
    r"""\\(?:([\\'"nt])|u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"""
    r"""|u([0-9a-fA-F]{4}))"""
)
_PLAIN_ESCAPES: Final = {"n": "\n", "t": "\t"}
_MARKS: Final = {"(": Kind.OPEN, ")": Kind.CLOSE, ",": Kind.COMMA}


def tokens_of(text: str) -> list[Token]:
    """The tokens of `text`, the last one of kind END.

    Raises:
        FilterError: an unclosed quote, an unknown operator, a bad escape or character.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _SCANNER.match(text, at)
        if found is None:  # every character belongs to one of the five groups
            raise AssertionError(f"no token at {at}")
        piece, end = found.group(), found.end()
        match found.lastgroup:
            case "space":
                _refuse_controls(text, at, end)
            case "word":
                _refuse_controls(text, at, end)
                lowered = piece.lower()
                keyword = lowered if lowered in KEYWORDS else ""
                tokens.append(Token(Kind.WORD, piece, at, end, keyword))
            case "mark":
                tokens.append(Token(_MARKS[piece], piece, at, end))
            case "ops":
                tokens.extend(_operators(text, piece, at, tokens))
            case _:
                value, end = _string(text, at)
                tokens.append(Token(Kind.STRING, value, at, end))
        at = end
    tokens.append(Token(Kind.END, "", at, at))
    return tokens


def _refuse_controls(text: str, start: int, end: int) -> None:
    found = CONTROL.search(text, start, end) or UNSTORABLE.search(text, start, end)
    if found is None:
        return
    name = "control character" if found.group() < "\ud800" else "lone surrogate"
    raise FilterError(
        f"found the {name} U+{ord(found.group()):04X}; expected printable text.",
        text=text,
        column=found.start() + 1,
    )


def _operators(text: str, run: str, at: int, before: list[Token]) -> list[Token]:
    if run in OPERATORS:
        return [Token(Kind.OP, run, at, at + len(run))]
    if not run.strip("!"):
        return [Token(Kind.BANG, "!", at + index, at + index + 1) for index in range(len(run))]
    left = before[-1].text if before and before[-1].kind is Kind.WORD else ""
    raise FilterError(
        f"found {shown(run)}; expected one of the operators {' '.join(OPERATORS)}",
        text=text,
        column=at + 1,
        hint=mixups.operator(left, run, text[at + len(run) :]),
    )


def _string(text: str, start: int) -> tuple[str, int]:
    """The text of the string that opens at `start`, and the offset behind its closing quote."""
    quote = text[start]
    parts: list[str] = []
    at = start + 1
    while True:
        found = _SPECIAL_IN_STRING[quote].search(text, at)
        if found is None:
            _refuse_unclosed(text, start)
        parts.append(text[at : found.start()])
        if found.group() == quote:
            return "".join(parts), found.end()
        if found.group() != "\\":
            _refuse_unstorable(text, found.start(), found.group())
        char, at = _escape(text, found.start())
        parts.append(char)


def _escape(text: str, at: int) -> tuple[str, int]:
    found = _ESCAPE.match(text, at)
    if found is None:
        raise FilterError(
            f"found the escape {shown(text[at : at + 2])}; "
            "expected one of \\\\ \\' \\\" \\n \\t \\uXXXX",
            text=text,
            column=at + 1,
            hint="Write \\\\ for one backslash.",
        )
    plain, high, low, unit = found.groups()
    if plain:
        return _PLAIN_ESCAPES.get(plain, plain), found.end()
    if high:
        code = 0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF)
        return chr(code), found.end()
    char = chr(int(unit, 16))
    if UNSTORABLE.match(char):
        _refuse_unstorable(text, at, char)
    return char, found.end()


def _refuse_unstorable(text: str, at: int, char: str) -> NoReturn:
    name = "NUL" if char == "\0" else f"the lone surrogate U+{ord(char):04X}"
    raise FilterError(
        f"found {name} in a quoted text; expected characters that a stored text can have.",
        text=text,
        column=at + 1,
    )


def _refuse_unclosed(text: str, start: int) -> NoReturn:
    quote = text[start]
    other = "'" if quote == '"' else '"'
    inside = text[start - 1 : start].isalnum()  # it's
    raise FilterError(
        f"found an opening {quote} without its closing {quote}.",
        text=text,
        column=start + 1,
        hint=f"Write a value with {quote} in it between {other} and {other}." if inside else None,
    )
