"""When a document must have been written last for a WHERE clause to be true of it: what it demands of `_ts`.

Every document has the property, the service keeps it, and it is a whole number of seconds: an interval of it can be
left to the store. The interval may be too wide, never too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from localazure.cosmos.query.nodes import And, Between, Comparison, Constant, Expression, Name, Or, Parameter, Path
from localazure.cosmos.query.values import is_number

Interval: TypeAlias = tuple[int, int]  # both ends included

LEAST: Final = -(2**62)
GREATEST: Final = 2**62
ALWAYS: Final[Interval] = (LEAST, GREATEST)

_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


def written(condition: Expression | None, alias: str, parameters: Mapping[str, Any]) -> Interval:
    """The interval of `_ts` outside of which the condition is true of no document that `alias` stands for."""
    if isinstance(condition, And):
        return _folded(condition.operands, alias, parameters, _intersection)
    if isinstance(condition, Or):
        return _folded(condition.operands, alias, parameters, _union)
    timestamp = Path(Name(alias, span=(0, 0)), (Constant("_ts", span=(0, 0)),), span=(0, 0))
    if isinstance(condition, Between) and condition.operand == timestamp:
        low, high = (_number(end, parameters) for end in (condition.low, condition.high))
        return _intersection(_compared(">=", low), _compared("<=", high))
    if isinstance(condition, Comparison) and condition.operator in _MIRRORED:
        if condition.left == timestamp:
            return _compared(condition.operator, _number(condition.right, parameters))
        if condition.right == timestamp:
            return _compared(_MIRRORED[condition.operator], _number(condition.left, parameters))
    return ALWAYS


def _folded(
    conditions: tuple[Expression, ...],
    alias: str,
    parameters: Mapping[str, Any],
    join: Callable[[Interval, Interval], Interval],
) -> Interval:
    first, *others = (written(condition, alias, parameters) for condition in conditions)
    for other in others:
        first = join(first, other)
    return first


def _intersection(one: Interval, other: Interval) -> Interval:
    return max(one[0], other[0]), min(one[1], other[1])


def _union(one: Interval, other: Interval) -> Interval:
    return min(one[0], other[0]), max(one[1], other[1])


def _number(expression: Expression, parameters: Mapping[str, Any]) -> float | None:
    """The number that an expression is for every document, None if it is none or too large to matter."""
    if not isinstance(expression, Constant | Parameter):
        return None
    value = expression.value if isinstance(expression, Constant) else parameters[expression.name]
    return value if is_number(value) and abs(value) < GREATEST else None


def _compared(operator: str, number: float | None) -> Interval:
    if number is None:
        return ALWAYS
    low = LEAST if operator.startswith("<") else math.floor(number)
    high = GREATEST if operator.startswith(">") else math.ceil(number)
    return low, high
