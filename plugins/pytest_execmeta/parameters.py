"""Parameters of a test as JSON, without running any of their code.

A `repr` can be slow, raise, or hold an address that differs in every run. Where JSON has no word
for a value, the id that pytest made of it is the better name.
"""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType
from typing import Any, Final

from execmeta.model.execution import Json
from execmeta.model.foreign import plain
from execmeta.model.values import clean_value

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_CONTAINERS: Final = frozenset({list, dict, set})
_NAMED: Final = (type, FunctionType, BuiltinFunctionType)


def parameters_of(callspec: Any) -> dict[str, Json]:
    """Name to value, for the parameters of one test.

    Args:
        callspec: what pytest keeps of them; `params` by name, `id` for all of them together.
    """
    params = callspec.params
    # With one parameter the id of all is the id of that one.
    own_id = callspec.id if len(params) == 1 else None
    return {name: _value(value, own_id) for name, value in params.items()}


def _value(value: Any, own_id: str | None) -> Json:
    kind = type(value)
    if kind is int and -(2**53) <= value <= 2**53:
        return value  # type: ignore[no-any-return]
    if kind not in _SCALARS:
        kind = type(plain(value))
        if kind not in _SCALARS and kind not in _CONTAINERS:
            if own_id is not None:
                return own_id
            if isinstance(value, _NAMED):
                return value.__qualname__
    return clean_value(value).value
