"""Clients for storage queues: one per connection, made on first use."""

from __future__ import annotations

from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from localazure.host.errors import IndexingError
from localazure.host.settings import STORAGE, Connection, Settings

# The well-known account of the storage emulator; its key is public.
_EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_EMULATOR = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    f"AccountKey={_EMULATOR_KEY};QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)


class StorageClients:
    """Retries are left to the listeners, which have back-off of their own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._services: dict[str, QueueServiceClient] = {}
        self._credentials: list[AsyncTokenCredential] = []

    def queue(self, connection: str, name: str) -> QueueClient:
        """Raises IndexingError when the connection is not defined."""
        connection = connection or STORAGE
        if connection not in self._services:
            self._services[connection] = self._connect(self._settings.connection(connection))
        return self._services[connection].get_queue_client(name.lower())

    async def close(self) -> None:
        for service in self._services.values():
            await service.close()
        for credential in self._credentials:
            await credential.close()

    def _connect(self, connection: Connection) -> QueueServiceClient:
        options: dict[str, Any] = {"retry_total": 0, "connection_timeout": 10, "read_timeout": 30}
        if text := connection.connection_string:
            is_emulator = text.replace(" ", "").rstrip(";").lower() == "usedevelopmentstorage=true"
            return QueueServiceClient.from_connection_string(_EMULATOR if is_emulator else text, **options)
        credential = identity_credential(connection)
        self._credentials.append(credential)
        return QueueServiceClient(_queue_service_uri(connection), credential=credential, **options)


def _queue_service_uri(connection: Connection) -> str:
    if uri := connection.identity.get("queueServiceUri") or connection.identity.get("serviceUri"):
        return uri
    if account := connection.identity.get("accountName"):
        return f"https://{account}.queue.core.windows.net"
    raise IndexingError(
        f"The connection '{connection.name}' needs {connection.name}__queueServiceUri or __accountName."
    )


def identity_credential(connection: Connection) -> AsyncTokenCredential:
    """The credential that an identity-based connection asks for; a managed identity unless it says otherwise."""
    values = connection.identity
    if secret := values.get("clientSecret"):
        return ClientSecretCredential(values["tenantId"], values["clientId"], secret)
    if values.get("credential", "managedidentity").lower() == "managedidentity":
        return ManagedIdentityCredential(client_id=values.get("clientId"))
    return DefaultAzureCredential()
