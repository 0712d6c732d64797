"""TOP, OFFSET and LIMIT."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from localazure.cosmos.query.errors import BAD_BOUND, QueryError, undeclared_parameter
from localazure.cosmos.query.nodes import Constant, Parameter, Query
from localazure.cosmos.query.values import is_integer

_T = TypeVar("_T")

_BEYOND_EVERY_ROW = 2**53


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which of the ordered rows a query delivers; None means no bound. TOP counts behind OFFSET and LIMIT."""

    top: int | None
    offset: int
    limit: int | None

    @property
    def count(self) -> int | None:
        """The greatest number of rows delivered."""
        given = [bound for bound in (self.top, self.limit) if bound is not None]
        return min(given) if given else None

    def apply(self, rows: Iterable[_T]) -> Iterator[_T]:
        """The rows within the bounds; no more rows are fetched than needed."""
        count = self.count
        return islice(rows, self.offset, None if count is None else self.offset + count)


def read_bounds(query: Query, parameters: Mapping[str, Any]) -> Bounds:
    """The bounds of a query. Raises QueryError SC2061 for anything but whole numbers from 0 on."""
    return Bounds(_read(query.top, parameters), _read(query.offset, parameters) or 0, _read(query.limit, parameters))


def _read(bound: Constant | Parameter | None, parameters: Mapping[str, Any]) -> int | None:
    if bound is None:
        return None
    if isinstance(bound, Constant):
        return min(int(bound.value), _BEYOND_EVERY_ROW)
    if bound.name not in parameters:
        raise undeclared_parameter(bound.name, bound.span)
    value = parameters[bound.name]
    if not is_integer(value) or value < 0:
        raise QueryError(BAD_BOUND, "TOP, OFFSET and LIMIT need a whole number from 0 on.", *bound.span)
    return min(int(value), _BEYOND_EVERY_ROW)
