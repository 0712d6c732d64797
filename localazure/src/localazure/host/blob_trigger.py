"""Blob trigger: look through a container again and again, run the function once for each version of each blob.

What is new is told by receipts at the start and by memory later on. A receipt is completed only after its function has
returned, so a host that dies in between runs the function again; after too many attempts the blob is reported to a
poison queue and left alone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.functions.meta import Datum
from azure.storage.blob import BlobType

from localazure.durable.functions import FunctionFailure
from localazure.host import blob_store
from localazure.host.blob_paths import BlobPattern, split_path
from localazure.host.blob_receipts import Receipts
from localazure.host.blob_store import HOSTS_CONTAINER, FoundBlob
from localazure.host.errors import IndexingError
from localazure.host.functions import Binding, HostedFunction
from localazure.host.host_json import Section
from localazure.host.invocation import MANUAL_REASON, Invoker, TriggerCall
from localazure.host.listener import Listener, StoppedError, first_line
from localazure.host.queue_options import QueueOptions
from localazure.host.queue_output import send
from localazure.host.settings import STORAGE
from localazure.host.storage import StorageClients, is_local

log = logging.getLogger(__name__)

TRIGGER = "blobtrigger"
POISON_QUEUE = "webjobs-blobtrigger-poison"
_LONGEST_INTERVAL = timedelta(seconds=10)
_SUBJECT = "/blobServices/default/containers/"


@dataclass(frozen=True)
class BlobOptions:
    """`extensions.blobs` of host.json. `max_parallel` counts for all functions together."""

    max_parallel: int
    max_attempts: int

    @classmethod
    def read(cls, section: Section) -> BlobOptions:
        """Raises ConfigError."""
        return cls(
            section.integer("maxDegreeOfParallelism", 8 * (os.cpu_count() or 1), at_least=1),
            section.integer("poisonBlobThreshold", 5, at_least=1),
        )


class BlobListener(Listener):
    """Watches one container for one function. `slots` bounds what all blob functions do at once."""

    def __init__(
        self,
        function: HostedFunction,
        invoker: Invoker,
        clients: StorageClients,
        *,
        options: BlobOptions,
        queues: QueueOptions,
        slots: asyncio.Semaphore,
        host_id: str,
    ) -> None:
        super().__init__(function, invoker)
        self._pattern = BlobPattern.parse(function.trigger.text("path"))
        self._connection = function.trigger.text("connection")
        self._clients = clients
        self._container = clients.container(self._connection, self._pattern.container)
        self._receipts = Receipts(clients.container(STORAGE, HOSTS_CONTAINER), host_id, function.id)
        self._options = options
        self._queues = queues
        self._slots = slots
        self._settled: set[tuple[str, str]] = set()
        self._in_work: dict[str, asyncio.Task[None]] = {}

    @property
    def url(self) -> str:
        """What tells this container from all others."""
        return str(self._container.url)

    async def run(self) -> None:
        interval = min(self._queues.max_polling_interval, _LONGEST_INTERVAL).total_seconds()
        is_known = False
        while not self.is_stopping:
            try:
                if not is_known:
                    self._settled = await self._receipts.completed(self._pattern.container)
                    is_known = True
                await self._scan()
                self.complain("")
            except AzureError as error:
                self.complain(f"Container '{self._pattern.container}' cannot be read: {first_line(error)}")
            await self.pause(interval)
        await asyncio.gather(*self._in_work.values(), return_exceptions=True)

    async def _scan(self) -> None:
        """Begin what is new. While a version of a blob is in work, its next one waits; what is gone is forgotten."""
        found = set()
        if self._is_polled:
            try:
                async for blob in self._container.list_blobs():
                    version = (blob.name, blob_store.quoted(blob.etag))
                    found.add(version)
                    is_new = version not in self._settled and blob.name not in self._in_work
                    if is_new and self._pattern.match(blob.name) is not None:
                        self._settled.add(version)
                        self._begin(blob.name, version)
            except ResourceNotFoundError:
                pass  # the container may be created later
        self._settled &= found

    @property
    def _is_polled(self) -> bool:
        """Emulators send no events, so that functions which wait for those are served by looking, too."""
        source = self.function.trigger.text("source").lower()
        return source != "eventgrid" or is_local(self._container)

    def _begin(self, name: str, version: tuple[str, str]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._process(name))
        self._in_work[name] = task
        task.add_done_callback(lambda ended: self._on_done(ended, name, version))
        return task

    def _on_done(self, task: asyncio.Task[None], name: str, version: tuple[str, str]) -> None:
        del self._in_work[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._settled.discard(version)  # the next scan tries again
            if not isinstance(error, StoppedError):
                log.error("Blob '%s/%s' could not be settled: %s", self._pattern.container, name, first_line(error))

    async def on_event(self, event: Any) -> None:
        """Process the blob of an Event Grid event to its end. Raises FunctionFailure when that cannot be had."""
        subject = str(event.get("subject", "")) if isinstance(event, dict) else ""
        container, _, name = unquote(subject).removeprefix(_SUBJECT).partition("/blobs/")
        if container != self._pattern.container or self._pattern.match(name) is None:
            return
        while (task := self._in_work.get(name)) is not None:
            await asyncio.wait([task])  # it may be about an earlier version
        try:
            await asyncio.shield(self._begin(name, (name, "")))
        except (AzureError, StoppedError) as error:
            raise FunctionFailure(type(error).__name__, first_line(error)) from error

    async def _process(self, name: str) -> None:
        """Until the present version is dealt with. Raises StoppedError, AzureError."""
        while not await self._attempt(name):
            await self.pause_fully(self._queues.visibility_timeout.total_seconds())

    async def _attempt(self, name: str) -> bool:
        """True when there is nothing more to do: processed now or earlier, given up, or gone."""
        async with self._slots:
            if self.is_stopping:
                raise StoppedError
            blob = await blob_store.get(self._container, name)
            attempt = await self._receipts.begin(blob) if blob else None
            if blob is None or attempt is None:
                return True
            try:
                if attempt <= self._options.max_attempts:
                    placeholders = self._pattern.match(name) or {}
                    await self.invoker.invoke(
                        self.function,
                        blob_call(self.function, blob, placeholders, f"New blob detected: {blob.container}/{name}"),
                    )
            except FunctionFailure:
                if attempt < self._options.max_attempts:
                    return False
                await self._give_up(blob)
            else:
                if attempt > self._options.max_attempts:  # the host died in each of them
                    await self._give_up(blob)
            await self._receipts.complete(blob)
            return True

    async def _give_up(self, blob: FoundBlob) -> None:
        log.error(
            "Message has reached MaxDequeueCount of %d. Moving message to queue '%s'.",
            self._options.max_attempts,
            POISON_QUEUE,
        )
        message = {
            "Type": "BlobTrigger",
            "FunctionId": self.function.id,
            "BlobType": BlobType(blob.properties.blob_type).value,
            "ContainerName": blob.container,
            "BlobName": blob.name,
            "ETag": blob.etag,
        }
        text = self._queues.encode(json.dumps(message).encode())
        await send(self._clients.queue(self._connection, POISON_QUEUE), text)


def content_datum(function: HostedFunction, binding: Binding, blob: FoundBlob) -> Datum:
    """Text where the function asks for `str`, else bytes."""
    is_text = function.annotations.get(binding.name) is str or binding.text("dataType").lower() == "string"
    return Datum(blob.content.decode(errors="replace"), "string") if is_text else Datum(blob.content, "bytes")


def blob_call(function: HostedFunction, blob: FoundBlob, placeholders: dict[str, str], reason: str) -> TriggerCall:
    """One blob as a trigger call; the placeholders of its path can be used in other bindings."""
    properties = blob.properties
    described = {
        "ContentLength": len(blob.content),
        "ContentType": properties.content_settings.content_type,
        "ETag": blob.etag,
        "LastModified": properties.last_modified.isoformat(),
    }
    path = f"{blob.container}/{blob.name}"
    data = {"BlobTrigger": path, "Uri": blob.uri, **placeholders}
    metadata = {name: Datum(value, "string") for name, value in data.items()}
    metadata["Properties"] = Datum(json.dumps(described), "json")
    metadata["Metadata"] = Datum(json.dumps(properties.metadata or {}), "json")
    values = data | {"Properties": described, "Metadata": properties.metadata or {}}
    return TriggerCall(content_datum(function, function.trigger, blob), reason, metadata=metadata, values=values)


def check(function: HostedFunction) -> None:
    """Raises IndexingError."""
    try:
        BlobPattern.parse(function.trigger.text("path"))
    except ValueError as error:
        raise IndexingError(str(error)) from None


async def manual_call(clients: StorageClients, function: HostedFunction, path: str) -> TriggerCall:
    """The blob at `container/name`, as if it were new. Raises ValueError when there is none."""
    container, name = split_path(path)
    blob = await blob_store.get(clients.container(function.trigger.text("connection"), container), name)
    if blob is None:
        raise ValueError(f"there is no blob '{path}'")
    placeholders = BlobPattern.parse(function.trigger.text("path")).match(name)
    return blob_call(function, blob, placeholders or {}, MANUAL_REASON)
