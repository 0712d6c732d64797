"""Makes the listeners of all functions that wait for something other than a request, and runs them."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from azure.core.exceptions import AzureError

from localazure.clock import Clock
from localazure.host import blob_trigger
from localazure.host.app import App
from localazure.host.blob_store import HOSTS_CONTAINER
from localazure.host.blob_trigger import BlobListener
from localazure.host.cosmos_clients import CosmosClients
from localazure.host.cosmos_trigger import CosmosListener
from localazure.host.errors import IndexingError
from localazure.host.functions import HostedFunction
from localazure.host.http.event_grid import Receiver
from localazure.host.invocation import Invoker
from localazure.host.listener import Listener
from localazure.host.queue_trigger import QueueListener
from localazure.host.settings import STORAGE
from localazure.host.storage import StorageClients
from localazure.host.timer_status import TimerBlob, TimerFile, TimerRecord
from localazure.host.timer_trigger import TimerListener

log = logging.getLogger(__name__)

_RESTART_AFTER_S = 5.0


class TriggerListeners:
    """All listeners of the app. A listener that cannot be made is reported and leaves the others alone.

    They can be stopped and started again, as a drain and a resume want it.
    """

    def __init__(
        self,
        app: App,
        storage: StorageClients,
        cosmos: CosmosClients,
        *,
        state: Path,
        host_id: str,
    ) -> None:
        self._app = app
        self._storage = storage
        self._cosmos = cosmos
        self._state = state
        self._host_id = host_id
        self._owner = f"{host_id}-{zlib.crc32(bytes(state)):08x}"
        """Names this host in leases. A state folder serves one host at a time, and again after a restart."""
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, invoker: Invoker, clock: Clock) -> None:
        slots = asyncio.Semaphore(self._app.blobs.max_parallel)
        makers: dict[str, Callable[[HostedFunction], Listener]] = {
            "queuetrigger": lambda f: QueueListener(f, invoker, self._app.queues, self._storage),
            "timertrigger": lambda f: TimerListener(f, invoker, clock, self._app.zone, self._timer_record(f)),
            "cosmosdbtrigger": lambda f: CosmosListener(f, invoker, self._cosmos, clock, self._owner),
            blob_trigger.TRIGGER: lambda f: BlobListener(
                f,
                invoker,
                self._storage,
                options=self._app.blobs,
                queues=self._app.queues,
                slots=slots,
                host_id=self._host_id,
            ),
        }
        self._listeners = [
            listener for kind, make in makers.items() for listener in _made(self._app.index.runnable(kind), make)
        ]
        self._tasks = [asyncio.create_task(_run(listener)) for listener in self._listeners]

    def wake(self, url: str) -> None:
        """Something was put into the queue or the container at this URL."""
        for listener in self._listeners:
            if isinstance(listener, QueueListener | BlobListener) and listener.url == url:
                listener.wake()

    def blob_receiver(self, function_id: str) -> Receiver | None:
        """Takes the events about blobs for a function, by its name or its full id."""
        wanted = function_id.lower()
        for listener in self._listeners:
            function = listener.function
            if isinstance(listener, BlobListener) and wanted in {function.id.lower(), function.name.lower()}:
                return listener.on_event
        return None

    async def stop(self, grace_s: float) -> None:
        """Begin nothing new; wait so long for what has begun."""
        for listener in self._listeners:
            listener.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._listeners, self._tasks = [], []

    def _timer_record(self, function: HostedFunction) -> TimerRecord:
        if self._app.settings.has_connection(STORAGE):
            return TimerBlob(self._storage.container(STORAGE, HOSTS_CONTAINER), self._host_id, function)
        return TimerFile(self._state / "timers", function)


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
        except AzureError as error:
            log.error("The listener for function '%s' failed and starts again: %s", listener.function.name, error)  # noqa: TRY400  # the service's answer says it all
            await listener.pause(_RESTART_AFTER_S)
        except Exception:
            log.exception("The listener for function '%s' failed and starts again.", listener.function.name)
            await listener.pause(_RESTART_AFTER_S)
