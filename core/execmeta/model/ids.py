"""Execution ids: UUIDv7 outside, a time-ordered 63-bit integer inside.

Source: RFC 9562 §5.7 and §6.2 method 3 (sub-millisecond fraction in `rand_a`); storage.md §3.
"""

from __future__ import annotations

import os
import re
import time
from typing import NewType

from execmeta.errors import InvalidIdError

ExecutionId = NewType("ExecutionId", str)
"""Canonical lower-case UUID text of 36 characters."""

_SHAPE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}", re.ASCII
)


def new_id(at_us: int | None = None) -> ExecutionId:
    """A new UUIDv7 whose time is `at_us` (microseconds since 1970 UTC), now by default."""
    ns = time.time_ns() if at_us is None else at_us * 1000
    ms, rest = divmod(ns, 1_000_000)
    # 12 bits of the millisecond's fraction, so that ids made in a row sort in that order.
    high = ((ms & 0xFFFF_FFFF_FFFF) << 16) | 0x7000 | (rest * 4096 // 1_000_000)
    text = f"{high:016x}{(int.from_bytes(os.urandom(8), 'big') >> 2) | (0b10 << 62):016x}"
    return ExecutionId(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")


def parse_id(text: str) -> ExecutionId:
    """The canonical form of `text`, which is a canonical UUID or 32 hex digits in any case.

    Raises:
        InvalidIdError: braces, `urn:`, other digits, white space, one repeated digit, or
            anything else that `uuid.UUID` would have let through.
    """
    lowered = text.lower()
    # ASCII only: lower() maps some foreign letters into a-f's neighbourhood, int() takes
    # full-width digits, and `$` would accept a trailing newline (reliability.md §4).
    if not text.isascii() or not _SHAPE.fullmatch(lowered):
        shown = ascii(text[:60])
        raise InvalidIdError(
            f"{shown} is not an execution id. Expected a UUID such as "
            "0190a5d0-7c1e-7abc-8def-0123456789ab or its 32 hex digits."
        )
    digits = lowered.replace("-", "")
    if digits == digits[0] * 32:
        raise InvalidIdError(f"{text!a} repeats one digit and names no execution.")
    return ExecutionId(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")


def is_time_ordered(execution_id: str) -> bool:
    """Whether a canonical id is a UUIDv7, the only kind that new executions may have."""
    return execution_id[14] == "7" and execution_id[19] in "89ab"


def id_bytes(execution_id: str) -> bytes:
    """The 16 bytes of a canonical id."""
    return bytes.fromhex(execution_id.replace("-", ""))


def id_text(raw: bytes) -> ExecutionId:
    """The canonical id of 16 bytes."""
    digits = raw.hex()
    return ExecutionId(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")


def id_time_us(execution_id: str) -> int:
    """The time inside a UUIDv7, in microseconds since 1970 UTC."""
    number = int(execution_id.replace("-", "")[:16], 16)
    return (number >> 16) * 1000 + ((number & 0xFFF) * 1000 >> 12)


def tid_of(raw: bytes) -> int:
    """The first choice of a store's integer key for 16 id bytes: 48 bits of time, 12 of its
    fraction, 3 random; time-ordered and below 2**63 (storage.md §3)."""
    number = int.from_bytes(raw, "big")
    return ((number >> 80) << 15) | (((number >> 64) & 0xFFF) << 3) | ((number >> 59) & 0b111)
