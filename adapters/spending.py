"""Request units, counted for whatever is being done: each function that runs knows what its reads and writes cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

HEADER = "x-ms-request-charge"


class Spent:
    """What has been spent so far, in request units."""

    def __init__(self) -> None:
        self._ru = 0.0

    @property
    def ru(self) -> float | None:
        """The sum, to two decimals; None when the database was not asked."""
        return round(self._ru, 2) or None

    def add(self, ru: float) -> None:
        """Count one answer of the database, a refusal included."""
        self._ru += ru


_counting: ContextVar[Spent | None] = ContextVar("spent", default=None)


@contextmanager
def spending() -> Iterator[Spent]:
    """Count what the database charges for the block, and for the tasks that it starts."""
    spent = Spent()
    token = _counting.set(spent)
    try:
        yield spent
    finally:
        _counting.reset(token)


def note(response: Any) -> None:
    """Hook for the database's client: book an answer."""
    if spent := _counting.get():
        spent.add(float(response.http_response.headers.get(HEADER) or 0))
