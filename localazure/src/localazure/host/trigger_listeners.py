"""Makes the listeners of all functions that wait for something other than a request, and runs them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from localazure.clock import Clock
from localazure.host.app import App
from localazure.host.cosmos_clients import CosmosClients
from localazure.host.cosmos_trigger import CosmosListener
from localazure.host.errors import IndexingError
from localazure.host.functions import HostedFunction
from localazure.host.invocation import Invoker
from localazure.host.listener import Listener
from localazure.host.queue_options import QueueOptions
from localazure.host.queue_trigger import QueueListener
from localazure.host.storage import StorageClients
from localazure.host.timer_trigger import TimerListener, time_zone

log = logging.getLogger(__name__)

_RESTART_AFTER_S = 5.0


class TriggerListeners:
    """All listeners of the app. A listener that cannot be made is reported and leaves the others alone."""

    def __init__(self, app: App, storage: StorageClients, cosmos: CosmosClients, queues: QueueOptions) -> None:
        self._app = app
        self._storage = storage
        self._cosmos = cosmos
        self._queues = queues
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, invoker: Invoker, clock: Clock, state: Path, host_id: str) -> None:
        """Raises ConfigError for a time zone that does not exist."""
        zone = time_zone(self._app.settings)
        makers: dict[str, Callable[[HostedFunction], Listener]] = {
            "queuetrigger": lambda f: QueueListener(f, invoker, self._queues, self._storage),
            "timertrigger": lambda f: TimerListener(f, invoker, clock, zone, state / "timers"),
            "cosmosdbtrigger": lambda f: CosmosListener(f, invoker, self._cosmos, clock, host_id),
        }
        for kind, make in makers.items():
            self._listeners += _made(self._app.index.runnable(kind), make)
        self._tasks = [asyncio.create_task(_run(listener)) for listener in self._listeners]

    def wake_queue(self, url: str) -> None:
        """Something was put into the queue at this URL."""
        for listener in self._listeners:
            if isinstance(listener, QueueListener) and listener.url == url:
                listener.wake()

    async def stop(self, grace_s: float) -> None:
        """Begin nothing new; wait so long for what has begun."""
        for listener in self._listeners:
            listener.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _made(functions: Iterable[HostedFunction], make: Callable[[HostedFunction], Listener]) -> Iterable[Listener]:
    for function in functions:
        try:
            yield make(function)
        except IndexingError as error:
            log.error("The listener for function '%s' was unable to start: %s", function.name, error)  # noqa: TRY400  # the text says it all


async def _run(listener: Listener) -> None:
    """A listener that fails begins anew: what it listens to may have been replaced (a container made again)."""
    while not listener.is_stopping:
        try:
            await listener.run()
        except Exception:
            log.exception("The listener for function '%s' failed and starts again.", listener.function.name)
            await listener.pause(_RESTART_AFTER_S)
