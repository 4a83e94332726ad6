"""Cursors: where a list goes on, as opaque text that only the store which made it accepts.

A cursor is bound to the filter's canonical text, scope, sort, tenant and, where the filter speaks
of it, to the `now` of the first page: a page of another question is never served in silence.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, NoReturn

from execmeta.errors import QueryError

if TYPE_CHECKING:
    # A store that only takes events makes its key here, and answers no query.
    from execmeta.filters.query import Query

KEY_BYTES = 32
"""Length of the key that lives in a store."""

_VERSION = 1
_SIGNATURE_BYTES = 16  # 128 bits: nobody guesses one, and the text stays short
_MAX_CHARS = 512
_RELATIVE = re.compile(r"(?<![\w.])(now|today)\b")


def sign(key: bytes, query: Query, tenant: str, tid: int) -> str:
    """The cursor that goes on behind the row `tid` of `query`'s order."""
    payload = json.dumps(
        [_VERSION, tid, query.now_us, _question(query, tenant)], separators=(",", ":")
    ).encode()
    return _encode(payload + _signature(key, payload))


def verify(key: bytes, query: Query, tenant: str) -> int | None:
    """The row that `query`'s cursor stands behind; None for a query without a cursor.

    Raises:
        QueryError: code `invalid_cursor`: damaged, forged, of another store, or of another
            question.
    """
    if query.cursor is None:
        return None
    raw = _decode(query.cursor)
    payload, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(key, payload)):
        _refuse("The cursor is damaged or comes from another store.")
    _, tid, now_us, question = json.loads(payload)
    if question != _question(query, tenant):
        _refuse("The cursor belongs to another filter, scope or sort.")
    if now_us != query.now_us and _RELATIVE.search(query.text):
        _refuse("The cursor belongs to a query of another moment.")
    return int(tid)


def now_of(cursor: str) -> int | None:
    """The `now` of the first page, microseconds since 1970 UTC, to bind the next page's filter
    with; None when the text is no cursor. The store still verifies the cursor itself."""
    try:
        version, _, now_us, _ = json.loads(_decode(cursor)[:-_SIGNATURE_BYTES])
    except (ValueError, TypeError):
        return None
    return now_us if version == _VERSION and type(now_us) is int else None


def _question(query: Query, tenant: str) -> str:
    text = "\0".join((query.text, query.scope, query.sort, tenant))
    return _encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:12])


def _signature(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, payload, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        if len(text) <= _MAX_CHARS:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            if len(raw) > _SIGNATURE_BYTES:
                return raw
    except (binascii.Error, ValueError):
        pass
    _refuse("The cursor is not one that a list has given.")


def _refuse(reason: str) -> NoReturn:
    raise QueryError(
        f"{reason} Leave the cursor out to begin at the first page, or repeat the query that "
        "gave it.",
        code="invalid_cursor",
    )
