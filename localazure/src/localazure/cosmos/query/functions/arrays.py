"""Functions on arrays, and the two that go between arrays and other values."""

from __future__ import annotations

from typing import Any

from localazure.cosmos.query.functions.registry import ANY, ARRAY, BOOLEAN, DEFINED, INTEGER, OBJECT, Group
from localazure.cosmos.query.values import UNDEFINED, canonical, distinct, is_object, same

GROUP = Group()


@GROUP.add("ARRAY_LENGTH", ARRAY)
def array_length(array: list[Any]) -> int:
    """The number of elements."""
    return len(array)


@GROUP.add("ARRAY_CONTAINS", ARRAY, DEFINED, optional=(BOOLEAN,))
def array_contains(array: list[Any], wanted: Any, partial: bool = False) -> bool:
    """Whether an element equals `wanted`, or with `partial` has at least the members of that object."""
    if partial:
        return any(_includes(element, wanted) for element in array)
    return any(same(element, wanted) for element in array)


def _includes(value: Any, part: Any) -> bool:
    if is_object(value) and is_object(part):
        return all(key in value and _includes(value[key], member) for key, member in part.items())
    return same(value, part)


@GROUP.add("ARRAY_CONTAINS_ANY", ARRAY, ANY, rest=ANY)
def array_contains_any(array: list[Any], *wanted: Any) -> bool:
    """Whether one of the values is an element."""
    elements = set(map(canonical, array))
    return any(canonical(value) in elements for value in wanted)


@GROUP.add("ARRAY_CONTAINS_ALL", ARRAY, ANY, rest=ANY)
def array_contains_all(array: list[Any], *wanted: Any) -> bool:
    """Whether all of the values are elements."""
    elements = set(map(canonical, array))
    return all(canonical(value) in elements for value in wanted)


@GROUP.add("ARRAY_CONCAT", ARRAY, ARRAY, rest=ARRAY)
def array_concat(*arrays: list[Any]) -> list[Any]:
    """The elements of all arrays in order."""
    return [element for array in arrays for element in array]


@GROUP.add("ARRAY_SLICE", ARRAY, INTEGER, optional=(INTEGER,))
def array_slice(array: list[Any], start: float, length: float | None = None) -> list[Any]:
    """Elements from `start` on, which counts from the end when negative."""
    first = int(start) if start >= 0 else max(len(array) + int(start), 0)
    return array[first:] if length is None else array[first : first + max(int(length), 0)]


@GROUP.add("SetIntersect", ARRAY, ARRAY)
def set_intersect(left: list[Any], right: list[Any]) -> list[Any]:
    """The distinct elements of `left` that are in `right` too."""
    wanted = set(map(canonical, right))
    return list(distinct(element for element in left if canonical(element) in wanted))


@GROUP.add("SetUnion", ARRAY, ARRAY)
def set_union(left: list[Any], right: list[Any]) -> list[Any]:
    """The distinct elements of both."""
    return list(distinct([*left, *right]))


@GROUP.add("CHOOSE", INTEGER, ANY, rest=ANY)
def choose(index: float, *choices: Any) -> Any:
    """The choice with this number, counted from 1."""
    return choices[int(index) - 1] if 1 <= index <= len(choices) else UNDEFINED


@GROUP.add("ObjectToArray", OBJECT)
def object_to_array(members: dict[str, Any]) -> list[Any]:
    """One object per member: `{"k": name, "v": value}`."""
    return [{"k": key, "v": value} for key, value in members.items()]
