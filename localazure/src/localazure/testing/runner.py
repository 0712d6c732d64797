"""Drives the hub under test, on its loop: lets it go idle, moves its clock, crashes it and opens it again.

A hub is idle when no task is under way but those that a rule keeps back. Only then does the clock move, to the next
moment at which something is due; so whatever can happen at one moment has happened before the next one comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from aiohttp import web

from localazure.clock import ManualClock
from localazure.host.app import App
from localazure.host.functions import DURABLE_CLIENT
from localazure.host.http.listeners import HttpListener
from localazure.testing.calls import CallLog
from localazure.testing.cast import Cast
from localazure.testing.faults import Rules, is_unforeseen
from localazure.testing.life import Life
from localazure.testing.outputs import RecordingWriter
from localazure.testing.parking import Parking


class Runner:
    """Implements `watched.Stage`. All methods are for the loop's own thread."""

    def __init__(self, app: App, state: Path, clock: ManualClock, cast: Cast) -> None:
        self.clock = clock
        self.cast = cast
        self.log = CallLog()
        self.rules = Rules()
        self.writer = RecordingWriter()
        self.parking = Parking()
        self.crashes = 0
        self.url = ""
        self._app = app
        self._state = state
        self._listener = HttpListener(self._answer)
        self._crash: asyncio.Task[None] | None = None
        logging.getLogger("localazure.durable").addFilter(is_unforeseen)
        self.life: Life

    async def open(self) -> None:
        if self._app.index.runnable("httptrigger") or self._has_durable_client:
            port = await self._listener.open("127.0.0.1", 0, "a test's hub")
            self.url = f"http://127.0.0.1:{port}"
        try:
            await self._begin()
        except BaseException:
            await self._listener.close()
            raise

    async def close(self) -> None:
        await self._crashed()
        await self.life.end(0)
        await self._listener.close()
        if self._has_durable_client:
            await _close_client_sessions()

    async def settle(self) -> None:
        """Until nothing can happen any more without a message, a release, or time passing."""
        while True:
            await self._crashed()
            self.parking.changed.clear()
            running = self.life.hub.running() - self.parking.tasks
            if running:
                await _first_of(next(iter(running)), self.parking.changed)
            elif self._crash is None and not self.parking.release_last():
                return

    async def advance_to(self, target: datetime) -> None:
        """Let time pass, and everything happen at its moment."""
        await self.settle()
        while (due := self._next_at()) is not None and due <= target:
            await self._pass_to(due)
        await self._pass_to(target)

    async def skip_until(self, is_done: Callable[[], Awaitable[bool]], limit: datetime) -> None:
        """Let time jump from moment to moment until `is_done`, until nothing is due any more, or until `limit`."""
        while not await is_done() and (due := self._next_at()) is not None and due <= limit:
            await self._pass_to(due)

    def now(self) -> datetime:
        return self.clock.now()

    def crash_soon(self) -> None:
        """Begin a crash; whoever settles waits until the hub is open again."""
        if self._crash is None or self._crash.done():
            self.parking.changed.set()
            self._crash = asyncio.create_task(self._crash_now())

    async def crash(self) -> None:
        self.crash_soon()
        await self.settle()

    async def restart(self) -> None:
        await self._crashed()
        await self.life.end(0)
        await self._begin()
        await self.settle()

    async def release(self, holder: object) -> None:
        """Let go what a rule keeps back."""
        self.parking.release(holder)
        await self.settle()

    async def _crashed(self) -> None:
        while self._crash is not None:
            crash = self._crash
            await asyncio.wait({crash})
            if self._crash is crash:
                self._crash = None
            crash.result()

    async def _crash_now(self) -> None:
        self.crashes += 1
        await self.life.perish()
        await self._begin()

    async def _begin(self) -> None:
        self.life = Life(
            self._app,
            self._state,
            self.clock,
            url=self.url,
            cast=self.cast,
            log=self.log,
            rules=self.rules,
            writer=self.writer,
            stage=self,
        )
        await self.life.begin()

    def _next_at(self) -> datetime | None:
        moments = (self.life.hub.next_timer_at(), self.parking.next_at())
        return min((moment for moment in moments if moment is not None), default=None)

    async def _pass_to(self, moment: datetime) -> None:
        self.clock.move_to(moment)
        self.life.hub.fire_due_timers()
        self.parking.release_due(moment)
        await self.settle()

    @property
    def _has_durable_client(self) -> bool:
        return any(binding.kind == DURABLE_CLIENT for each in self._app.index.functions for binding in each.inputs)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        return await self.life.doors.answer(request)


async def _first_of(task: asyncio.Task[None], changed: asyncio.Event) -> None:
    change = asyncio.ensure_future(changed.wait())
    await asyncio.wait({task, change}, return_when=asyncio.FIRST_COMPLETED)
    change.cancel()


async def _close_client_sessions() -> None:
    """The SDK's client keeps an HTTP session for the life of the process, which would complain of being forgotten."""
    from azure.durable_functions.models.utils import http_utils  # noqa: PLC0415  # only apps with a client have one

    await http_utils._close_session()
