"""Reader: the tokens of one filter, a position among them, and how to refuse what is found."""

from __future__ import annotations

from typing import Final, NoReturn

from execmeta.errors import FilterError
from execmeta.filters.caps import too_complex
from execmeta.filters.lexer import Kind, Token, tokens_of

_MAX_OPEN: Final = 64
"""Brackets and `not` that may be open at once. Redundant brackets do not count as depth, but
each one is four Python frames while it is read, and the interpreter stops at 1000."""


class Reader:
    """The tokens of one text and a position among them."""

    __slots__ = ("current", "index", "open", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.index = 0
        self.current = self.tokens[0]
        self.open = 0

    def take(self) -> Token:
        """The current token; moves on, except behind the last one."""
        token = self.current
        if token.kind is not Kind.END:
            self.index += 1
            self.current = self.tokens[self.index]
        return token

    def at(self, *kinds: Kind) -> bool:
        """Whether the current token is of one of these kinds."""
        return self.current.kind in kinds

    def ahead(self) -> Token:
        """The token behind the current one."""
        return self.tokens[min(self.index + 1, len(self.tokens) - 1)]

    def accept(self, keyword: str) -> Token | None:
        """Take the current token when it is this keyword."""
        return self.take() if self.current.keyword == keyword else None

    def enter(self, levels: int, column: int) -> None:
        """Note that brackets or nots were opened; refuse too many."""
        self.open += levels
        if self.open > _MAX_OPEN:
            too_complex(
                f"found more than {_MAX_OPEN} open brackets and nots.",
                text=self.text,
                column=column,
            )

    def reject(
        self, expected: str, *, at: Token | None = None, hint: str | None = None
    ) -> NoReturn:
        """Refuse the token `at`, the current one by default."""
        token = at or self.current
        raise FilterError(
            f"found {token}; expected {expected}.",
            text=self.text,
            column=token.column,
            hint=hint,
        )
