"""One thread, one SQLite connection: work is queued, done in order, and committed in groups.

All changes that are queued while a commit is under way go into the next one, so that they share its fsync. A change
may refuse (raise a HubError) only before it has written anything; any other error takes back the whole group and is
the end of the store, because callers may already have built on what was queued.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple

from localazure.durable.errors import HubError, HubFailed
from localazure.durable.observer import Observer

log = logging.getLogger("localazure.durable")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Work = Callable[[sqlite3.Connection, *Ts], T]

READ, WRITE = "BEGIN", "BEGIN IMMEDIATE"
"""A transaction that has read before it writes does not wait for another program's: SQLite fails it at once."""


@dataclass(slots=True)
class _Item:
    """Implements `observer.Change`."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    @property
    def kind(self) -> str:
        return self.work.__name__

    @property
    def subject(self) -> Any:
        return self.arguments[0] if self.arguments else None


class SqliteThread:
    """Owns a connection made with `check_same_thread=False`, and closes it. `run` is for one event loop only.

    `only_reads`: a row that cannot be understood then concerns whoever has asked for it, and nobody else.
    """

    def __init__(
        self, connection: sqlite3.Connection, name: str, observer: Observer | None = None, *, only_reads: bool = False
    ) -> None:
        self._connection = connection
        self._observer = observer
        self._harmless = (HubError, ValueError, LookupError, TypeError) if only_reads else (HubError,)
        self._begin = READ if only_reads else WRITE
        self._waiting: list[_Item] = []
        self._queue: queue.SimpleQueue[list[_Item] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._loop = asyncio.get_running_loop()
        self._failure: HubFailed | None = None
        self._closed = False
        self._thread.start()

    def run(self, work: Work[*Ts, T], *arguments: *Ts) -> asyncio.Future[T]:
        """Queue `work(connection, *arguments)`; its result comes after the commit."""
        future = self._queue_up(work, *arguments)
        self._hand_over()
        return future

    def run_soon(self, work: Work[*Ts, T], *arguments: *Ts) -> asyncio.Future[T]:
        """As `run`, but the work is handed over with all that comes while the loop does what is ready now."""
        if not self._waiting:
            self._loop.call_soon(self._hand_over)
        return self._queue_up(work, *arguments)

    async def close(self) -> None:
        """Commit what is queued and end the thread."""
        self._closed = True
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _queue_up(self, work: Work[*Ts, T], *arguments: *Ts) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closed or self._failure is not None:
            future.set_exception(self._failure or HubFailed("the task hub has stopped"))
            future.exception()  # see _settle
        else:
            self._waiting.append(_Item(work, arguments, future))
        return future

    def _hand_over(self) -> None:
        if self._waiting:
            self._queue.put(self._waiting)
            self._waiting = []

    def _serve(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                group, is_last = self._group(first)
                self._commit(self._connection, group)
                self._loop.call_soon_threadsafe(_settle, group)
                if is_last:
                    return
        finally:
            self._connection.close()

    def _group(self, first: list[_Item]) -> tuple[list[_Item], bool]:
        """Everything that is queued now, and whether the end of the queue is reached."""
        group = first
        while True:
            try:
                items = self._queue.get_nowait()
            except queue.Empty:
                return group, False
            if items is None:
                return group, True
            group += items

    def _commit(self, connection: sqlite3.Connection, group: list[_Item]) -> None:
        if self._failure is not None:
            _fail(group, self._failure)
            return
        try:
            connection.execute(self._begin)
            for item in group:
                try:
                    item.result = item.work(connection, *item.arguments)
                except self._harmless as refused:
                    item.error = refused
            if self._observer is not None:
                self._observer.before_commit(group)
            connection.execute("COMMIT")
            if self._observer is not None:
                self._observer.after_commit(group)
        except Exception as error:  # whatever it is, the group is not on disk
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._failure = HubFailed(f"the task hub's store failed: {error}")
            self._failure.__cause__ = error
            log.critical("the task hub's store has failed: all work stops", exc_info=error)
            _fail(group, self._failure)


def _fail(group: list[_Item], failure: HubFailed) -> None:
    for item in group:
        item.error = failure


def _settle(group: list[_Item]) -> None:
    for item in group:
        if item.future.cancelled():
            continue
        if item.error is not None:
            item.future.set_exception(item.error)
            item.future.exception()  # not everyone awaits a change, and the failure was logged
        else:
            item.future.set_result(item.result)
