"""Partial document update: six operations, applied in order to a copy, all or none."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from localazure.cosmos.errors import BadRequest
from localazure.cosmos.writer import SYSTEM_PROPERTIES

MAX_OPERATIONS: Final = 10

Parent = dict[str, Any] | list[Any]


def check_operations(operations: object, key_paths: tuple[tuple[str, ...], ...]) -> list[Mapping[str, Any]]:
    """The operations, once their number and their targets are permitted. Raises BadRequest."""
    if not isinstance(operations, list) or not 1 <= len(operations) <= MAX_OPERATIONS:
        raise BadRequest(f"A patch has 1 to {MAX_OPERATIONS} operations.")
    for operation in operations:
        if not isinstance(operation, Mapping):
            raise BadRequest("A patch operation must be an object.")
        for name in ("path", "from"):
            if name in operation:
                _check_target(pointer(operation[name]), key_paths)
    return operations


def apply(document: Mapping[str, Any], operations: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The document after the operations. Raises BadRequest for the first that cannot be applied."""
    result: dict[str, Any] = copy.deepcopy(dict(document))
    for operation in operations:
        kind = str(operation.get("op"))
        if kind not in _OPERATIONS:
            raise BadRequest(f"The patch operation {kind!r} is not known.")
        _OPERATIONS[kind](result, operation)
    return result


def pointer(text: object) -> list[str]:
    """The segments of a JSON pointer. Raises BadRequest."""
    if not isinstance(text, str) or not text.startswith("/") or text == "/":
        raise BadRequest(f"{text!r} is not a path to a property.")
    return [segment.replace("~1", "/").replace("~0", "~") for segment in text[1:].split("/")]


def _check_target(path: list[str], key_paths: tuple[tuple[str, ...], ...]) -> None:
    if path[0] == "id" or path[0] in SYSTEM_PROPERTIES or tuple(path) in key_paths:
        raise BadRequest(f"The property /{'/'.join(path)} cannot be patched.")


def _add(document: dict[str, Any], operation: Mapping[str, Any]) -> None:
    _insert(document, pointer(operation.get("path")), _value(operation))


def _set(document: dict[str, Any], operation: Mapping[str, Any]) -> None:
    parent, last = _parent(document, pointer(operation.get("path")))
    if isinstance(parent, dict):
        parent[last] = _value(operation)
    elif last == "-" or _index(last, len(parent)) == len(parent):
        parent.append(_value(operation))
    else:
        parent[int(last)] = _value(operation)


def _replace(document: dict[str, Any], operation: Mapping[str, Any]) -> None:
    parent, key = _existing(document, pointer(operation.get("path")))
    parent[key] = _value(operation)


def _remove(document: dict[str, Any], operation: Mapping[str, Any]) -> None:
    parent, key = _existing(document, pointer(operation.get("path")))
    del parent[key]


def _increment(document: dict[str, Any], operation: Mapping[str, Any]) -> None:
    path, by = pointer(operation.get("path")), _value(operation)
    parent, last = _parent(document, path)
    if isinstance(parent, dict) and last not in parent:
        parent[last] = _number(by)
        return
    found, key = _existing(document, path)
    found[key] = _sum(_number(found[key]), _number(by))


def _move(document: dict[str, Any], operation: Mapping[str, Any]) -> None:
    source, target = pointer(operation.get("from")), pointer(operation.get("path"))
    if target[: len(source)] == source and target != source:
        raise BadRequest("A value cannot be moved into itself.")
    parent, key = _existing(document, source)
    value = parent[key]
    del parent[key]
    _insert(document, target, value)


_OPERATIONS: Final[Mapping[str, Callable[[dict[str, Any], Mapping[str, Any]], None]]] = {
    "add": _add,
    "set": _set,
    "replace": _replace,
    "remove": _remove,
    "incr": _increment,
    "move": _move,
}


def _insert(document: dict[str, Any], path: list[str], value: Any) -> None:
    parent, last = _parent(document, path)
    if isinstance(parent, dict):
        parent[last] = value
    else:
        parent.insert(len(parent) if last == "-" else _index(last, len(parent)), value)


def _parent(document: dict[str, Any], path: list[str]) -> tuple[Parent, str]:
    node: Any = document
    for segment in path[:-1]:
        if isinstance(node, dict) and segment in node:
            node = node[segment]
        elif isinstance(node, list):
            node = node[_index(segment, len(node) - 1)]
        else:
            raise BadRequest(f"The path /{'/'.join(path)} leads through a property that does not exist.")
    if not isinstance(node, dict | list):
        raise BadRequest(f"The path /{'/'.join(path)} leads through a value that has no members.")
    return node, path[-1]


def _existing(document: dict[str, Any], path: list[str]) -> tuple[Any, str | int]:
    parent, last = _parent(document, path)
    if isinstance(parent, list):
        return parent, _index(last, len(parent) - 1)
    if last not in parent:
        raise BadRequest(f"The property /{'/'.join(path)} does not exist.")
    return parent, last


def _index(segment: str, greatest: int) -> int:
    if not (segment.isascii() and segment.isdigit()) or int(segment) > greatest:
        raise BadRequest(f"The array index {segment!r} is out of range.")
    return int(segment)


def _value(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise BadRequest(f"The patch operation {operation.get('op')!r} needs a value.")
    return copy.deepcopy(operation["value"])


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"{value!r} is not a number that can be incremented.")
    return value


def _sum(left: float, right: float) -> int | float:
    """Fractions add up to whole numbers as whole numbers."""
    try:
        total: int | float = left + right
        float(total)
    except OverflowError:
        total = math.inf
    if abs(total) == math.inf:
        raise BadRequest("The incremented number is outside the range of a double.")
    return int(total) if total == int(total) else total
