"""Visible text: characters that could steer a terminal or mislead an eye, spelled as escapes.

Values come from anybody who may record. A terminal obeys ANSI, OSC 8 and OSC 52 sequences, a
reader is misled by bidi overrides, and a spreadsheet runs a cell that begins like a formula
(reliability.md §3.1, rows "Terminal" and "Export reader").
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Zero-width joiners shape emoji and several scripts; alone they neither move nor hide text.
_HARMLESS: Final = frozenset("\u200c\u200d")
_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

# DEL, C1, Arabic letter mark, bidi and line separators, invisible operators, surrogates,
# byte order mark, interlinear marks, tags: JSON leaves them as they are.
_JSON_UNSAFE: Final = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_FORMULA_STARTS: Final = tuple("=+-@\t\r＝＋－＠")  # noqa: RUF001  # full-width ones are read as plain


def visible(text: str) -> str:
    """`text` on one line, with every control, format and private character as an escape.

    >>> visible("a\\x1b[31mred\\x07"), visible("line\\nnext")
    ('a\\\\x1b[31mred\\\\x07', 'line\\\\nnext')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if _is_hidden(char) else char for char in text)


def visible_json(text: str) -> str:
    """JSON text, the same document, with nothing left that a terminal would obey or hide."""
    return _JSON_UNSAFE.sub(_json_escape, text)


def csv_cell(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula and no terminal for a command.

    >>> csv_cell("=1+1"), csv_cell("plain")
    ("'=1+1", 'plain')
    """
    shown = visible(text)
    return f"'{shown}" if text.startswith(_FORMULA_STARTS) else shown


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN_CATEGORIES and char not in _HARMLESS


def _escaped(char: str) -> str:
    number = ord(char)
    if char in _NAMED:
        return _NAMED[char]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _json_escape(match: re.Match[str]) -> str:
    # UTF-16 pairs above the basic plane, as RFC 8259 §7 spells them.
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
