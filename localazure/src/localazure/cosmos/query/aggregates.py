"""Aggregate functions: each is fed one value per row of its group. Undefined values never count."""

from __future__ import annotations

from typing import Any, Final, Protocol

from localazure.cosmos.query.operators import CHAINED
from localazure.cosmos.query.values import UNDEFINED, distinct, is_array, is_object, sort_key


class Aggregate(Protocol):
    """The running state of one aggregate over one group."""

    def add(self, value: Any) -> None:
        """Take the value of one more row; never UNDEFINED."""
        ...

    def result(self) -> Any:
        """The aggregate of the values so far."""
        ...


class Count:
    """How many values are defined."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Any) -> None:  # noqa: ARG002  # what the value is does not matter
        self._count += 1

    def result(self) -> Any:
        return self._count


class CountIf(Count):
    """How many values are true."""

    def add(self, value: Any) -> None:
        if value is True:
            super().add(value)


class Sum:
    """The sum, undefined as soon as one value is not a number; 0 without values."""

    def __init__(self) -> None:
        self._total: Any = 0

    def add(self, value: Any) -> None:
        self._total = CHAINED["+"](self._total, value)

    def result(self) -> Any:
        return self._total


class Average(Sum):
    """The mean, undefined without values."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def add(self, value: Any) -> None:
        super().add(value)
        self._count += 1

    def result(self) -> Any:
        return CHAINED["/"](super().result(), self._count)


class Max:
    """The last value in sort order, undefined without values or as soon as one is an array or object."""

    def __init__(self) -> None:
        self._best: Any = UNDEFINED
        self._valid = True

    def add(self, value: Any) -> None:
        if is_array(value) or is_object(value):
            self._valid = False
        elif self._best is UNDEFINED or self._improves(value):
            self._best = value

    def _improves(self, value: Any) -> bool:
        return sort_key(value) > sort_key(self._best)

    def result(self) -> Any:
        return self._best if self._valid else UNDEFINED


class Min(Max):
    """The first value in sort order, under the same conditions."""

    def _improves(self, value: Any) -> bool:
        return sort_key(value) < sort_key(self._best)


class MakeList:
    """All values in the order of the rows."""

    def __init__(self) -> None:
        self._values: list[Any] = []

    def add(self, value: Any) -> None:
        self._values.append(value)

    def result(self) -> Any:
        return self._values


class MakeSet(MakeList):
    """The distinct values, each where it came first."""

    def result(self) -> Any:
        return list(distinct(super().result()))


AGGREGATES: Final[dict[str, type[Aggregate]]] = {
    "COUNT": Count,
    "COUNTIF": CountIf,
    "SUM": Sum,
    "AVG": Average,
    "MIN": Min,
    "MAX": Max,
    "MAKELIST": MakeList,
    "MAKESET": MakeSet,
}
