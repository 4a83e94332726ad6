"""Every number of the product, each with its reason.

Source of the user-facing ones: DESIGN §1 and §2 (seeds 000 and 001 of the product research).
"""

from typing import Final

MAX_KEYS: Final = 50
"""Metadata keys of one execution (seeds 000 and 001)."""
MAX_ATTRIBUTES: Final = 64
"""Attributes of one execution: what tools know by themselves has its own budget."""
MAX_KEY_CHARS: Final = 100
"""Code points of a key, inclusive (seed 000)."""
MAX_VALUE_CHARS: Final = 1000
"""Code points of a string value, inclusive (seed 000)."""
MAX_METADATA_BYTES: Final = 65_536
"""UTF-8 bytes of a whole map as canonical JSON (seed 001)."""
MAX_DEPTH: Final = 8
"""Nesting of lists and objects inside one value."""
MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**63 - 1
"""Integers are 64 bit: what both databases and proto3 hold exactly."""
MAX_EXTERNAL_ID_CHARS: Final = 512
"""Printable characters of an external id."""
MAX_NAME_CHARS: Final = 1000
"""Code points of an execution's name; node ids of parametrised tests are long."""
MAX_ERROR_BYTES: Final = 2048
"""UTF-8 bytes of type, message and place of an error together."""
MAX_ITEM_BYTES: Final = 4096
"""UTF-8 bytes of an iterator item; a larger one is kept as digest, size and preview."""
MAX_CONTEXT_BYTES: Final = 65_536
"""Bytes of EXECMETA_CONTEXT, percent-encoded; Linux limits one variable to 128 KiB."""

MAX_FILTER_BYTES: Final = 4096
"""UTF-8 bytes of a filter text."""
MAX_FILTER_DEPTH: Final = 16
"""Nesting of a filter after `and` and `or` chains are flattened."""
MAX_FILTER_TERMS: Final = 64
"""Comparisons in one filter."""
MAX_IN_MEMBERS: Final = 1000
"""Members of one `in` list."""
MAX_GLOB_CHARS: Final = 256
"""Characters of a glob: matching stays linear and short."""
MIN_REFERENCE_DIGITS: Final = 6
"""Hex digits that an id's ending needs to be taken as a reference."""

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000
"""Executions in one page (seed 000: 1 to 1000, default 100)."""
COUNT_CAP: Final = 10_000
"""Totals are exact up to here, then capped and marked."""
SCAN_CAP: Final = 200_000
"""Rows that one query reads for a condition the index cannot answer (DESIGN §4.11)."""
MAX_TOKENS: Final = 2_000
"""Index tokens that one query merges; beyond it the condition is checked row by row."""
