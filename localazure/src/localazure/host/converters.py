"""Between what travels (`Datum`) and what user code sees: the SDK's converters, and the generic one that it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

from localazure.host.functions import DURABLE_TRIGGERS

NOTHING = Datum(None, None)


@cache  # functions are indexed before the first one runs, so nothing is registered any more
def converter_for(binding_type: str) -> Any:
    """The SDK's converter class for a binding type, or None for the types that it does not know."""
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]  # the SDK does not say
    return registry.get(binding_type)


def has_implicit_output(binding_type: str) -> bool:
    """Whether a function with this trigger may return a value without a `$return` binding."""
    return converter_for(binding_type) is None or binding_type.lower() in DURABLE_TRIGGERS


def decode(binding_type: str, datum: Datum, metadata: Mapping[str, Datum], *, is_raw: bool) -> Any:
    """The Python value of a trigger or an input. Raises TypeError when the SDK does not take such data."""
    converter = converter_for(binding_type)
    if is_raw or converter is None:
        return _decode_generic(datum)
    try:
        return converter.decode(datum, trigger_metadata=metadata)
    except NotImplementedError:
        raise TypeError(
            f"unable to decode incoming TypedData: unsupported combination of TypedData field {datum.type!r}"
            f" and expected binding type {binding_type!r}"
        ) from None


def encode(binding_type: str, value: Any, *, is_raw: bool, expected_type: Any = None) -> Datum:
    """What an output value becomes. Raises TypeError when the SDK does not take such a value."""
    if binding_type == "http" and isinstance(value, func.HttpResponse):
        return Datum(value, "http")  # the SDK's own encoding loses repeated headers
    converter = converter_for(binding_type)
    try:
        if is_raw or converter is None:
            return _encode_generic(value)
        encoded: Datum = converter.encode(value, expected_type=expected_type)
    except NotImplementedError:
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "{binding_type}" for Python type'
            f' "{type(value).__name__}"'
        ) from None
    return encoded


def _decode_generic(datum: Datum) -> Any:
    if datum.type in {"string", "bytes", "json"}:
        return datum.value
    if datum.type is None:
        return None
    raise ValueError(f'unexpected type of data received for the "generic" binding: {datum.type!r}')


_GENERIC_TYPES: tuple[tuple[type, str], ...] = (
    (str, "string"),
    (bytes, "bytes"),
    (bytearray, "bytes"),
    (dict, "dict"),
    (list, "list"),
    (int, "int"),
    (float, "double"),
)


def _encode_generic(value: Any) -> Datum:
    if value is None:
        return NOTHING
    for python_type, datum_type in _GENERIC_TYPES:
        if isinstance(value, python_type):
            return Datum(value, datum_type)
    raise NotImplementedError(type(value).__name__)
