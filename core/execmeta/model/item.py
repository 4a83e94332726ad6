"""Iterator items: any JSON, kept whole up to 4 KiB."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from execmeta.model.execution import Json
from execmeta.model.json_text import canonical_json
from execmeta.model.limits import MAX_ITEM_BYTES
from execmeta.model.values import TRUNCATED, Cleaned, clean_value

_PREVIEW_CHARS: Final = 200


def iterator_item(value: Any, *, scrub: Callable[[Json], Json] | None = None) -> Cleaned:
    """`value` as an iterator item is stored; never raises, never runs foreign code.

    An item over 4 KiB of canonical JSON is kept as `{"digest": "sha256:...", "size": bytes,
    "preview": its first 200 characters}`, with the flag `truncated`.

    Args:
        scrub: redaction. It sees the whole item: a preview may hold half a credential, and a
            digest of a short one can be guessed.

    >>> iterator_item({"user": 7}).value
    {'user': 7}
    """
    cleaned, flags = clean_value(value, max_chars=None)
    if scrub is not None:
        cleaned = scrub(cleaned)
    text = canonical_json(cleaned)
    if len(text) * 4 <= MAX_ITEM_BYTES or len(raw := text.encode()) <= MAX_ITEM_BYTES:
        return Cleaned(cleaned, flags)
    digest = f"sha256:{sha256(raw).hexdigest()}"
    preview = cleaned if isinstance(cleaned, str) else text
    shape: dict[str, Json] = {
        "digest": digest,
        "size": len(raw),
        "preview": preview[:_PREVIEW_CHARS],
    }
    return Cleaned(shape, flags | {TRUNCATED})
