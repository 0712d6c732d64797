"""Durable timers: one heap, one alarm for the earliest."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable
from datetime import datetime

from localazure.durable.context import HubContext
from localazure.durable.events import timer_fired
from localazure.durable.records import Message, Timer

LONGEST_SLEEP_S = 60.0
"""The loop's clock stands still while a laptop sleeps; so the alarm looks at the real one now and then."""


class Timers:
    """Delivers `TimerFired` for each timer, never before its time."""

    def __init__(self, hub: HubContext, deliver: Callable[[str, Message], None]) -> None:
        self._hub = hub
        self._deliver = deliver
        self._waiting: dict[tuple[str, int], Timer] = {}
        self._heap: list[tuple[datetime, str, int]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._running = False

    def start(self) -> None:
        self._running = True
        self.fire_due()

    def stop(self) -> None:
        self._running = False
        if self._alarm is not None:
            self._alarm.cancel()

    def add(self, timers: Iterable[Timer]) -> None:
        added = False
        for timer in timers:
            self._waiting[timer.execution_id, timer.task_id] = timer
            heapq.heappush(self._heap, (timer.fire_at, timer.execution_id, timer.task_id))
            added = True
        if added:
            self.fire_due()

    def cancel(self, execution_id: str, task_ids: Iterable[int]) -> None:
        for task_id in task_ids:
            self._waiting.pop((execution_id, task_id), None)

    def next_at(self) -> datetime | None:
        """When the earliest timer is due."""
        while self._heap:
            fire_at, execution_id, task_id = self._heap[0]
            timer = self._waiting.get((execution_id, task_id))
            if timer is not None and timer.fire_at == fire_at:
                return fire_at
            heapq.heappop(self._heap)  # cancelled, or set anew
        return None

    def fire_due(self) -> None:
        """Deliver what is due by the clock and set the alarm for the rest."""
        if not self._running:
            return
        now = self._hub.clock.now()
        while (due := self.next_at()) is not None and due <= now:
            _, execution_id, task_id = heapq.heappop(self._heap)
            timer = self._waiting.pop((execution_id, task_id))
            fired = timer_fired(task_id, timer.fire_at, now)
            self._deliver(timer.instance_id, Message(self._hub.next_seq(), execution_id, fired))
        self._set_alarm(now)

    def _set_alarm(self, now: datetime) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if (due := self.next_at()) is not None:
            wait_s = min((due - now).total_seconds(), LONGEST_SLEEP_S)
            self._alarm = asyncio.get_running_loop().call_later(wait_s, self.fire_due)
