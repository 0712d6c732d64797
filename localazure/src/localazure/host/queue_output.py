"""Queue output: one message per value, or one per element of a list."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.functions.meta import Datum
from azure.storage.queue.aio import QueueClient

from localazure.host.functions import Binding, HostedFunction
from localazure.host.json_input import parse_json
from localazure.host.queue_options import QueueOptions
from localazure.host.storage import StorageClients

LARGEST_MESSAGE = 64 * 1024


class QueueWriter:
    """Writes for the output bindings. `on_sent` hears the URL of each queue that got a message."""

    def __init__(self, options: QueueOptions, clients: StorageClients, on_sent: Callable[[str], None]) -> None:
        self._options = options
        self._clients = clients
        self._on_sent = on_sent

    async def __call__(self, function: HostedFunction, binding: Binding, datum: Datum) -> None:
        queue = self._clients.queue(binding.text("connection"), binding.text("queueName"))
        for content in messages_of(datum):
            text = self._options.encode(content)
            if len(text.encode()) > LARGEST_MESSAGE:
                raise ValueError(
                    f"{function.name}: a message for queue '{queue.queue_name}' has {len(text)} bytes;"
                    f" {LARGEST_MESSAGE} is the limit"
                )
            await send(queue, text)
        self._on_sent(str(queue.url))


async def send(queue: QueueClient, text: str) -> None:
    """Send, and create the queue when it is missing."""
    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # somebody else was quicker
            await queue.create_queue()
        await queue.send_message(text)


def messages_of(datum: Datum) -> list[bytes]:
    """The bodies that an output value stands for."""
    if datum.type == "bytes":
        return [bytes(datum.value)]
    value = datum.value if datum.type in {"string", "json"} else json.dumps(datum.value)
    try:
        parsed = parse_json(value)
    except ValueError:
        parsed = None
    if isinstance(parsed, list):
        return [_element(item) for item in parsed]
    if datum.type == "json" and isinstance(parsed, dict):
        return [_element(parsed)]
    return [str(value).encode()]


def _element(item: Any) -> bytes:
    if isinstance(item, dict) and item.keys() == {"id", "body"}:
        return str(item["body"]).encode()  # made by the SDK of a QueueMessage
    return (item if isinstance(item, str) else json.dumps(item)).encode()
