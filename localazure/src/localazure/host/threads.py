"""Threads for plain functions, whose results come back to the event loop in batches.

A hand-over between threads costs more than most calls do, because only one of them can run Python at a time. So a
thread that has finished a call goes on with the next one, and wakes the loop for all results when there is none.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

LINGER_S = 10.0


@dataclass(slots=True, eq=False)
class _Call:
    """A call on its way to a thread and back."""

    work: Callable[[], Any]
    context: Context
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def make(self) -> None:
        try:
            self.result = self.context.run(self.work)
        except StopIteration as stop:  # a future cannot carry it
            self.error = RuntimeError("the function raised StopIteration")
            self.error.__cause__ = stop
        except BaseException as error:  # noqa: BLE001  # whatever it is, it belongs to the caller
            self.error = error

    def settle(self) -> None:
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class Threads:
    """At most `limit` threads, started when they are needed. For one event loop only.

    One thread serves all calls, which is best when they are short: it wakes the loop when no call is left. When none
    has begun for `patience_s`, helpers come for all that wait, and what is done is fetched. Helpers stay while there
    is work for them: so calls that block get threads of their own.
    """

    def __init__(self, name: str, limit: int, patience_s: float) -> None:
        self._name = name
        self._limit = limit
        self._patience_s = patience_s
        self._queue: SimpleQueue[_Call | None] = SimpleQueue()
        self._threads: set[threading.Thread] = set()
        self._running: set[_Call] = set()
        self._begun = 0
        self._done: deque[_Call] = deque()
        self._loop_is_woken = False
        self._is_watched = False

    @property
    def busy(self) -> int:
        """The number of calls that have begun and not returned; they cannot be cancelled."""
        return len(self._running)

    def run(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Call `work` in a thread, in a copy of the current context."""
        loop = asyncio.get_running_loop()
        call = _Call(work, copy_context(), loop.create_future())
        self._queue.put(call)
        if not self._threads:
            self._hire(loop, linger_s=None)
        elif not self._is_watched:
            self._watch(loop)
        return call.future

    def close(self) -> None:
        """Begin no more calls; those that wait are cancelled."""
        with suppress(Empty):
            while True:
                if (call := self._queue.get_nowait()) is not None:
                    call.future.cancel()
        for _ in tuple(self._threads):
            self._queue.put(None)

    def _hire(self, loop: asyncio.AbstractEventLoop, linger_s: float | None) -> None:
        if len(self._threads) < self._limit:
            name = f"{self._name}-{len(self._threads)}"
            thread = threading.Thread(target=self._serve, args=(loop, linger_s), name=name, daemon=True)
            self._threads.add(thread)
            thread.start()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_watched = True
        loop.call_later(self._patience_s, self._look, loop, self._begun)

    def _look(self, loop: asyncio.AbstractEventLoop, begun: int) -> None:
        """Call helpers when calls wait and none has begun since the last look."""
        self._is_watched = False
        self._settle()
        waiting = self._queue.qsize()
        if self._begun == begun:
            for _ in range(waiting):
                self._hire(loop, LINGER_S)
        if waiting:
            self._watch(loop)

    def _serve(self, loop: asyncio.AbstractEventLoop, linger_s: float | None) -> None:
        """Make calls, until there is nothing to do for `linger_s`; None is for ever."""
        with suppress(Empty):
            while (call := self._queue.get(timeout=linger_s)) is not None:
                self._begun += 1
                self._running.add(call)
                call.make()
                self._running.discard(call)
                self._done.append(call)
                if not self._loop_is_woken and self._queue.empty():
                    self._loop_is_woken = True
                    with suppress(RuntimeError):  # the loop has ended, nobody waits
                        loop.call_soon_threadsafe(self._settle)
        self._threads.discard(threading.current_thread())

    def _settle(self) -> None:
        self._loop_is_woken = False
        while self._done:
            self._done.popleft().settle()
