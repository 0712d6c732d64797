"""Which documents a WHERE clause can match at all: the equalities that an index can answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from localazure.cosmos.query import intervals
from localazure.cosmos.query.nodes import (
    And,
    Call,
    Comparison,
    Constant,
    Expression,
    In,
    Name,
    Or,
    Parameter,
    Path,
    Query,
)
from localazure.cosmos.query.values import UNDEFINED, distinct, is_primitive, is_string

Equalities: TypeAlias = dict[tuple[str, ...], list[Any]]


def equalities(query: Query, parameters: Mapping[str, Any]) -> Equalities:
    """For property paths of the container's alias, the values one of which a matching document must have there.

    Every entry holds for each matching document, so any one of them may be used to narrow a scan. An empty list of
    values means that nothing can match. Only primitive values are reported.
    """
    alias = document_alias(query)
    return _Finder(alias, parameters).of(query.where) if alias and query.where is not None else {}


def written(query: Query, parameters: Mapping[str, Any]) -> intervals.Interval:
    """The seconds in which a matching document can have been written last, from and to."""
    alias = document_alias(query)
    return intervals.written(query.where, alias, parameters) if alias else intervals.ALWAYS


def document_alias(query: Query) -> str | None:
    """The name that stands for a whole document everywhere in the query, if there is one."""
    if not query.sources:
        return None
    first = query.sources[0]
    if not isinstance(first.origin, Name) or first.each:
        return None
    return None if first.alias in {source.alias for source in query.sources[1:]} else first.alias


def only_counts(query: Query) -> bool:
    """Whether the query is `SELECT VALUE COUNT(1)` over whole documents with no condition and no bounds."""
    call = query.select
    if not isinstance(call, Call) or call.name != "COUNT" or len(query.sources) != 1:
        return False
    counted = call.arguments[0]
    alias = document_alias(query)
    every = isinstance(counted, Constant) and counted.value is not UNDEFINED
    whole = isinstance(counted, Name) and counted.name == alias
    rest = (query.where, query.top, query.offset, *query.group_by, *query.order_by)
    return alias is not None and (every or whole) and not any(part is not None for part in rest)


class _Finder:
    def __init__(self, alias: str, parameters: Mapping[str, Any]) -> None:
        self._alias = alias
        self._parameters = parameters

    def of(self, condition: Expression) -> Equalities:
        """The equalities that hold wherever `condition` is true."""
        if isinstance(condition, And):
            return self._all_of(condition.operands)
        if isinstance(condition, Or):
            return self._any_of(condition.operands)
        if isinstance(condition, In):
            return self._membership(condition.operand, condition.items)
        if isinstance(condition, Comparison) and condition.operator == "=":
            return self._membership(condition.left, (condition.right,)) or self._membership(
                condition.right, (condition.left,)
            )
        return {}

    def _all_of(self, conditions: tuple[Expression, ...]) -> Equalities:
        """Of two lists for one path the shorter one narrows more."""
        found: Equalities = {}
        for condition in conditions:
            for path, wanted in self.of(condition).items():
                if path not in found or len(wanted) < len(found[path]):
                    found[path] = wanted
        return found

    def _any_of(self, conditions: tuple[Expression, ...]) -> Equalities:
        """Paths restricted in every branch, with the values of all branches."""
        branches = [self.of(condition) for condition in conditions]
        paths = set(branches[0]).intersection(*branches[1:])
        return {path: list(distinct(value for branch in branches for value in branch[path])) for path in sorted(paths)}

    def _membership(self, operand: Expression, items: tuple[Expression, ...]) -> Equalities:
        path = self._path(operand)
        fixed = [item for item in items if isinstance(item, Constant | Parameter)]
        if path is None or len(fixed) < len(items):
            return {}
        wanted = [self._value(item) for item in fixed]
        possible = [value for value in wanted if value is not UNDEFINED]
        return {path: list(distinct(possible))} if all(map(is_primitive, possible)) else {}

    def _path(self, operand: Expression) -> tuple[str, ...] | None:
        if not isinstance(operand, Path) or operand.base != Name(self._alias, span=operand.span):
            return None
        keys = [key.value for key in operand.keys if isinstance(key, Constant) and is_string(key.value)]
        return tuple(keys) if len(keys) == len(operand.keys) else None

    def _value(self, item: Constant | Parameter) -> Any:
        if isinstance(item, Constant):
            return item.value
        return self._parameters[item.name]
