"""Queue trigger: receive, invoke, delete; failures come back, and after too many go to the poison queue.

A message is hidden and its time renewed while its function runs. A host that dies leaves it to
reappear, so every message is processed at least once.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from uuid import uuid4

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.functions.meta import Datum
from azure.storage.queue import QueueMessage

from localazure.durable.functions import FunctionFailure
from localazure.host.functions import HostedFunction
from localazure.host.invocation import MANUAL_REASON, Invoker, TriggerCall
from localazure.host.json_input import parse_json
from localazure.host.listener import Listener, first_line
from localazure.host.queue_options import QueueOptions, check_queue_name, poison_queue_of
from localazure.host.queue_output import send
from localazure.host.storage import StorageClients

log = logging.getLogger(__name__)

VISIBILITY_S = 600
_SHORTEST_WAIT_S = 0.1
_RENEWAL_PATIENCE_S = 5.0


class QueueListener(Listener):
    """Reads one queue for one function. A message in work is hidden for `visibility_s`, renewed at half of that."""

    def __init__(
        self,
        function: HostedFunction,
        invoker: Invoker,
        options: QueueOptions,
        clients: StorageClients,
        visibility_s: int = VISIBILITY_S,
    ) -> None:
        super().__init__(function, invoker)
        self._options = options
        self._visibility_s = visibility_s
        self._connection = function.trigger.text("connection")
        self.queue_name = function.trigger.text("queueName").lower()
        self._clients = clients
        self._queue = clients.queue(self._connection, self.queue_name)
        self._in_work: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What tells this queue from all others."""
        return str(self._queue.url)

    async def run(self) -> None:
        empty_receives = 0
        while not self.is_stopping:
            messages = await self._receive()
            for message in messages:
                task = asyncio.create_task(self._process(message))
                self._in_work.add(task)
                task.add_done_callback(self._on_done)
            if messages:
                empty_receives = 0
                await self._wait_for_room()
            else:
                empty_receives += 1
                await self.pause(wait_s(empty_receives, self._options.max_polling_interval.total_seconds()))
        await asyncio.gather(*self._in_work, return_exceptions=True)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._in_work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A message of queue '%s' could not be settled: %s", self.queue_name, error)

    async def _wait_for_room(self) -> None:
        while len(self._in_work) > self._options.new_batch_threshold and not self.is_stopping:
            await asyncio.wait(self._in_work, return_when=asyncio.FIRST_COMPLETED)

    async def _receive(self) -> list[QueueMessage]:
        size = self._options.batch_size
        try:
            pages = self._queue.receive_messages(
                messages_per_page=size, max_messages=size, visibility_timeout=self._visibility_s
            )
            messages = [message async for message in pages]
        except ResourceNotFoundError:
            messages = []  # the queue may be created later
        except AzureError as error:
            self.complain(f"Queue '{self.queue_name}' cannot be read: {first_line(error)}")
            return []
        self.complain("")
        return messages

    async def _process(self, message: QueueMessage) -> None:
        count = message.dequeue_count or 1
        is_last = count >= self._options.max_dequeue_count
        try:
            content = self._options.decode(str(message.content))
        except ValueError as error:
            log.error("Message %s of queue '%s' is not processed: %s", message.id, self.queue_name, error)  # noqa: TRY400  # the text says it all
            await self._move_to_poison(message)
            return
        if count > self._options.max_dequeue_count:
            await self._give_up(message)
            return
        try:
            async with self._kept_hidden(message):
                await self.invoker.invoke(self.function, self._call(message, content))
        except FunctionFailure:
            await (self._give_up(message) if is_last else self._release(message))
        else:
            await self._delete(message)

    def _call(self, message: QueueMessage, content: bytes) -> TriggerCall:
        return message_call(
            content,
            wants_bytes=_wants_bytes(self.function),
            reason=f"New queue message detected on '{self.queue_name}'.",
            metadata={
                "Id": message.id,
                "DequeueCount": message.dequeue_count,
                "InsertionTime": message.inserted_on and message.inserted_on.isoformat(),
                "ExpirationTime": message.expires_on and message.expires_on.isoformat(),
                "NextVisibleTime": message.next_visible_on and message.next_visible_on.isoformat(),
                "PopReceipt": message.pop_receipt,
            },
        )

    @asynccontextmanager
    async def _kept_hidden(self, message: QueueMessage) -> AsyncIterator[None]:
        """Renew the invisibility of a message for as long as its function runs."""
        is_done = asyncio.Event()
        renewal = asyncio.create_task(self._renew(message, is_done))
        try:
            yield
        finally:
            is_done.set()
            # A renewal on its way gives the message a new receipt, and only with that can it be deleted.
            await asyncio.wait([renewal], timeout=_RENEWAL_PATIENCE_S)
            renewal.cancel()

    async def _renew(self, message: QueueMessage, is_done: asyncio.Event) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._visibility_s / 2):
                    await is_done.wait()
                    return
            try:
                renewed = await self._queue.update_message(message, visibility_timeout=self._visibility_s)
                message.pop_receipt = renewed.pop_receipt
            except AzureError as error:
                log.warning("Message %s could not be kept hidden: %s", message.id, first_line(error))

    async def _delete(self, message: QueueMessage) -> None:
        with _settled_elsewhere():
            await self._queue.delete_message(message)

    async def _release(self, message: QueueMessage) -> None:
        seconds = int(self._options.visibility_timeout.total_seconds())
        with _settled_elsewhere():
            await self._queue.update_message(message, visibility_timeout=seconds)
        if not seconds:
            self.wake()

    async def _give_up(self, message: QueueMessage) -> None:
        poison = poison_queue_of(self.queue_name)
        if poison is not None:
            log.error(
                "Message has reached MaxDequeueCount of %d. Moving message to queue '%s'.",
                self._options.max_dequeue_count,
                poison,
            )
        await self._move_to_poison(message)

    async def _move_to_poison(self, message: QueueMessage) -> None:
        """Copy first, delete then: a crash in between may double the message but never loses it."""
        poison = poison_queue_of(self.queue_name)
        if poison is None:
            return  # stays hidden until its time is over
        await send(self._clients.queue(self._connection, poison), str(message.content))
        await self._delete(message)


