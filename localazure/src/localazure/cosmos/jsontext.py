"""JSON in and out, as strict as the service and as faithful as Python allows.

Numbers keep their text as far as `int` and `float` do, NaN and Infinity are refused, and a lone surrogate, which is
legal in JSON and illegal in UTF-8, travels as an ASCII escape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localazure.cosmos.errors import BadRequest

MAX_DEPTH = 128

_plain = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ascii = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))
_canonical = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), sort_keys=True)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def parse(text: str) -> Any:
    """The value of a text that this module wrote."""
    return json.loads(text)


def parse_body(body: bytes) -> Any:
    """The value of a request body. Raises BadRequest when it is not UTF-8 JSON or nested too deeply."""
    try:
        text = body.decode()
        value = _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.") from error
    check_depth(text, value)
    return value


def check_depth(text: str, value: Any) -> None:
    """Raises BadRequest when a value, whose text this is, is nested too deeply."""
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise BadRequest(f"The document is nested deeper than {MAX_DEPTH} levels.")


def parse_object(body: bytes) -> dict[str, Any]:
    """The same for a body that must be a JSON object."""
    value = parse_body(body)
    if not isinstance(value, dict):
        raise BadRequest("The request body must be a JSON object.")
    return value


def dump(value: Any) -> str:
    """Compact text that can be encoded as UTF-8. Raises BadRequest for numbers that JSON cannot say."""
    try:
        text = _plain.encode(value)
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError:
        return _ascii.encode(value)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The value cannot be stored as JSON: {error}.") from error
    return text


def utf8_size(text: str) -> int:
    """How many bytes a text has on the wire."""
    return len(text) if text.isascii() else len(text.encode())


def canonical(value: Any) -> str:
    """A text that is equal for equal values: numbers as doubles, object keys in order."""
    return _canonical.encode(as_doubles(value))


def as_doubles(value: Any) -> Any:
    """The value with every number as the service compares it. Raises BadRequest beyond the range of a double."""
    match value:
        case bool() | None | str():
            return value
        case int() | float():
            return _as_double(value)
        case list():
            return [as_doubles(member) for member in value]
        case Mapping():
            return {name: as_doubles(member) for name, member in value.items()}
    return value


def _as_double(value: float) -> int | float:
    try:
        double = float(value)
    except OverflowError as error:
        raise BadRequest("A number is outside the range of a double.") from error
    if double.is_integer() and abs(double) < 1e21:
        return int(double)  # shortest text, and -0.0 becomes 0
    return double


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [node for node in level if isinstance(node, dict | list)]:
        depth += 1
        level = [child for node in level for child in (node.values() if isinstance(node, dict) else node)]
    return depth
