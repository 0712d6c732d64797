"""Property paths of partition keys, unique keys and index policies: `/a/b`, `/"x y"/c`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localazure.cosmos.errors import BadRequest

PropertyPath = tuple[str, ...]

_STEP = re.compile(r'/(?:"((?:[^"\\]|\\.)*)"|([^/"]+))')


def parse_path(text: object) -> PropertyPath:
    """The names along a path. Raises BadRequest when it is none."""
    if not isinstance(text, str) or not re.fullmatch(f"(?:{_STEP.pattern})+/?", text):
        raise BadRequest(f"{text!r} is not a property path.")
    return tuple(quoted.replace('\\"', '"') if quoted else plain for quoted, plain in _STEP.findall(text))


def value_at(document: Mapping[str, Any], path: PropertyPath) -> Any:
    """What the document holds there; null when it holds nothing, which is how unique keys see it."""
    value: Any = document
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
