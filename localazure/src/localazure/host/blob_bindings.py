"""Blob input and output bindings."""

from __future__ import annotations

import json
from collections.abc import Callable

from azure.functions.meta import Datum

from localazure.host import blob_store, converters
from localazure.host.blob_paths import split_path
from localazure.host.blob_trigger import content_datum
from localazure.host.functions import Binding, HostedFunction
from localazure.host.storage import StorageClients


class BlobReader:
    """Reads one blob; nothing when there is none."""

    def __init__(self, clients: StorageClients) -> None:
        self._clients = clients

    async def __call__(self, function: HostedFunction, binding: Binding) -> Datum:
        container, name = split_path(binding.text("path"))
        blob = await blob_store.get(self._clients.container(binding.text("connection"), container), name)
        return content_datum(function, binding, blob) if blob else converters.NOTHING


class BlobWriter:
    """Overwrites one blob. `on_written` hears the URL of each container that got a blob."""

    def __init__(self, clients: StorageClients, on_written: Callable[[str], None]) -> None:
        self._clients = clients
        self._on_written = on_written

    async def __call__(self, function: HostedFunction, binding: Binding, datum: Datum) -> None:  # noqa: ARG002  # same for all
        container_name, name = split_path(binding.text("path"))
        container = self._clients.container(binding.text("connection"), container_name)
        content = datum.value if isinstance(datum.value, str | bytes) else json.dumps(datum.value)
        await blob_store.put(container, name, content)
        self._on_written(str(container.url))
