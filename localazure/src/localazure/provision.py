"""Makes what the app expects to exist: secrets, databases and containers, queues. Safe to repeat at every start.

The Azure SDKs are imported inside the functions: that takes longer than the rest of a start, and happens while the
services it is for come up.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localazure.clock import Clock
from localazure.config import FILE, Container, Database, SecretSource
from localazure.cosmos.options import EMULATOR_KEY
from localazure.errors import ConfigError
from localazure.keyvault.store import Properties, SecretStore, ServiceError

if TYPE_CHECKING:
    from azure.cosmos.aio import DatabaseProxy

RANDOM_BYTES = 24


class ProvisioningError(Exception):
    """A local service refused what the app needs; the text holds its answer."""


def seed_secrets(path: Path, sources: Mapping[str, SecretSource], clock: Clock) -> dict[str, str]:
    """Make the secrets that do not exist yet; the current value of each. The vault itself need not run."""
    with SecretStore(path, clock) as store:
        return {name: _seed(store, name, source) for name, source in sources.items()}


def _seed(store: SecretStore, name: str, source: SecretSource) -> str:
    try:
        return store.get(name).value
    except ServiceError as error:
        if error.status != 404:
            raise ConfigError(f"{FILE}: [secrets] {name}: {error.message}") from error
    value = source.random_prefix + secrets.token_urlsafe(RANDOM_BYTES) if source.value is None else source.value
    try:
        return store.set(name, value, Properties()).value
    except ServiceError as error:
        raise ConfigError(f"{FILE}: [secrets] {name}: {error.message}") from error


async def make_databases(url: str, databases: Iterable[Database]) -> None:
    """Make missing databases and containers.

    ConfigError when an existing container has another partition key, ProvisioningError when the service refuses.
    """
    from azure.cosmos.aio import CosmosClient  # noqa: PLC0415  # see the module's docstring

    with _refusals_of("Cosmos DB"):
        async with CosmosClient(url, EMULATOR_KEY) as client:
            for database in databases:
                await _make_database(await client.create_database_if_not_exists(database.id), database)


async def _make_database(proxy: DatabaseProxy, database: Database) -> None:
    existing = {properties["id"]: properties async for properties in proxy.list_containers()}
    for container in database.containers:
        if container.id in existing:
            _refuse_other_key(container, existing[container.id]["partitionKey"]["paths"])
        else:
            await _make_container(proxy, container)


async def _make_container(database: DatabaseProxy, container: Container) -> None:
    from azure.cosmos import PartitionKey  # noqa: PLC0415  # see the module's docstring

    paths = list(container.partition_key)
    partition_key = PartitionKey(paths, kind="MultiHash") if len(paths) > 1 else PartitionKey(paths[0])
    unique_keys: Any = {"uniqueKeys": [{"paths": list(paths)} for paths in container.unique_keys]}  # the SDK says str
    await database.create_container(
        container.id,
        partition_key,
        default_ttl=container.default_ttl,
        unique_key_policy=unique_keys if container.unique_keys else None,
        indexing_policy=dict(container.indexing_policy) if container.indexing_policy else None,
    )


def _refuse_other_key(container: Container, existing: list[str]) -> None:
    if list(container.partition_key) != existing:
        raise ConfigError(
            f"Container {container.id} exists with the partition key {existing}, but {list(container.partition_key)} "
            "is configured, and a partition key cannot change; `localazure reset` deletes all local state."
        )


async def make_queues(connection_string: str, queues: Iterable[str]) -> None:
    """Make missing storage queues. ProvisioningError when the service refuses."""
    from azure.storage.queue.aio import QueueServiceClient  # noqa: PLC0415  # see the module's docstring

    with _refusals_of("Azurite"):
        async with QueueServiceClient.from_connection_string(connection_string) as client:
            existing = {queue.name async for queue in client.list_queues()}
            for name in queues:
                if name not in existing:
                    await client.create_queue(name)


@contextmanager
def _refusals_of(service: str) -> Iterator[None]:
    from azure.core.exceptions import AzureError  # noqa: PLC0415  # see the module's docstring

    try:
        yield
    except AzureError as error:
        raise ProvisioningError(f"{service} does not take what the app needs: {error}") from error
