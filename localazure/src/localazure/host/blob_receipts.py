"""Which version of which blob a function has dealt with, kept in storage beside what the Functions host keeps there.

A receipt is an empty blob under the ETag. While it carries `Incomplete`, the version is still to be processed, and
`Attempts` says how often that was begun: written before each run, so that a host that dies is counted too.
"""

from __future__ import annotations

from collections.abc import Mapping

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import ContainerClient

from localazure.host import blob_store
from localazure.host.blob_store import FoundBlob, quoted

_INCOMPLETE = "Incomplete"
_ATTEMPTS = "Attempts"


class Receipts:
    """The receipts of one function. `hosts` is the container azure-webjobs-hosts."""

    def __init__(self, hosts: ContainerClient, host_id: str, function_id: str) -> None:
        self._hosts = hosts
        self._folder = f"blobreceipts/{host_id}/{function_id}"

    async def completed(self, container: str) -> set[tuple[str, str]]:
        """Name and ETag of each blob version of a container that needs no run any more."""
        found = set()
        try:
            async for receipt in self._hosts.list_blobs(name_starts_with=f"{self._folder}/", include=["metadata"]):
                etag, folder, name = receipt.name[len(self._folder) + 1 :].split("/", 2)
                if folder == container and _value(receipt.metadata, _INCOMPLETE) is None:
                    found.add((name, etag))
        except ResourceNotFoundError:
            return set()  # no receipt was ever written
        return found

    async def begin(self, blob: FoundBlob) -> int | None:
        """Which attempt this is, from 1 on; None when the version has been dealt with."""
        name = self._name(blob)
        attempts = 0
        try:
            metadata = (await self._hosts.get_blob_client(name).get_blob_properties()).metadata
            if _value(metadata, _INCOMPLETE) is None:
                return None
            attempts = int(_value(metadata, _ATTEMPTS) or 0)
        except ResourceNotFoundError:
            pass  # the first attempt
        await blob_store.put(self._hosts, name, b"", {_INCOMPLETE: "true", _ATTEMPTS: str(attempts + 1)})
        return attempts + 1

    async def complete(self, blob: FoundBlob) -> None:
        """This version needs no further run: it was processed, or given up."""
        await blob_store.put(self._hosts, self._name(blob), b"")

    def _name(self, blob: FoundBlob) -> str:
        return f"{self._folder}/{quoted(blob.etag)}/{blob.container}/{blob.name}"


def _value(metadata: Mapping[str, str] | None, key: str) -> str | None:
    """Names of metadata travel as headers, whose case does not last."""
    return next((value for name, value in (metadata or {}).items() if name.lower() == key.lower()), None)
