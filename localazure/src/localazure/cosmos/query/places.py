"""Where a row stands in the answer to a query, in a form that outlives the answer.

Rows are ordered by their sort keys, then by the number of their document, then by their own number within it. A place
says nothing about how many rows come before it, so rows that appear or vanish there do not move it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from localazure.cosmos.query.values import SortKey


class Place(NamedTuple):
    """`keys` are the sort keys of ORDER BY, `document` is the document's number and `row` tells its rows apart.

    For a group, or a value without its repeats, it is the first member that counts. Where rows do not come from single
    documents `document` is 0 and `row` counts them all.
    """

    keys: tuple[SortKey, ...]
    document: int
    row: int


class Row(NamedTuple):
    """A row of an answer and its place."""

    place: Place
    value: Any


@dataclass(frozen=True, slots=True, order=False)
class _Descending:
    """A sort key that comes the earlier the greater it is."""

    key: SortKey

    def __lt__(self, other: _Descending) -> bool:
        return other.key < self.key


def place_order(directions: Sequence[bool]) -> Callable[[Place], Any]:
    """A key function that puts places in order; a direction is True for DESC."""
    if not any(directions):
        return lambda place: place

    def order(place: Place) -> Any:
        keys = [_Descending(key) if down else key for key, down in zip(place.keys, directions, strict=True)]
        return keys, place.document, place.row

    return order
