"""What the operators do to values. Whatever does not fit the types is undefined."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from localazure.cosmos.query.values import UNDEFINED, compare, equals, is_integer, is_number, is_string, number

Binary: TypeAlias = Callable[[Any, Any], Any]


def negate(value: Any) -> Any:
    """NOT: the opposite of a boolean."""
    return not value if value is True or value is False else UNDEFINED


def both(left: Any, right: Any) -> Any:
    """AND of two values."""
    if left is False or right is False:
        return False
    return True if left is True and right is True else UNDEFINED


def _differs(left: Any, right: Any) -> Any:
    return negate(equals(left, right))


def _ordered(test: Callable[[int, int], bool]) -> Binary:
    def apply(left: Any, right: Any) -> Any:
        order = compare(left, right)
        return UNDEFINED if order is UNDEFINED else test(order, 0)

    return apply


COMPARISONS: Final[dict[str, Binary]] = {
    "=": equals,
    "!=": _differs,
    "<": _ordered(operator.lt),
    ">": _ordered(operator.gt),
    "<=": _ordered(operator.le),
    ">=": _ordered(operator.ge),
}


def between(value: Any, low: Any, high: Any) -> Any:
    """BETWEEN, both ends included."""
    return both(COMPARISONS[">="](value, low), COMPARISONS["<="](value, high))


def _numeric(calculate: Binary) -> Binary:
    def apply(left: Any, right: Any) -> Any:
        if not is_number(left) or not is_number(right):
            return UNDEFINED
        try:
            return number(calculate(left, right))
        except OverflowError:
            return UNDEFINED

    return apply


def _divide(left: Any, right: Any) -> Any:
    return left / right if right else math.nan


def _remainder(left: Any, right: Any) -> Any:
    if not right:
        return math.nan
    if type(left) is int and type(right) is int:
        return left - right * (abs(left) // abs(right)) * (1 if (left < 0) == (right < 0) else -1)
    return math.fmod(left, right)


def _bitwise(calculate: Callable[[int, int], int]) -> Binary:
    """Bit operations work on whole numbers as 64 bits in two's complement."""

    def apply(left: Any, right: Any) -> Any:
        if not _has_bits(left) or not _has_bits(right):
            return UNDEFINED
        return _signed(calculate(int(left), int(right)))

    return apply


def _has_bits(value: Any) -> bool:
    return is_integer(value) and -(2**63) <= value < 2**63


def _signed(bits: int) -> int:
    bits &= 2**64 - 1
    return bits - 2**64 if bits >= 2**63 else bits


def _concatenate(left: Any, right: Any) -> Any:
    return left + right if is_string(left) and is_string(right) else UNDEFINED


CHAINED: Final[dict[str, Binary]] = {
    "+": _numeric(operator.add),
    "-": _numeric(operator.sub),
    "*": _numeric(operator.mul),
    "/": _numeric(_divide),
    "%": _numeric(_remainder),
    "|": _bitwise(operator.or_),
    "^": _bitwise(operator.xor),
    "&": _bitwise(operator.and_),
    "<<": _bitwise(lambda value, places: value << (places & 63)),
    ">>": _bitwise(lambda value, places: value >> (places & 63)),
    ">>>": _bitwise(lambda value, places: (value & (2**64 - 1)) >> (places & 63)),
    "||": _concatenate,
}

UNARY: Final[dict[str, Callable[[Any], Any]]] = {
    "-": lambda value: number(-value) if is_number(value) else UNDEFINED,
    "+": lambda value: value if is_number(value) else UNDEFINED,
    "~": lambda value: ~int(value) if _has_bits(value) else UNDEFINED,
}
