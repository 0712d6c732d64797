"""What was read a moment ago and hardly ever changes, kept for seconds so that a burst of orders reads it once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 10_000


class Kept(Generic[T]):
    """Values by key, each at most `for_s` seconds old. Only what exists is kept; a change here is to be forgotten here.

    Another process may go on for `for_s` seconds with what it has.
    """

    def __init__(self, for_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._for_s = for_s
        self._clock = clock
        self._values: dict[tuple[str, ...], tuple[T, float]] = {}

    async def get(self, key: tuple[str, ...], fetch: Callable[[], Awaitable[T]]) -> T:
        """The value of a key, fetched unless it is kept. Raises what `fetch` raises."""
        value, until = self._values.get(key, (None, 0.0))
        if value is not None and self._clock() < until:
            return value
        self._values.pop(key, None)
        fetched = await fetch()
        if fetched is not None:
            if len(self._values) >= _MOST:
                self._values.clear()
            self._values[key] = (fetched, self._clock() + self._for_s)
        return fetched

    def forget(self, *key: str) -> None:
        """Fetch the value of this key anew when it is next needed."""
        self._values.pop(key, None)
