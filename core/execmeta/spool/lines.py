r"""The line: eight hex digits of CRC-32, a space, the length, a space, JSON, a line feed (R3).

The JSON is ASCII, so a line feed can only be an end of line, and `grep` and `jq` work on a
segment. CRC and length are those of the JSON's bytes.

>>> to_line('{"a":1}')
b'561bacaf 7 {"a":1}\n'
>>> payload_of(b'561bacaf 7 {"a":1}')
b'{"a":1}'
"""

from __future__ import annotations

import json
from typing import Any, Final
from zlib import crc32

MAX_LINE_BYTES: Final = 1_048_576
"""A longer line is no event of ours: the largest event is some 200 KiB."""


class LineError(ValueError):
    """A line is damaged; the message is a word for the reason."""


def to_line(text: str) -> bytes:
    """The line of a JSON text in ASCII. Raises UnicodeEncodeError on other text."""
    data = text.encode("ascii")
    return b"%08x %d %s\n" % (crc32(data), len(data), data)


def payload_of(line: bytes) -> bytes:
    """The JSON of a line without its line feed. Raises LineError."""
    head, _, data = line.partition(b" ")
    length, _, data = data.partition(b" ")
    # Compared as text: int() would also take signs, underscores and upper-case digits.
    if length != b"%d" % len(data):
        raise LineError("wrong_length")
    if head != b"%08x" % crc32(data):
        raise LineError("wrong_checksum")
    return data


def json_of(payload: bytes) -> Any:
    """The value of a payload, such as every store can hold it. Raises LineError.

    Keys that come twice are not looked for: who writes them has the right checksum, and the files
    are this user's own.
    """
    try:
        value = _DECODER.decode(payload.decode("ascii"))
        if b"\\u" in payload:
            # The decoder lets lone surrogates pass, and no store takes them.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise LineError("too_deep") from None
    except UnicodeError:
        raise LineError("not_unicode") from None
    # Also the integer of over 4300 digits, and NaN.
    except ValueError:
        raise LineError("not_json") from None
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)
