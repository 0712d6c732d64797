"""Access to one Cosmos DB container, with the service's answers turned into the errors of `domain.errors`.

Repositories are written against this class and know nothing of status codes. The SDK retries throttling and dropped
connections itself; when a write's connection was dropped it may have been committed, and the repeated write then meets
its own result. A 409 on create therefore always means "look what is there", never "somebody else did it".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, NamedTuple, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import AzureError
from azure.cosmos import CosmosDict, exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient

from adapters import clients
from adapters.settings import settings
from domain.errors import Conflict, Defect, NotFound, Transient
from domain.shapes import JsonObject

Key = str | list[str]
Operation = tuple[str, tuple[Any, ...]] | tuple[str, tuple[Any, ...], dict[str, Any]]

_TRANSIENT = frozenset({408, 410, 429, 449, 500, 502, 503, 504})
_RETRY_AFTER_S = 2


T = TypeVar("T")


class Versioned(NamedTuple, Generic[T]):
    """A record as it was read, and the ETag that makes a write conditional on it being still so."""

    value: T
    etag: str


class AlreadyExists(Conflict):
    """There is an item with this id already."""


class BatchRefused(Conflict):
    """A transactional batch changed nothing, because its operation number `index` was answered with `status`."""

    def __init__(self, index: int, status: int) -> None:
        super().__init__(f"operation {index} of the batch was answered with {status}")
        self.index = index
        self.status = status


class Container:
    """One container of the app's database. Keys are partition keys, most significant part first."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._seen_by: CosmosClient | None = None

    async def read(self, item_id: str, key: Key) -> JsonObject:
        """A point read. Raises NotFound, Transient."""
        with self._errors(f"read {item_id}"):
            return dict(await (await self._proxy()).read_item(item_id, key))

    async def create(self, document: JsonObject) -> str:
        """Insert; returns the ETag. Raises AlreadyExists, Transient."""
        with self._errors(f"create {document['id']}"):
            created = await (await self._proxy()).create_item(document, no_response=True)
            return _etag(created)

    async def replace(self, document: JsonObject, etag: str) -> str:
        """Replace the version that `etag` names; returns the ETag of the new one.

        Raises NotFound, Conflict when it has changed since, Transient.
        """
        with self._errors(f"replace {document['id']}"):
            unchanged = MatchConditions.IfNotModified
            replaced = await (await self._proxy()).replace_item(
                document["id"], document, etag=etag, match_condition=unchanged, no_response=True
            )
            return _etag(replaced)

    async def patch(self, item_id: str, key: Key, operations: list[JsonObject]) -> None:
        """Change some fields in place. Raises NotFound, Transient."""
        with self._errors(f"patch {item_id}"):
            await (await self._proxy()).patch_item(item_id, key, operations, no_response=True)

    async def batch(self, key: Key, operations: Sequence[Operation]) -> list[JsonObject]:
        """All of these operations in one partition, or none; the document that each leaves behind.

        Raises BatchRefused, Transient.
        """
        with self._errors("batch"):
            results = await (await self._proxy()).execute_item_batch(operations, key)
            return [result.get("resourceBody") or {} for result in results]

    async def query(
        self, text: str, parameters: JsonObject | None = None, key: Key | None = None
    ) -> AsyncIterator[JsonObject]:
        """Rows of a query within one partition (or a prefix of a hierarchical key), or over all when there is no key.

        Raises Transient.
        """
        named = [{"name": f"@{name}", "value": value} for name, value in (parameters or {}).items()]
        scope: dict[str, Any] = {} if key is None else {"partition_key": key}
        with self._errors("query"):
            async for row in (await self._proxy()).query_items(text, parameters=named, **scope):
                yield row

    async def check(self) -> None:
        """Raises unless the container answers."""
        with self._errors("check"):
            await (await self._proxy()).read()

    async def _proxy(self) -> ContainerProxy:
        client = await clients.cosmos()
        proxy = client.get_database_client(settings().cosmos_database).get_container_client(self.name)
        if self._seen_by is not client:
            await self._see(proxy)
            self._seen_by = client
        return proxy

    async def _see(self, proxy: ContainerProxy) -> None:
        """Look once whether the container is there: else its absence would pass for that of a record."""
        try:
            await proxy.read()
        except exceptions.CosmosResourceNotFoundError as error:
            raise Defect(f"{self.name}: the container does not exist") from error

    @contextmanager
    def _errors(self, step: str) -> Iterator[None]:
        try:
            yield
        except exceptions.CosmosResourceNotFoundError as error:
            raise NotFound(f"{self.name}: {step}: not found") from error
        except exceptions.CosmosResourceExistsError as error:
            raise AlreadyExists(f"{self.name}: {step}: exists already") from error
        except exceptions.CosmosAccessConditionFailedError as error:
            raise Conflict(f"{self.name}: {step}: changed meanwhile") from error
        except exceptions.CosmosBatchOperationError as error:
            if error.status_code in _TRANSIENT:
                raise Transient(f"{self.name}: {step}: answered {error.status_code}", _RETRY_AFTER_S) from error
            raise BatchRefused(error.error_index or 0, error.status_code or 0) from error
        except exceptions.CosmosHttpResponseError as error:
            if error.status_code in _TRANSIENT:
                raise Transient(f"{self.name}: {step}: answered {error.status_code}", _RETRY_AFTER_S) from error
            raise Defect(f"{self.name}: {step}: answered {error.status_code}") from error
        except (AzureError, TimeoutError) as error:  # no answer, half an answer, no token
            raise Transient(f"{self.name}: {step}: {type(error).__name__}", _RETRY_AFTER_S) from error


def _etag(answer: CosmosDict) -> str:
    return str(answer.get_response_headers()["etag"])