@contextmanager
def _settled_elsewhere() -> Iterator[None]:
    """The message may be gone or someone else's by now, which is no error: delivery is at least once."""
    try:
        yield
    except ResourceNotFoundError:
        pass
    except HttpResponseError as error:
        if getattr(error, "error_code", "") not in {"PopReceiptMismatch", "MessageNotFound"}:
            raise


def wait_s(empty_receives: int, longest_s: float) -> float:
    """How long to wait after so many receives in a row that found nothing."""
    if empty_receives == 1:
        return _SHORTEST_WAIT_S
    spread = random.uniform(0.8, 1.2)  # noqa: S311  # spreads pollers
    return min(_SHORTEST_WAIT_S + spread * 2.0 ** min(empty_receives - 1, 20) * 0.1, longest_s)


def _wants_bytes(function: HostedFunction) -> bool:
    is_binary = function.trigger.text("dataType").lower() == "binary"
    return is_binary or function.annotations.get(function.trigger_name) is bytes


def message_call(content: bytes, *, wants_bytes: bool, reason: str, metadata: Mapping[str, Any]) -> TriggerCall:
    """One message as a trigger call. Properties of a JSON object can be used in other bindings."""
    text = content.decode(errors="replace")
    data: dict[str, Any] = {"QueueTrigger": text, **metadata}
    datums = {
        name: Datum(value, "int" if isinstance(value, int) else "string")
        for name, value in data.items()
        if value is not None
    }
    try:
        parsed = parse_json(text)
    except ValueError:
        parsed = None
    values = (parsed if isinstance(parsed, dict) else {}) | data
    datum = Datum(content, "bytes") if wants_bytes else Datum(text, "string")
    return TriggerCall(datum, reason, metadata=datums, values=values)


def check(function: HostedFunction) -> None:
    """Raises IndexingError."""
    check_queue_name(function.trigger.text("queueName"))


def manual_call(function: HostedFunction, text: str) -> TriggerCall:
    """As if a message with this text had been received once."""
    return message_call(
        text.encode(),
        wants_bytes=_wants_bytes(function),
        reason=MANUAL_REASON,
        metadata={"Id": str(uuid4()), "DequeueCount": 1},
    )
