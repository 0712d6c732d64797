"""A value from elsewhere that is kept, renewed in the background, and outlives an outage of where it comes from."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Refreshing(Generic[T]):
    """`get` fetches once, then answers from memory.

    After `fresh_s` seconds the next call starts one renewal in the background and is still answered at once. While
    renewals fail, the last value serves until it is `usable_s` seconds old; then `get` waits, and raises what `fetch`
    raises. `name` is for the log; the value is never logged.
    """

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[T]],
        *,
        fresh_s: float,
        usable_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._fetch = fetch
        self._fresh_s = fresh_s
        self._usable_s = usable_s
        self._clock = clock
        self._last: tuple[T, float] | None = None
        self._renewal: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The value, at most `usable_s` seconds old. Raises what `fetch` raises."""
        if self._last is None:
            return await self.renew()
        value, fetched_at = self._last
        age = self._clock() - fetched_at
        if age > self._usable_s:
            return await self.renew()
        if age > self._fresh_s:
            self._start_renewal()
        return value

    async def renew(self) -> T:
        """Fetch now, or join the fetch that is under way. Raises what `fetch` raises."""
        return await asyncio.shield(self._start_renewal())

    @property
    def age_s(self) -> float:
        """Seconds since the last successful fetch."""
        return self._clock() - self._last[1] if self._last else float("inf")

    def _start_renewal(self) -> asyncio.Task[T]:
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._fetch_and_keep())
            self._renewal.add_done_callback(self._report)
        return self._renewal

    async def _fetch_and_keep(self) -> T:
        value = await self._fetch()
        self._last = (value, self._clock())
        return value

    def _report(self, renewal: asyncio.Task[T]) -> None:
        if renewal.cancelled() or renewal.exception() is None:
            return
        kept = f"the last value, {self.age_s:.0f} s old, is kept" if self._last else "there is no value yet"
        _log.warning("renewing %s failed: %s; %s", self._name, type(renewal.exception()).__name__, kept)
