"""What names mean at one place of a query, and the values they have while it runs.

Every alias gets a slot number when the query is compiled; at run time a `Frame` holds the values by slot. A subquery
continues the numbering of the query around it, so an inner frame is the outer one with values appended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

from localazure.cosmos.query.aggregates import Aggregate
from localazure.cosmos.query.errors import MISPLACED_AGGREGATE, NOT_GROUPED, UNRESOLVED, QueryError
from localazure.cosmos.query.nodes import Call, Expression, Name


@dataclass(frozen=True, slots=True)
class Context:
    """What comes with the request: parameter values by `@name`, and the time."""

    parameters: Mapping[str, Any]
    now: datetime


@dataclass(slots=True)
class Frame:
    """One row in the making."""

    values: tuple[Any, ...]
    context: Context

    def bind(self, value: Any) -> Frame:
        """This row with the next slot filled."""
        return Frame((*self.values, value), self.context)


Evaluator: TypeAlias = Callable[[Frame], Any]


@dataclass(slots=True)
class Aggregation:
    """The aggregates met in one select list; their results stand in `slot` as a tuple in this order."""

    slot: int
    calls: list[tuple[type[Aggregate], Evaluator]] = field(default_factory=list)

    def add(self, kind: type[Aggregate], argument: Evaluator) -> Evaluator:
        """Register an aggregate; the evaluator reads its result."""
        slot, index = self.slot, len(self.calls)
        self.calls.append((kind, argument))
        return lambda frame: frame.values[slot][index]


@dataclass(frozen=True, slots=True)
class Scope:
    """Aliases by slot and the number of slots in use.

    Behind a GROUP BY (or an aggregate) a row stands for many: `keys` maps each grouping expression to its place in
    slot `width - 2`, the aliases in `ungrouped` have no single value, and aggregates are gathered in `aggregation`,
    whose arguments are compiled in `rows`, the scope before grouping.
    """

    slots: Mapping[str, int] = field(default_factory=dict)
    width: int = 0
    keys: Mapping[Expression, Evaluator] = field(default_factory=dict)
    ungrouped: frozenset[str] = frozenset()
    aggregation: Aggregation | None = None
    rows: Scope | None = None

    def bind(self, alias: str | None) -> Scope:
        """This scope with one more slot, named or not."""
        if alias is None:
            return replace(self, width=self.width + 1)
        return replace(
            self,
            slots={**self.slots, alias: self.width},
            width=self.width + 1,
            keys={} if alias in self.slots else self.keys,
            ungrouped=self.ungrouped - {alias},
        )

    def grouped(self, outer: Scope, keys: tuple[Expression, ...]) -> tuple[Scope, Aggregation]:
        """The scope of a select list whose rows are groups of rows of this scope, and where its aggregates gather.

        A frame of it holds the values of `outer`, then the tuple of keys, then the tuple of aggregates.
        """
        slot = outer.width
        aggregation = Aggregation(slot + 1)
        scope = Scope(
            slots=self.slots,
            width=slot + 2,
            keys={**outer.keys, **{key: _key_reader(slot, index) for index, key in enumerate(keys)}},
            ungrouped=outer.ungrouped | {name for name, taken in self.slots.items() if taken >= slot},
            aggregation=aggregation,
            rows=self,
        )
        return scope, aggregation

    def inner(self) -> Scope:
        """The scope in which a subquery starts: the same names, no aggregates of this query."""
        return replace(self, aggregation=None, rows=None)

    def slot(self, name: Name) -> int:
        """Where the value of an alias is. Raises QueryError for a name unknown or without a single value here."""
        if name.name in self.ungrouped:
            message = f"'{name.name}' is neither inside an aggregate nor part of GROUP BY."
            raise QueryError(NOT_GROUPED, message, *name.span)
        if name.name not in self.slots:
            raise QueryError(UNRESOLVED, f"Identifier '{name.name}' could not be resolved.", *name.span)
        return self.slots[name.name]

    def aggregate(self, call: Call) -> tuple[Aggregation, Scope]:
        """Where to register an aggregate and the scope of its argument. Raises QueryError where none may stand."""
        if self.aggregation is None or self.rows is None:
            raise QueryError(MISPLACED_AGGREGATE, f"The aggregate {call.name} cannot be used here.", *call.span)
        return self.aggregation, self.rows


def _key_reader(slot: int, index: int) -> Evaluator:
    return lambda frame: frame.values[slot][index]
