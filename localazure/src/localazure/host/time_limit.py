"""One time limit for all invocations: since it is the same for each, they end in the order in which they began.

So one alarm is enough, for the oldest of them, and an invocation costs no timer of its own.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any


class TimeLimitExpired(Exception):
    """What ran was cancelled, because its time was over."""


class TimeLimit:
    """Cancels tasks that run longer than `limit`; None is no limit. For one event loop only."""

    def __init__(self, limit: timedelta | None) -> None:
        self.limit = limit
        self._ends: dict[asyncio.Task[Any], float] = {}  # oldest first
        self._expired: set[asyncio.Task[Any]] = set()
        self._alarm: asyncio.TimerHandle | None = None

    def begin(self, task: asyncio.Task[Any]) -> None:
        """Cancel a task when its time is over; it must be told to `end`."""
        if self.limit is None:
            return
        loop = task.get_loop()
        self._ends[task] = end = loop.time() + self.limit.total_seconds()
        if self._alarm is None:
            self._alarm = loop.call_at(end, self._look, loop)

    def has_expired(self, task: asyncio.Task[Any]) -> bool:
        """Whether its time was over, and nobody else has cancelled it."""
        return task in self._expired and task.cancelling() == 1

    def end(self, task: asyncio.Task[Any]) -> None:
        """Let it go on, even if it was cancelled here."""
        self._ends.pop(task, None)
        if task in self._expired:
            self._expired.remove(task)
            task.uncancel()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = None
        for task, end in list(self._ends.items()):
            if end > loop.time():
                self._alarm = loop.call_at(end, self._look, loop)
                return
            del self._ends[task]
            self._expired.add(task)
            task.cancel()
