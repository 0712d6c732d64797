"""The invocations that run, and one time limit for all: since it is the same for each, they end in their order.

So one alarm is enough, for the oldest of them, and an invocation costs no timer of its own.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any


class TimeLimitExpired(Exception):
    """What ran was cancelled, because its time was over."""


class Running:
    """Cancels tasks that run longer than `limit`; None is no limit. For one event loop only."""

    def __init__(self, limit: timedelta | None) -> None:
        self.limit = limit
        self._began: dict[asyncio.Task[Any], float] = {}  # oldest first
        self._expired: set[asyncio.Task[Any]] = set()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def tasks(self) -> set[asyncio.Task[Any]]:
        """Those that have begun and not ended."""
        return set(self._began)

    def begin(self, task: asyncio.Task[Any]) -> None:
        """Cancel a task when its time is over; it must be told to `end`."""
        loop = task.get_loop()
        self._began[task] = loop.time()
        if self._alarm is None and self.limit is not None:
            self._alarm = loop.call_later(self.limit.total_seconds(), self._look, loop, self.limit.total_seconds())

    def has_expired(self, task: asyncio.Task[Any]) -> bool:
        """Whether its time was over, and nobody else has cancelled it."""
        return task in self._expired and task.cancelling() == 1

    def end(self, task: asyncio.Task[Any]) -> None:
        """Let it go on, even if it was cancelled here."""
        del self._began[task]
        if task in self._expired:
            self._expired.remove(task)
            task.uncancel()

    def _look(self, loop: asyncio.AbstractEventLoop, limit_s: float) -> None:
        self._alarm = None
        for task, began in self._began.items():
            if task in self._expired:
                continue
            if began + limit_s > loop.time():
                self._alarm = loop.call_at(began + limit_s, self._look, loop, limit_s)
                return
            self._expired.add(task)
            task.cancel()
