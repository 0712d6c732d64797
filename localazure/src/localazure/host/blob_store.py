"""Small steps with blobs that listeners, bindings and records have in common."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import ContainerClient

HOSTS_CONTAINER = "azure-webjobs-hosts"
"""Where hosts keep what must survive them: receipts of blobs, the status of timers."""


@dataclass(frozen=True)
class FoundBlob:
    """A blob as it was at one moment: `etag` has its quotes, `content` belongs to it."""

    container: str
    name: str
    uri: str
    etag: str
    content: bytes
    properties: BlobProperties


async def put(
    container: ContainerClient, name: str, content: bytes | str, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a blob, whatever was there before; makes the container when it is missing."""
    given = dict(metadata) if metadata else None
    try:
        await container.upload_blob(name, content, overwrite=True, metadata=given)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # somebody else was quicker
            await container.create_container()
        await container.upload_blob(name, content, overwrite=True, metadata=given)


async def get(container: ContainerClient, name: str) -> FoundBlob | None:
    """A blob with its content, or None when there is none."""
    blob = container.get_blob_client(name)
    try:
        download = await blob.download_blob()
        content = await download.readall()
    except ResourceNotFoundError:
        return None
    properties = download.properties
    uri, etag = str(blob.url), quoted(str(properties.etag))
    return FoundBlob(str(container.container_name), name, uri, etag, content, properties)


def quoted(etag: str) -> str:
    """Listings give ETags without their quotes, everything else with them."""
    return f'"{etag.strip(chr(34))}"'
