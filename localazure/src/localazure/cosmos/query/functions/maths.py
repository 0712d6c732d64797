"""Functions on numbers. A result that is no finite number is undefined."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from localazure.cosmos.query.functions.registry import INTEGER, NUMBER, Group
from localazure.cosmos.query.values import UNDEFINED, number

GROUP = Group()


def _calculated(calculate: Callable[..., Any]) -> Callable[..., Any]:
    """`calculate` with everything outside its domain as undefined."""

    def apply(*arguments: float) -> Any:
        try:
            return number(calculate(*arguments))
        except (ValueError, OverflowError, ZeroDivisionError):
            return UNDEFINED

    return apply


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


_OF_ONE: Final[dict[str, Callable[[float], float]]] = {
    "ABS": abs,
    "CEILING": math.ceil,
    "FLOOR": math.floor,
    "TRUNC": math.trunc,
    "SIGN": _sign,
    "SQRT": math.sqrt,
    "SQUARE": lambda value: float(value) ** 2,
    "EXP": math.exp,
    "LOG10": math.log10,
    "SIN": math.sin,
    "COS": math.cos,
    "TAN": math.tan,
    "COT": lambda value: 1 / math.tan(value),
    "ASIN": math.asin,
    "ACOS": math.acos,
    "ATAN": math.atan,
    "DEGREES": math.degrees,
    "RADIANS": math.radians,
}
for _name, _body in _OF_ONE.items():
    GROUP.add(_name, NUMBER)(_calculated(_body))

GROUP.add("ATN2", NUMBER, NUMBER)(_calculated(math.atan2))
GROUP.add("POWER", NUMBER, NUMBER)(_calculated(math.pow))
GROUP.add("LOG", NUMBER, optional=(NUMBER,))(_calculated(math.log))
GROUP.add("PI")(lambda: math.pi)
GROUP.add("RAND")(random.random)


@GROUP.add("ROUND", NUMBER, optional=(INTEGER,))
def round_half_away(value: float, digits: float = 0) -> Any:
    """To `digits` places after the point (before it when negative), halves away from zero."""
    places = int(digits)
    if not -20 <= places <= 15:
        return value if places > 0 else 0
    try:
        exact = Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except InvalidOperation:  # so many digits that there are none behind the place
        return number(value)
    return number(_from_decimal(exact))


def _from_decimal(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


@GROUP.add("NumberBin", NUMBER, optional=(NUMBER,))
def number_bin(value: float, size: float = 1) -> Any:
    """The multiple of `size` at or below `value`."""
    return _calculated(lambda: math.floor(value / size) * size)() if size > 0 else UNDEFINED


def _exact(calculate: Callable[[int, int], int | None]) -> Callable[[float, float], Any]:
    """64-bit integer arithmetic; an overflow is undefined."""

    def apply(left: float, right: float) -> Any:
        result = calculate(int(left), int(right))
        return result if result is not None and -(2**63) <= result < 2**63 else UNDEFINED

    return apply


def _quotient(left: int, right: int) -> int | None:
    return abs(left) // abs(right) * _sign(left) * _sign(right) if right else None


def _remainder(left: int, right: int) -> int | None:
    return abs(left) % abs(right) * _sign(left) if right else None


for _name, _integer_body in {
    "IntAdd": lambda left, right: left + right,
    "IntSub": lambda left, right: left - right,
    "IntMul": lambda left, right: left * right,
    "IntDiv": _quotient,
    "IntMod": _remainder,
}.items():
    GROUP.add(_name, INTEGER, INTEGER)(_exact(_integer_body))
