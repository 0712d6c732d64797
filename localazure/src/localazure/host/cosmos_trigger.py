"""Cosmos DB trigger: reads the change feed of a container and moves on only after the function has returned.

One task per feed range holds that range's lease. The position is written after a page was processed, so a host that
dies in between delivers the page again; a page whose function failed for good is skipped, as the service does it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from azure.functions.meta import Datum

from localazure.clock import Clock
from localazure.host.cosmos_clients import CosmosClients
from localazure.host.cosmos_feed import FeedReader
from localazure.host.cosmos_leases import Lease, LeaseLostError, LeaseStore, lease_partition_key
from localazure.host.cosmos_options import ContainerAddress, FeedOptions
from localazure.host.errors import IndexingError
from localazure.host.functions import HostedFunction
from localazure.host.invocation import MANUAL_REASON, Invoker, TriggerCall
from localazure.host.json_input import parse_json
from localazure.host.listener import Listener, StoppedError, first_line

log = logging.getLogger(__name__)

_LONGEST_BACKOFF_S = 30.0
_START_FAILED = "The listener for function '%s' was unable to start: %s"


class CosmosListener(Listener):
    """Reads the change feed for one function. `owner` names this host in leases and survives restarts of it."""

    def __init__(
        self, function: HostedFunction, invoker: Invoker, clients: CosmosClients, clock: Clock, owner: str
    ) -> None:
        super().__init__(function, invoker)
        self._options = FeedOptions.read(function.trigger)
        self._clients = clients
        self._clock = clock
        self._owner = f"{owner}:{function.name}"
        self._ranges: list[_RangeListener] = []

    def stop(self) -> None:
        super().stop()
        for reader in self._ranges:
            reader.stop()

    async def run(self) -> None:
        backoff_s = 1.0
        while not self.is_stopping:
            try:
                await self._open()
                self.complain("")
                break
            except (AzureError, ValueError, IndexingError) as error:
                self.complain(_START_FAILED % (self.function.name, first_line(error)))
                await self.pause(backoff_s)
                backoff_s = min(backoff_s * 2, _LONGEST_BACKOFF_S)
        async with asyncio.TaskGroup() as group:
            for reader in self._ranges:
                group.create_task(reader.run())

    async def _open(self) -> None:
        """Find both containers and make one reader per feed range. Raises AzureError or ValueError."""
        options = self._options
        try:
            if options.creates_leases:
                await self._create_lease_container()
            leases = await self._container(options.leases)
            partition_key = await lease_partition_key(leases)
            monitored = await self._container(options.monitored)
            properties = await monitored.read()
        except CosmosResourceNotFoundError as error:
            raise ValueError(_missing_text(options)) from error
        store = LeaseStore(
            leases,
            self._clock,
            prefix=f"{options.lease_prefix}{_account_host(monitored)}_{_database_rid(properties)}_{properties['_rid']}",
            owner=self._owner,
            partition_key=partition_key,
            expiration=timedelta(seconds=options.expiration_s),
        )
        ranges = [feed_range async for feed_range in monitored.read_feed_ranges()]
        self._ranges = [
            _RangeListener(self, store, str(number), feed_range, await self._feed_reader(feed_range))
            for number, feed_range in enumerate(ranges)
        ]
        if self.is_stopping:
            self.stop()

    async def _container(self, address: ContainerAddress) -> ContainerProxy:
        client = await self._clients.shared(address.connection)
        return client.get_database_client(address.database).get_container_client(address.container)

    async def _create_lease_container(self) -> None:
        address = self._options.leases
        database = (await self._clients.shared(address.connection)).get_database_client(address.database)
        await database.create_container_if_not_exists(
            address.container,
            PartitionKey(path="/id"),
            default_ttl=-1,
            offer_throughput=self._options.lease_throughput,
        )

    async def _feed_reader(self, feed_range: dict[str, Any]) -> FeedReader:
        address = self._options.monitored
        client = await self._clients.separate(address.connection)
        container = client.get_database_client(address.database).get_container_client(address.container)
        return FeedReader(container, feed_range, self._options.start, self._options.max_items)

    @property
    def options(self) -> FeedOptions:
        return self._options


class _RangeListener(Listener):
    """One feed range: take its lease, then page after page."""

    def __init__(
        self, parent: CosmosListener, leases: LeaseStore, token: str, feed_range: dict[str, Any], feed: FeedReader
    ) -> None:
        super().__init__(parent.function, parent.invoker)
        self._options = parent.options
        self._leases = leases
        self._token = token
        self._feed_range = feed_range
        self._feed = feed

    async def run(self) -> None:
        while not self.is_stopping:
            try:
                lease = await self._leases.acquire(self._token, self._feed_range)
                if lease is None:
                    log.debug("%s: range %s belongs to another host.", self.function.name, self._token)
                    await self.pause(self._options.acquire_interval_s)
                    continue
                async with self._kept_alive(lease):
                    await self._read(lease)
            except StoppedError:
                return
            except LeaseLostError:
                log.warning("%s: another host reads range %s now.", self.function.name, self._token)
            except AzureError as error:
                self.complain(f"{self.function.name}: the change feed cannot be read: {first_line(error)}")
                await self.pause(self._options.poll_delay_s)

    async def _read(self, lease: Lease) -> None:
        """Until the host stops. The first read without a position fixes where the feed begins."""
        while not self.is_stopping:
            documents, continuation = await self._feed.read(lease.continuation)
            self.complain("")
            if documents:
                await self.invoke_with_retries(documents_call(documents, "New changes on collection"))
            if documents or lease.continuation is None:
                await self._leases.checkpoint(lease, continuation)
            if not documents:
                await self.pause(self._options.poll_delay_s)
        await self._leases.release(lease)

    @asynccontextmanager
    async def _kept_alive(self, lease: Lease) -> AsyncIterator[None]:
        renewal = asyncio.create_task(self._renew(lease))
        try:
            yield
        finally:
            renewal.cancel()
            with suppress(asyncio.CancelledError, LeaseLostError):
                await renewal

    async def _renew(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(self._options.renew_interval_s)
            try:
                await self._leases.renew(lease)
            except AzureError as error:
                log.warning("%s: the lease could not be renewed: %s", self.function.name, error)


def _account_host(container: ContainerProxy) -> str:
    return urlsplit(str(container.client_connection.url_connection)).hostname or ""


def _database_rid(properties: dict[str, Any]) -> str:
    return str(properties["_self"]).split("/")[1]


def _missing_text(options: FeedOptions) -> str:
    return (
        f"Either the source container '{options.monitored.container}' (in database '{options.monitored.database}') "
        f"or the lease container '{options.leases.container}' (in database '{options.leases.database}') does not "
        "exist. Both containers must exist before the listener starts. To automatically create the lease container, "
        "set 'CreateLeaseContainerIfNotExists' to 'true'."
    )


def documents_call(documents: list[dict[str, Any]], reason: str) -> TriggerCall:
    return TriggerCall(Datum(json.dumps(documents), "json"), reason)


def check(function: HostedFunction) -> None:
    """Raises IndexingError."""
    try:
        FeedOptions.read(function.trigger)
    except ValueError as error:
        raise IndexingError(str(error)) from None


def manual_call(_: HostedFunction, text: str) -> TriggerCall:
    """`text` is a JSON array of documents. Raises ValueError when it is not JSON."""
    parse_json(text)
    return TriggerCall(Datum(text, "json"), MANUAL_REASON)
