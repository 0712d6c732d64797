"""Cosmos DB clients by connection: connection string or managed identity."""

from __future__ import annotations

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import CosmosClient

from localazure.host.errors import IndexingError
from localazure.host.proxies import has_proxies
from localazure.host.settings import COSMOS, Connection, Settings
from localazure.host.storage import identity_credential


class CosmosClients:
    """Makes clients and closes them all at the end.

    A change feed reader needs a client of its own: the SDK tells the continuation of a page only through the headers
    of the client's latest response. The credentials, which cache tokens, are shared.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shared: dict[str, CosmosClient] = {}
        self._all: list[CosmosClient] = []
        self._credentials: dict[str, AsyncTokenCredential] = {}

    async def shared(self, connection: str) -> CosmosClient:
        """The client for everything but change feeds. Raises IndexingError when the connection is not defined."""
        name = connection or COSMOS
        if name not in self._shared:
            self._shared[name] = await self.separate(name)
        return self._shared[name]

    async def separate(self, connection: str) -> CosmosClient:
        """A client for one reader alone. Raises IndexingError."""
        name = connection or COSMOS
        client = self._made(self._settings.connection(name))
        try:
            await client.__aenter__()  # reads the account; `close` is its counterpart
        except BaseException:
            await client.close()
            raise
        self._all.append(client)
        return client

    def _made(self, connection: Connection) -> CosmosClient:
        transport = AioHttpTransport(use_env_settings=has_proxies())
        if not connection.connection_string:
            credential = self._credential(connection)
            return CosmosClient(_endpoint(connection), credential=credential, transport=transport)
        try:
            return CosmosClient.from_connection_string(connection.connection_string, transport=transport)
        except (ValueError, KeyError):
            raise IndexingError(
                f"The connection '{connection.name}' leads to no Cosmos DB account:"
                " a connection string is AccountEndpoint=https://...;AccountKey=...;"
            ) from None

    async def close(self) -> None:
        for client in self._all:
            await client.close()
        for credential in self._credentials.values():
            await credential.close()

    def _credential(self, connection: Connection) -> AsyncTokenCredential:
        if connection.name not in self._credentials:
            self._credentials[connection.name] = identity_credential(connection)
        return self._credentials[connection.name]


def _endpoint(connection: Connection) -> str:
    if endpoint := connection.identity.get("accountEndpoint"):
        return endpoint
    raise IndexingError(f"The connection '{connection.name}' needs {connection.name}__accountEndpoint.")
