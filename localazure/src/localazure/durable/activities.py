"""Runs activities, at most so many at once, and sends their results to the orchestrations that wait for them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Set

from localazure.durable.actions import HTTP_ACTIVITY
from localazure.durable.context import HubContext, drain
from localazure.durable.durable_http import HttpCalls
from localazure.durable.errors import UnknownFunction
from localazure.durable.events import Event, EventType, completion, failure
from localazure.durable.functions import FunctionFailure, FunctionKind
from localazure.durable.payloads import excess
from localazure.durable.records import Activity, Message
from localazure.durable.texts import activity_failed

log = logging.getLogger("localazure.durable")


class Activities:
    """An activity runs at least once: again, when the process ends before its result is stored."""

    def __init__(self, hub: HubContext, deliver: Callable[[str, Message], None]) -> None:
        self._hub = hub
        self._deliver = deliver
        self._http = HttpCalls()
        self._queue: deque[Activity] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._accepting = True

    def add(self, activities: Iterable[Activity]) -> None:
        self._queue.extend(activities)
        self._fill()

    @property
    def running(self) -> Set[asyncio.Task[None]]:
        return self._running

    @property
    def is_idle(self) -> bool:
        return not self._running

    async def stop(self, grace_s: float) -> None:
        """Start no more, wait for those that run, and give up those that take too long."""
        self._accepting = False
        await drain(self._running, grace_s)
        await self._http.close()

    def _fill(self) -> None:
        wanted = min(self._hub.settings.max_concurrent_activities - len(self._running), len(self._queue))
        for _ in range(wanted if self._accepting else 0):
            self._running.add(asyncio.create_task(self._work_off(self._queue.popleft())))

    async def _work_off(self, activity: Activity | None) -> None:
        """Run an activity, and then others as long as some wait: a task for each would cost more than many do."""
        try:
            while activity is not None:
                await self._run(activity)
                activity = self._queue.popleft() if self._accepting and self._queue else None
        finally:
            self._running.discard(asyncio.current_task())

    async def _run(self, activity: Activity) -> None:
        ended = await self._execute(activity)
        result = Message(self._hub.next_seq(), activity.execution_id, ended)  # numbered as it arrives, not as it began
        self._hub.store.finish_activity(activity, result)
        self._deliver(activity.instance_id, result)

    async def _execute(self, activity: Activity) -> Event:
        try:
            result = await self._call(activity)
        except FunctionFailure as failed:
            reason = activity_failed(activity.name, failed)
            log.warning("%s [instance %s]", reason, activity.instance_id)
            return self._failure(activity, reason, failed.stack)
        except UnknownFunction as unknown:
            log.warning("%s [instance %s]", unknown, activity.instance_id)
            return self._failure(activity, str(unknown), None)
        except Exception as defect:
            log.exception("a defect of the host: activity %s [instance %s]", activity.name, activity.instance_id)
            text = activity_failed(activity.name, FunctionFailure(type(defect).__name__, str(defect)))
            return self._failure(activity, text, None)
        return completion(EventType.TASK_COMPLETED, activity.task_id, result, self._hub.clock.now())

    async def _call(self, activity: Activity) -> str:
        if activity.name == HTTP_ACTIVITY:
            result = await self._http.call(activity.input)
        else:
            name = self._hub.resolve(FunctionKind.ACTIVITY, activity.name)
            result = await self._hub.functions.call_activity(name, activity.instance_id, activity.input)
        problem = excess("The result", result, self._hub.settings.max_payload_bytes)
        if problem is not None:
            raise FunctionFailure("PayloadTooLarge", problem)
        return result

    def _failure(self, activity: Activity, reason: str, details: str | None) -> Event:
        return failure(EventType.TASK_FAILED, activity.task_id, reason, details, self._hub.clock.now())
