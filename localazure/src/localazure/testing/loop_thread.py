"""The event loop behind plain synchronous tests: one thread for the whole process.

One loop for all hubs, not one each: what an app keeps for the life of its process (HTTP sessions, SDK clients) belongs
to the loop on which it was made, and the app is imported once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="localazure-testing", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin `work` on the loop. Raises RuntimeError on the loop itself, where waiting for it would never end."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a Hub is driven by tests, not by the code that runs in it")
        return asyncio.run_coroutine_threadsafe(work, self._loop)


@lru_cache(maxsize=1)
def loop_thread() -> LoopThread:
    """The one of this process."""
    return LoopThread()
