"""Leases of a change feed: who reads which range, and how far it has been processed.

Leases are documents that change only under their ETag, so two hosts that share a lease container never both believe
that they own a range.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from localazure.clock import Clock
from localazure.host.cosmos_balance import live_owner, may_take


class LeaseLostError(Exception):
    """Another host owns the lease by now; what was read under it must not be marked as done."""


@dataclass
class Lease:
    """One owned lease: the document as it was last written."""

    document: dict[str, Any]

    @property
    def continuation(self) -> str | None:
        token: str | None = self.document["ContinuationToken"]
        return token


class LeaseStore:
    """The leases of one function. `prefix` sets them apart from those of other functions and containers."""

    def __init__(
        self,
        container: ContainerProxy,
        clock: Clock,
        *,
        prefix: str,
        owner: str,
        partition_key: str,
        expiration: timedelta,
    ) -> None:
        self._container = container
        self._clock = clock
        self._prefix = prefix
        self._owner = owner
        self._partition_key = partition_key
        self._expiration = expiration
        self._writing = asyncio.Lock()
        self._taking = asyncio.Lock()

    async def acquire(self, token: str, feed_range: dict[str, Any]) -> Lease | None:
        """Own the lease of a range, made now if there is none. None while it is the turn of another host."""
        lease = Lease(await self._read_or_create(token, feed_range))
        async with self._taking:
            if not may_take(lease.document["id"], await self._owners(lease), self._owner):
                return None
            try:
                await self._write(lease, Owner=self._owner)
            except LeaseLostError:
                return None
        return lease

    async def _owners(self, lease: Lease) -> dict[str, str | None]:
        """Who holds each lease of this function, the given one as it is known."""
        query = "SELECT c.id, c.Owner, c.timestamp FROM c WHERE STARTSWITH(c.id, @prefix)"
        others = self._container.query_items(query, parameters=[{"name": "@prefix", "value": f"{self._prefix}.."}])
        found = {document["id"]: document async for document in others} | {lease.document["id"]: lease.document}
        now = self._clock.now()
        return {lease_id: live_owner(document, now, self._expiration) for lease_id, document in found.items()}

    async def checkpoint(self, lease: Lease, continuation: str) -> None:
        """Everything up to `continuation` is processed. Raises LeaseLostError."""
        await self._write(lease, ContinuationToken=continuation)

    async def renew(self, lease: Lease) -> None:
        """Tell other hosts that the owner is alive. Raises LeaseLostError."""
        await self._write(lease)

    async def release(self, lease: Lease) -> None:
        """Let another host go on at once. Raises LeaseLostError."""
        await self._write(lease, Owner=None)

    async def _write(self, lease: Lease, **changes: Any) -> None:
        async with self._writing:
            document = lease.document | changes | {"timestamp": self._clock.now().isoformat()}
            try:
                lease.document = await self._container.replace_item(
                    document["id"],
                    document,
                    etag=lease.document["_etag"],
                    match_condition=MatchConditions.IfNotModified,
                )
            except (CosmosAccessConditionFailedError, CosmosResourceNotFoundError) as error:
                raise LeaseLostError(lease.document["id"]) from error

    async def _read_or_create(self, token: str, feed_range: dict[str, Any]) -> dict[str, Any]:
        lease_id = f"{self._prefix}..{token}"
        try:
            return dict(await self._container.read_item(lease_id, lease_id))
        except CosmosResourceNotFoundError:
            document = self._new(lease_id, token, feed_range)
        try:
            return dict(await self._container.create_item(document))
        except CosmosResourceExistsError:
            return dict(await self._container.read_item(lease_id, lease_id))

    def _new(self, lease_id: str, token: str, feed_range: dict[str, Any]) -> dict[str, Any]:
        document = {
            "id": lease_id,
            "version": 1,
            "LeaseToken": token,
            "FeedRange": feed_range,
            "Owner": None,
            "ContinuationToken": None,
            "properties": {},
            "timestamp": self._clock.now().isoformat(),
            "Mode": "Incremental Feed",
        }
        return document if self._partition_key == "/id" else document | {"partitionKey": lease_id}


async def lease_partition_key(container: ContainerProxy) -> str:
    """The partition key path of a lease container. Raises ValueError for one that cannot hold leases."""
    path: str = (await container.read())["partitionKey"]["paths"][0]
    if path not in {"/id", "/partitionKey"}:
        raise ValueError(f"the lease container must have the partition key /id or /partitionKey, not {path}")
    return path
