"""Encoding: Python values to the compact ASCII JSON of a spool line."""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable
from typing import Any, Final


def _encoder() -> Callable[[Any], str]:
    # Values are clean when they come here: no cycles, no NaN, no foreign types.
    plain = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    # `encode` makes this C object anew in each call, for more than a small event costs. It is not
    # documented, so it is tried out, and done without where it has changed.
    quoted = json.encoder.encode_basestring_ascii
    probe = {"a": [1, 2.5, None, True, "é"]}
    try:
        chunks = make(None, plain.default, quoted, None, ":", ",", False, False, False)
        if "".join(chunks(probe, 0)) == plain.encode(probe):
            return lambda value: "".join(chunks(value, 0))
    except (TypeError, ValueError):
        pass
    return plain.encode


encode: Final = _encoder()
"""Compact ASCII JSON of a clean value. Raises TypeError or ValueError for what is not JSON."""

quote: Final = json.encoder.encode_basestring_ascii
"""A text as ASCII JSON, quotes included."""
