"""Cosmos DB input and output bindings."""

from __future__ import annotations

import json
from typing import Any

from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from azure.functions.meta import Datum

from localazure.host import converters
from localazure.host.cosmos_clients import CosmosClients
from localazure.host.functions import Binding, HostedFunction


class CosmosReader:
    """Reads one document by id, or the rows of a query, or all documents."""

    def __init__(self, clients: CosmosClients) -> None:
        self._clients = clients

    async def __call__(self, function: HostedFunction, binding: Binding) -> Datum:  # noqa: ARG002  # same for all
        container = await container_of(self._clients, binding)
        if document_id := binding.text("id"):
            try:
                found = await container.read_item(document_id, partition_key_of(binding.text("partitionKey")))
            except CosmosResourceNotFoundError:
                return converters.NOTHING
            return Datum(json.dumps(found), "json")
        key = binding.text("partitionKey")
        options: dict[str, Any] = {"partition_key": partition_key_of(key)} if key else {}
        query = binding.text("sqlQuery", default="SELECT * FROM c")
        rows = container.query_items(query, parameters=binding.properties.get("sqlParameters"), **options)
        return Datum(json.dumps([row async for row in rows]), "json")


class CosmosWriter:
    """Upserts each object. A list is written one by one: a failure leaves the ones before it in place."""

    def __init__(self, clients: CosmosClients) -> None:
        self._clients = clients

    async def __call__(self, function: HostedFunction, binding: Binding, datum: Datum) -> None:  # noqa: ARG002  # same for all
        content = json.loads(datum.value) if isinstance(datum.value, str | bytes) else datum.value
        container = await container_of(self._clients, binding)
        for document in content if isinstance(content, list) else [content]:
            try:
                await container.upsert_item(document)
            except CosmosResourceNotFoundError:
                if not binding.flag("createIfNotExists"):
                    raise
                await self._create(binding)
                await container.upsert_item(document)

    async def _create(self, binding: Binding) -> None:
        if not binding.text("partitionKey"):
            raise ValueError("createIfNotExists needs the path of a partition key in partitionKey.")
        client = await self._clients.shared(_connection(binding))
        database = await client.create_database_if_not_exists(binding.text("databaseName"))
        throughput = binding.integer("containerThroughput", 0) or binding.integer("collectionThroughput", 0)
        await database.create_container_if_not_exists(
            binding.text("containerName", "collectionName"),
            PartitionKey(path=binding.text("partitionKey")),
            offer_throughput=throughput or None,
        )


async def container_of(clients: CosmosClients, binding: Binding) -> ContainerProxy:
    client = await clients.shared(_connection(binding))
    database = client.get_database_client(binding.text("databaseName"))
    return database.get_container_client(binding.text("containerName", "collectionName"))


def partition_key_of(text: str) -> Any:
    """A key as written in a binding: text, or a JSON array for a hierarchical key."""
    return json.loads(text) if text.startswith("[") else text


def _connection(binding: Binding) -> str:
    return binding.text("connection", "connectionStringSetting")
