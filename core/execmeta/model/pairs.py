"""Pairs: metadata as people write it in text, `k=v` on a command line, variables in an environment.

A pair splits at its first `=`; spaces belong to the value. Only the command line also reads
`k:=JSON` and `k@=FILE` (DESIGN §4.13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from execmeta.errors import MetadataError
from execmeta.model.execution import Json
from execmeta.model.json_text import parse_json
from execmeta.model.limits import MAX_DEPTH, MAX_METADATA_BYTES
from execmeta.model.metadata import (
    RESERVED_PREFIXES,
    CleanedMetadata,
    check_key,
    clean_metadata,
)
from execmeta.model.values import check_value, clean_text

META_VARIABLE: Final = "EXECMETA_META"
"""A JSON object, for keys that a variable's name cannot spell."""
META_PREFIX: Final = "EXECMETA_META_"
"""`EXECMETA_META_FOO_BAR=x` is the key `foo_bar`."""
_EXAMPLE: Final = "Expected key=value, such as project=ml."


def parse_pair(pair: str, *, reserved: tuple[str, ...] = RESERVED_PREFIXES) -> tuple[str, str]:
    """Key and value of `k=v`.

    Raises:
        MetadataError: `invalid_pair` without `=` or key; codes of `check_key`, `check_value`.

    >>> parse_pair("query=a=b c")
    ('query', 'a=b c')
    """
    key, value = _split(pair)
    normal = check_key(key, reserved)
    return normal, _text(normal, value)


def parse_metadata(
    pairs: Iterable[str], *, reserved: tuple[str, ...] = RESERVED_PREFIXES
) -> dict[str, str]:
    """The map of several `k=v`; the last one of a key wins. All values are text.

    Raises:
        MetadataError: the first wrong pair. The number of keys is `validate_metadata`'s concern.

    >>> parse_metadata(["project=ml", "env=dev", "env=prod"])
    {'project': 'ml', 'env': 'prod'}
    """
    return dict(parse_pair(pair, reserved=reserved) for pair in pairs)


def read_text_file(path: str) -> str:
    """The text of a file of at most 65,536 bytes, without its last line end.

    Raises:
        MetadataError: it cannot be read, is larger, or is not UTF-8.
    """
    try:
        with Path(path).open("rb") as stream:
            raw = stream.read(MAX_METADATA_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise MetadataError(f"File {path!r}: {reason}.", code="invalid_pair") from None
    if len(raw) > MAX_METADATA_BYTES:
        raise MetadataError(
            f"File {path!r} is larger than {MAX_METADATA_BYTES} bytes. Record its path instead.",
            code="value_too_large",
        )
    try:
        return raw.decode().removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise MetadataError(
            f"File {path!r} is not text in UTF-8. Record its path instead.", code="invalid_utf8"
        ) from None


def parse_typed_pairs(
    pairs: Iterable[str],
    *,
    reserved: tuple[str, ...] = RESERVED_PREFIXES,
    read: Callable[[str], str] = read_text_file,
) -> dict[str, Json]:
    """The map of pairs as the command line takes them: `k=text`, `k:=JSON`, `k@=FILE` (the text
    of a file); the last one of a key wins.

    Raises:
        MetadataError: the first wrong pair, or the file that cannot be read.

    >>> parse_typed_pairs(["owner=ann", "priority:=5", 'customer:={"id": 7}'])
    {'owner': 'ann', 'priority': 5, 'customer': {'id': 7}}
    """
    found: dict[str, Json] = {}
    for pair in pairs:
        key, text = _split(pair)
        # No key ends in `:` or `@`, so the two forms take nothing away from `k=v`.
        if key.endswith(":"):
            normal = check_key(key[:-1], reserved)
            value = check_value(normal, _json(normal, text)).value
        elif key.endswith("@"):
            normal = check_key(key[:-1], reserved)
            value = check_value(normal, read(text)).value
        else:
            normal = check_key(key, reserved)
            value = _text(normal, text)
        found[normal] = value
    return found


def env_metadata(
    environ: Mapping[str, str], *, reserved: tuple[str, ...] = RESERVED_PREFIXES
) -> CleanedMetadata:
    """Metadata of the environment, by the lenient rule.

    `EXECMETA_META_FOO_BAR=x` gives `foo_bar`, always text. `EXECMETA_META='{"customerId": 7}'`
    gives its keys as they are; where both name a key, the JSON wins. JSON that cannot be read is
    dropped and counted as `invalid_json`.

    >>> env_metadata({"EXECMETA_META_ENV": "prod", "EXECMETA_META": '{"env": "dev"}'}).metadata
    {'env': 'dev'}
    """
    found: dict[str, Json] = {
        name[len(META_PREFIX) :].lower(): environ[name]
        for name in sorted(environ)
        if name.startswith(META_PREFIX)
    }
    unread = 0
    text = environ.get(META_VARIABLE)
    if text and not text.isspace():
        try:
            found.update(parse_json(text, max_depth=MAX_DEPTH + 1, expect_object=True))
        except MetadataError:
            unread = 1
    cleaned = clean_metadata(found, reserved=reserved)
    if unread:
        cleaned.dropped["invalid_json"] += unread
    return cleaned


def _split(pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    shown = repr(clean_text(pair if not equals else key)[0][:60])
    if not equals:
        raise MetadataError(f"Metadata {shown} has no '='. {_EXAMPLE}", code="invalid_pair")
    if not key:
        raise MetadataError(
            f"Metadata '=...' has no key in front of its '='. {_EXAMPLE}", code="invalid_pair"
        )
    return key, value


def _text(key: str, value: str) -> str:
    checked = check_value(key, value).value
    return checked if isinstance(checked, str) else value


def _json(key: str, text: str) -> Json:
    try:
        parsed: Json = parse_json(text, max_depth=MAX_DEPTH)
    except MetadataError as error:
        raise MetadataError(
            f"Metadata value of {key!r}: {error.message}", code=error.code
        ) from None
    return parsed
