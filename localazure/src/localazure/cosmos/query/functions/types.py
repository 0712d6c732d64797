"""Type tests, conversions of type and the few functions that fit no other group."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import Any

from localazure.cosmos.query import values
from localazure.cosmos.query.functions.registry import ANY, ARRAY, DEFINED, NUMBER, OBJECT, STRING, Group, defined
from localazure.cosmos.query.values import UNDEFINED, number, to_json

GROUP = Group()


def _whole(value: Any) -> bool:
    return values.is_integer(value) and -(2**63) <= value < 2**63


for _name, _test in {
    "IS_DEFINED": defined,
    "IS_NULL": lambda value: value is None,
    "IS_BOOL": values.is_boolean,
    "IS_NUMBER": values.is_number,
    "IS_INTEGER": _whole,
    "IS_FINITE_NUMBER": lambda value: values.is_number(value) and math.isfinite(value),
    "IS_STRING": values.is_string,
    "IS_ARRAY": values.is_array,
    "IS_OBJECT": values.is_object,
    "IS_PRIMITIVE": values.is_primitive,
}.items():
    GROUP.add(_name, ANY)(_test)


@GROUP.add("ToString", DEFINED)
def to_string(value: Any) -> str:
    """Strings as they are, everything else as JSON text."""
    return value if type(value) is str else to_json(value)


def _parsed(accepts: Callable[[Any], bool]) -> Callable[[str], Any]:
    """A conversion from JSON text, undefined unless the text holds a value of the wanted type."""

    def parse(text: str) -> Any:
        try:
            value = json.loads(text, parse_constant=_reject)
        except (ValueError, RecursionError):
            return UNDEFINED
        return value if accepts(value) else UNDEFINED

    return parse


def _reject(name: str) -> Any:
    raise ValueError(name)


for _name, _test in {
    "StringToBoolean": values.is_boolean,
    "StringToNull": lambda value: value is None,
    "StringToArray": values.is_array,
    "StringToObject": values.is_object,
}.items():
    GROUP.add(_name, STRING)(_parsed(_test))


@GROUP.add("StringToNumber", STRING)
def string_to_number(text: str) -> Any:
    """The number a JSON text stands for."""
    value = _parsed(values.is_number)(text)
    return value if value is UNDEFINED else number(value)


@GROUP.add("IIF", ANY, ANY, ANY)
def iif(condition: Any, yes: Any, no: Any) -> Any:
    """The second argument when the first is true, else the third."""
    return yes if condition is True else no


@GROUP.add("DocumentId", OBJECT)
def document_id(document: dict[str, Any]) -> Any:
    """The number of the document within its container: the last eight bytes of its `_rid`."""
    rid = document.get("_rid")
    try:
        raw = base64.b64decode(rid.replace("-", "/"), validate=True) if isinstance(rid, str) else b""
    except ValueError:
        return UNDEFINED
    return int.from_bytes(raw[8:16], "little") if len(raw) == 16 else UNDEFINED


@GROUP.add("VectorDistance", ARRAY, ARRAY, optional=(values.is_boolean, OBJECT))
def vector_distance(left: list[Any], right: list[Any], exact: bool = True, options: Any = None) -> Any:  # noqa: ARG001  # see below
    """Similarity of two vectors of equal length; every search here is exact, so the third argument changes nothing."""
    if len(left) != len(right) or not all(map(values.is_number, [*left, *right])):
        return UNDEFINED
    kind = str((options or {}).get("distanceFunction", "cosine")).lower()
    product = sum(a * b for a, b in zip(left, right, strict=True))
    if kind == "dotproduct":
        return number(product)
    if kind == "euclidean":
        return number(math.dist(left, right))
    lengths = math.hypot(*left) * math.hypot(*right)
    return number(product / lengths) if lengths else UNDEFINED


@GROUP.add("ST_DISTANCE", OBJECT, OBJECT)
def st_distance(left: dict[str, Any], right: dict[str, Any]) -> Any:
    """Metres between two GeoJSON points on a sphere of the mean radius of the Earth."""
    first, second = _position(left), _position(right)
    if first is None or second is None:
        return UNDEFINED
    (longitude, latitude), (other_longitude, other_latitude) = first, second
    haversine = (
        math.sin((other_latitude - latitude) / 2) ** 2
        + math.cos(latitude) * math.cos(other_latitude) * math.sin((other_longitude - longitude) / 2) ** 2
    )
    return number(2 * 6_371_008.8 * math.asin(min(1.0, math.sqrt(haversine))))


def _position(point: dict[str, Any]) -> tuple[float, float] | None:
    coordinates = point.get("coordinates")
    if point.get("type") != "Point" or type(coordinates) is not list or len(coordinates) < 2:
        return None
    if not all(map(NUMBER, coordinates[:2])):
        return None
    return math.radians(coordinates[0]), math.radians(coordinates[1])
