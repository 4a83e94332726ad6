"""Metadata maps: the key rule, the limits of a whole map, and how several sources become one.

Strict (`check_key`, `validate_metadata`) for what a person types now: the first broken rule is an
error. Lenient (`clean_key`, `clean_metadata`, `merge_sources`) for what comes from programs,
environment and files: what fits is kept, the rest is counted (DESIGN §4.12).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from execmeta.errors import MetadataError
from execmeta.model.execution import Json
from execmeta.model.json_text import canonical_json, json_bytes
from execmeta.model.limits import MAX_KEY_CHARS, MAX_KEYS, MAX_METADATA_BYTES
from execmeta.model.values import check_value, clean_value

RESERVED_PREFIXES: Final = ("__", "execmeta.", "_execmeta_")
"""Beginnings of keys that people cannot set; the setting `reserved_prefixes` replaces them."""
USER: Final = "user"
"""The source that `sources` does not list."""

_ASCII_KEY: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-/:@]*[A-Za-z0-9_])?", re.ASCII)
_PUNCTUATION: Final = frozenset("_.-/:@")
_RULE: Final = (
    f"A key has 1 to {MAX_KEY_CHARS} letters, digits and _ . - / : @; it begins with a letter, "
    "digit or _ and ends in one."
)


class CleanedMetadata(NamedTuple):
    """What was kept of a map, as it is stored, in the order it was given."""

    metadata: dict[str, Json]
    dropped: Counter[str]
    """Reason to number of keys: `invalid_key`, `reserved_key`, `duplicate_key`, `too_many_keys`,
    `metadata_too_large`, `invalid_metadata`, `invalid_json`."""
    flags: frozenset[str]
    """`sanitized`, `truncated`."""


class Merged(NamedTuple):
    """One map out of several sources."""

    metadata: dict[str, Json]
    sources: dict[str, str]
    """Key to source; keys of the user are not listed."""
    dropped: Counter[str]
    """`too_many_keys`, `metadata_too_large`."""


def fault_in_key(key: str) -> str | None:
    """What is wrong with a key that is in NFC, in words; None for a legal one.

    >>> fault_in_key("team/owner"), fault_in_key("a b")
    (None, 'has a space at position 2')
    """
    return f"has {len(key)} characters" if len(key) > MAX_KEY_CHARS else _fault_in(key)


@lru_cache(maxsize=4096)
def _fault_in(key: str) -> str | None:
    if _ASCII_KEY.fullmatch(key) and ".." not in key:
        return None
    if not key:
        return "is empty"
    for index, char in enumerate(key):
        legal = char.isalnum() or char == "_"
        if index:
            legal = legal or char in _PUNCTUATION or _is_mark(char)
        if not legal:
            return f"has {_named(char)} at position {index + 1}"
    if ".." in key:
        return f"has two points at position {key.index('..') + 1}"
    if not (key[-1].isalnum() or key[-1] == "_" or _is_mark(key[-1])):
        return f"ends in {key[-1]!r}"
    if unicodedata.normalize("NFKC", key) != key:
        # Full-width letters and ligatures look like other keys, and would be found by neither.
        return "has characters that only look like others (NFKC would change it)"
    return None


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def _named(char: str) -> str:
    if char == " ":
        return "a space"
    shown = char.isprintable() and not _is_mark(char)
    return repr(char) if shown else f"the character U+{ord(char):04X}"


def check_key(key: Any, reserved: tuple[str, ...] = RESERVED_PREFIXES) -> str:
    """The key in NFC, by the strict rule.

    Raises:
        MetadataError: `invalid_key` or `reserved_key`, with what is wrong and the rule.
    """
    if not isinstance(key, str):
        raise MetadataError(f"Metadata key {_shown(key)} is not text. {_RULE}", code="invalid_key")
    normal = _nfc(key)
    fault = fault_in_key(normal)
    if fault is not None:
        raise MetadataError(f"Metadata key {_shown(key)} {fault}. {_RULE}", code="invalid_key")
    if normal.startswith(reserved):
        taken = ", ".join(reserved)
        raise MetadataError(
            f"Metadata key {_shown(key)} is reserved: keys that begin with {taken} are written by "
            "execmeta itself. Choose another name.",
            code="reserved_key",
        )
    return normal


def clean_key(key: Any, reserved: tuple[str, ...] = RESERVED_PREFIXES) -> tuple[str | None, str]:
    """The key in NFC and no reason, or None and the reason why it is dropped.

    >>> clean_key("cafe\\u0301"), clean_key(1), clean_key("__proto__")
    (('café', ''), (None, 'invalid_key'), (None, 'reserved_key'))
    """
    if not issubclass(type(key), str):
        return None, "invalid_key"
    normal = _nfc(str.__str__(key))
    if fault_in_key(normal) is not None:
        return None, "invalid_key"
    if normal.startswith(reserved):
        return None, "reserved_key"
    return normal, ""


def _nfc(key: str) -> str:
    return key if key.isascii() else unicodedata.normalize("NFC", key)


def _shown(key: Any) -> str:
    text = key if isinstance(key, str) else repr(key)
    # repr escapes what a terminal would obey, and leaves other scripts readable.
    return repr(text[:60] + ("..." if len(text) > 60 else ""))


def validate_metadata(
    metadata: Mapping[str, Any],
    *,
    reserved: tuple[str, ...] = RESERVED_PREFIXES,
    max_keys: int = MAX_KEYS,
) -> dict[str, Json]:
    """The whole map as it is stored: keys in NFC, values clean, order kept.

    Raises:
        MetadataError: the first broken rule: at most 50 keys of 100 characters, strings of 1000
            characters, 65,536 bytes together; codes as in `check_key`, `check_value`, and
            `duplicate_key`, `too_many_keys`, `metadata_too_large`, `invalid_metadata`.

    >>> validate_metadata({"project": "ml", "priority": 5})
    {'project': 'ml', 'priority': 5}
    """
    if not isinstance(metadata, Mapping):
        raise MetadataError("Metadata is not a map. Expected keys with values.")
    if len(metadata) > max_keys:
        raise MetadataError(
            f"Metadata has {len(metadata)} keys. At most {max_keys} are kept; "
            "put what belongs together into one key as JSON.",
            code="too_many_keys",
        )
    found: dict[str, Json] = {}
    for key, value in metadata.items():
        normal = check_key(key, reserved)
        if normal in found:
            raise MetadataError(
                f"Metadata key {_shown(key)} is given twice: two spellings of it are the same in "
                "Unicode's NFC. Keep one.",
                code="duplicate_key",
            )
        found[normal] = check_value(normal, value).value
    if _may_be_large(found) and (size := json_bytes(found)) > MAX_METADATA_BYTES:
        raise MetadataError(
            f"Metadata has {size} bytes as JSON. At most {MAX_METADATA_BYTES} are kept; "
            "record a path or a digest of the largest value.",
            code="metadata_too_large",
        )
    return found


def clean_metadata(
    metadata: Any,
    *,
    reserved: tuple[str, ...] = RESERVED_PREFIXES,
    max_keys: int = MAX_KEYS,
) -> CleanedMetadata:
    """What fits of a map; never raises, never runs foreign code.

    The first `max_keys` legal keys are kept, up to 65,536 bytes together. For attributes give
    `reserved=()` and `max_keys=MAX_ATTRIBUTES`.
    """
    found: dict[str, Json] = {}
    dropped: Counter[str] = Counter()
    flags: frozenset[str] = frozenset()
    for key, value in _members(metadata, dropped):
        normal, reason = clean_key(key, reserved)
        if normal is None:
            dropped[reason] += 1
            continue
        if normal in found:
            dropped["duplicate_key"] += 1
        elif len(found) >= max_keys:
            dropped["too_many_keys"] += 1
            continue
        found[normal], more = clean_value(value)
        if more:
            flags |= more
    if _may_be_large(found):
        found = _fitting(found, dropped)
    return CleanedMetadata(found, dropped, flags)


def _members(metadata: Any, dropped: Counter[str]) -> list[tuple[Any, Any]]:
    if metadata is None:
        return []
    if issubclass(type(metadata), dict):
        return list(dict.items(metadata))
    try:
        return list(dict(metadata).items())
    # Lost: the whole map, where a foreign mapping or list of pairs cannot be read.
    except Exception:
        dropped["invalid_metadata"] += 1
        return []


def merge_sources(
    layers: Iterable[tuple[str, Mapping[str, Json]]], *, max_keys: int = MAX_KEYS
) -> Merged:
    """One map out of clean ones. Where a key is given twice the earlier layer wins; over the
    limits the keys of the last layers go first.

    Args:
        layers: (source, map), strongest first: option (`user`), environment (`env`), ini, project
            file and user file (`config`), tool (`adapter`), parent (`inherited:<id>`).

    >>> merge_sources([("user", {"env": "prod"}), ("env", {"env": "dev", "team": "ml"})])[:2]
    ({'env': 'prod', 'team': 'ml'}, {'team': 'env'})
    """
    found: dict[str, Json] = {}
    sources: dict[str, str] = {}
    dropped: Counter[str] = Counter()
    for source, metadata in layers:
        for key, value in metadata.items():
            if key in found:
                continue
            if len(found) >= max_keys:
                dropped["too_many_keys"] += 1
                continue
            found[key] = value
            if source != USER:
                sources[key] = source
    if _may_be_large(found):
        found = _fitting(found, dropped)
        sources = {key: source for key, source in sources.items() if key in found}
    return Merged(found, sources, dropped)


def _may_be_large(metadata: Mapping[str, Json]) -> bool:
    """Whether the map could be over the limit: an upper bound that costs no encoding."""
    room = MAX_METADATA_BYTES
    for key, value in metadata.items():
        # A control character takes six bytes, a number at most 25.
        if isinstance(value, str):
            room -= 6 * len(value)
        elif isinstance(value, list | dict):
            return True
        room -= 4 * len(key) + 32
    return room < 0


def _fitting(metadata: dict[str, Json], dropped: Counter[str]) -> dict[str, Json]:
    room = MAX_METADATA_BYTES - 1
    kept: dict[str, Json] = {}
    for key, value in metadata.items():
        size = len(canonical_json({key: value}).encode()) - 1
        if size > room:
            dropped["metadata_too_large"] += 1
            continue
        room -= size
        kept[key] = value
    return kept
