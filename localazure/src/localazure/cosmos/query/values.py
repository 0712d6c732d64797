"""JSON values as the query language sees them: seven types, one of them the absence of a value.

Python and Cosmos disagree on two points that matter everywhere: booleans are not numbers here, and a missing property
is a value (`UNDEFINED`) that spreads through most operators instead of an error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, Final, Literal, TypeAlias, TypeVar

_T = TypeVar("_T")

SortKey: TypeAlias = tuple[int, Any]


class Undefined(Enum):
    """The type of `UNDEFINED`, the value of a missing property or a failed operation."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED

# The order of types under ORDER BY, MIN and MAX.
_UNDEFINED, _NULL, _FALSE, _TRUE, _NUMBER, _STRING, _ARRAY, _OBJECT = range(8)
_RANKS: Final = {int: _NUMBER, float: _NUMBER, str: _STRING, list: _ARRAY, dict: _OBJECT, type(None): _NULL}

_LARGEST_INTEGER: Final = 2**63


def is_boolean(value: Any) -> bool:
    """Whether the value is true or false."""
    return value is True or value is False


def is_number(value: Any) -> bool:
    """Whether the value is a JSON number."""
    return type(value) is int or type(value) is float


def is_integer(value: Any) -> bool:
    """Whether the value is a whole number, however it is written."""
    return type(value) is int or (type(value) is float and value.is_integer())


def is_string(value: Any) -> bool:
    """Whether the value is a string."""
    return type(value) is str


def is_array(value: Any) -> bool:
    """Whether the value is an array."""
    return type(value) is list


def is_object(value: Any) -> bool:
    """Whether the value is an object."""
    return type(value) is dict


def is_primitive(value: Any) -> bool:
    """Whether the value is null, a boolean, a number or a string."""
    return value is None or type(value) in (bool, int, float, str)


def number(value: float) -> int | float | Undefined:
    """The result of a calculation: whole numbers are integers, what no double can hold is undefined."""
    if type(value) is int and -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        return value
    try:
        double = float(value)
    except OverflowError:
        return UNDEFINED
    if not math.isfinite(double):
        return UNDEFINED
    return int(double) if double.is_integer() and abs(double) < _LARGEST_INTEGER else double


def rank(value: Any) -> int:
    """The place of the value's type in the sort order; true and false count as types of their own."""
    if value is True:
        return _TRUE
    if value is False:
        return _FALSE
    return _RANKS.get(type(value), _UNDEFINED)


def sort_key(value: Any) -> SortKey:
    """A key that sorts values as ORDER BY does. Arrays are ties among themselves, and so are objects."""
    place = rank(value)
    return place, value if place in (_NUMBER, _STRING) else 0


def canonical(value: Any) -> Any:
    """A hashable stand-in: two values are deeply equal exactly when their stand-ins are equal."""
    kind = type(value)
    if kind is str or kind is int or kind is float or value is None:
        return value
    if kind is list:
        return ("array", tuple(canonical(item) for item in value))
    if kind is dict:
        return ("object", frozenset((key, canonical(member)) for key, member in value.items()))
    return (value,) if kind is bool else value


def same(left: Any, right: Any) -> bool:
    """Deep equality of any two values, undefined included."""
    kind = type(left)
    if kind is str or kind is bool:
        return type(right) is kind and bool(left == right)
    return bool(canonical(left) == canonical(right))


def distinct(values: Iterable[Any]) -> Iterator[Any]:
    """The values without repeats, each where it came first."""
    return first_of_each(values, key=lambda value: value)


def first_of_each(things: Iterable[_T], key: Callable[[_T], Any]) -> Iterator[_T]:
    """The things whose value did not occur before."""
    seen = set()
    for thing in things:
        if (stand_in := canonical(key(thing))) not in seen:
            seen.add(stand_in)
            yield thing


def equals(left: Any, right: Any) -> bool | Undefined:
    """The operator `=`: undefined between values of different types and for undefined itself."""
    if type(left) is str and type(right) is str:
        return bool(left == right)
    if left is UNDEFINED or right is UNDEFINED or _type(left) != _type(right):
        return UNDEFINED
    return same(left, right)


def compare(left: Any, right: Any) -> Literal[-1, 0, 1] | Undefined:
    """The order of two primitives of one type, otherwise undefined."""
    if not is_primitive(left) or _type(left) != _type(right):
        return UNDEFINED
    first, second = sort_key(left), sort_key(right)
    if first == second:
        return 0
    return -1 if first < second else 1


def _type(value: Any) -> int:
    place = rank(value)
    return _TRUE if place == _FALSE else place


def to_json(value: Any) -> str:
    """Compact JSON text; whole numbers have no fraction."""
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if type(value) is float:
        return number(value)
    if type(value) is list:
        return [_plain(item) for item in value]
    if type(value) is dict:
        return {key: _plain(member) for key, member in value.items()}
    return value
