"""Clients for storage queues and blobs: one service client per connection, made on first use."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlsplit

from azure.core.credentials_async import AsyncTokenCredential
from azure.storage.blob.aio import BlobServiceClient, ContainerClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from localazure.host.errors import IndexingError
from localazure.host.proxies import has_proxies
from localazure.host.settings import STORAGE, Connection, Settings

# The well-known account of the storage emulator; its key is public.
_EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_EMULATOR = (
    f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={_EMULATOR_KEY};"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

_Service = TypeVar("_Service", QueueServiceClient, BlobServiceClient)


class StorageClients:
    """Retries are left to the listeners, which have back-off of their own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._queues: dict[str, QueueServiceClient] = {}
        self._blobs: dict[str, BlobServiceClient] = {}
        self._credentials: list[AsyncTokenCredential] = []

    def queue(self, connection: str, name: str) -> QueueClient:
        """Raises IndexingError when the connection is not defined."""
        connection = connection or STORAGE
        if connection not in self._queues:
            self._queues[connection] = self._connect(QueueServiceClient, "queue", connection)
        return self._queues[connection].get_queue_client(name.lower())

    def container(self, connection: str, name: str) -> ContainerClient:
        """The blobs of one container. Raises IndexingError when the connection is not defined."""
        connection = connection or STORAGE
        if connection not in self._blobs:
            self._blobs[connection] = self._connect(BlobServiceClient, "blob", connection)
        return self._blobs[connection].get_container_client(name)

    async def close(self) -> None:
        for queues in self._queues.values():
            await queues.close()
        for blobs in self._blobs.values():
            await blobs.close()
        for credential in self._credentials:
            await credential.close()

    def _connect(self, client: type[_Service], kind: str, name: str) -> _Service:
        connection = self._settings.connection(name)
        options: dict[str, Any] = {"retry_total": 0, "connection_timeout": 10, "read_timeout": 30}
        options["use_env_settings"] = has_proxies()
        try:
            if text := connection.connection_string:
                is_emulator = text.replace(" ", "").rstrip(";").lower() == "usedevelopmentstorage=true"
                return client.from_connection_string(_EMULATOR if is_emulator else text, **options)
            credential = identity_credential(connection)
            self._credentials.append(credential)
            return client(_service_uri(connection, kind), credential=credential, **options)
        except ValueError as error:
            raise IndexingError(f"The connection '{name}' leads to no storage account: {error}") from None


def is_local(container: ContainerClient) -> bool:
    """Whether its account is an emulator on this machine."""
    return urlsplit(str(container.url)).hostname in _LOCAL_HOSTS


def _service_uri(connection: Connection, kind: str) -> str:
    if uri := connection.identity.get(f"{kind}ServiceUri") or connection.identity.get("serviceUri"):
        return uri
    if account := connection.identity.get("accountName"):
        return f"https://{account}.{kind}.core.windows.net"
    raise IndexingError(
        f"The connection '{connection.name}' needs {connection.name}__{kind}ServiceUri or __accountName."
    )


def identity_credential(connection: Connection) -> AsyncTokenCredential:
    """The credential that an identity-based connection asks for; a managed identity unless it says otherwise."""
    # Takes a third of the host's start, and most apps never come here.
    from azure.identity.aio import (  # noqa: PLC0415  # as said above
        ClientSecretCredential,
        DefaultAzureCredential,
        ManagedIdentityCredential,
    )

    values = connection.identity
    if secret := values.get("clientSecret"):
        return ClientSecretCredential(values["tenantId"], values["clientId"], secret)
    if values.get("credential", "managedidentity").lower() == "managedidentity":
        return ManagedIdentityCredential(client_id=values.get("clientId"))
    return DefaultAzureCredential()
