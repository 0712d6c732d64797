"""How fast the hub lives: as fast as it can, or so that each transaction is a commit of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class Pace:
    """Hands out turns to whatever the hub calls and to clients.

    A hub puts all changes that wait into one commit, and which ones that are is a matter of microseconds. With
    `one_by_one` a turn begins only when nobody else has one, and when all that was asked of the store before is on
    disk: `settle` waits for that. So the moments of a life are the same each time, and no transaction hides in the
    commit of another.
    """

    def __init__(self, settle: Callable[[], Awaitable[None]], *, one_by_one: bool) -> None:
        self._settle = settle
        self._one_by_one = one_by_one
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        if not self._one_by_one:
            yield
            return
        async with self._lock:
            await self._settle()
            yield
