"""What a Cosmos DB trigger binding says, with its defaults; the names of the older extension version work too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from localazure.host.functions import Binding
from localazure.host.settings import COSMOS

Start = datetime | Literal["Now", "Beginning"]


@dataclass(frozen=True)
class ContainerAddress:
    """Where a container is: the name of a connection, a database, a container."""

    connection: str
    database: str
    container: str


@dataclass(frozen=True)
class FeedOptions:
    """Times in seconds. `max_items` is None when the service decides."""

    monitored: ContainerAddress
    leases: ContainerAddress
    lease_prefix: str
    creates_leases: bool
    lease_throughput: int | None
    poll_delay_s: float
    acquire_interval_s: float
    renew_interval_s: float
    expiration_s: float
    max_items: int | None
    start: Start

    @classmethod
    def read(cls, trigger: Binding) -> FeedOptions:
        """Raises ValueError."""
        connection = trigger.text("connection", "connectionStringSetting", default=COSMOS)
        database = trigger.text("databaseName")
        monitored = ContainerAddress(connection, database, trigger.text("containerName", "collectionName"))
        leases = ContainerAddress(
            trigger.text("leaseConnection", "leaseConnectionStringSetting", default=connection),
            trigger.text("leaseDatabaseName", default=database),
            trigger.text("leaseContainerName", "leaseCollectionName", default="leases"),
        )
        if not monitored.database or not monitored.container:
            raise ValueError("The Cosmos DB trigger needs a database name and a container name.")
        if monitored == leases:
            raise ValueError("The monitored container cannot be the same as the container that stores the leases.")
        return cls(
            monitored=monitored,
            leases=leases,
            lease_prefix=trigger.text("leaseContainerPrefix", "leaseCollectionPrefix"),
            creates_leases=trigger.flag("createLeaseContainerIfNotExists", "createLeaseCollectionIfNotExists"),
            lease_throughput=trigger.integer("leasesContainerThroughput", 0)
            or trigger.integer("leasesCollectionThroughput", 0)
            or None,
            poll_delay_s=trigger.integer("feedPollDelay", 5000) / 1000,
            acquire_interval_s=trigger.integer("leaseAcquireInterval", 13_000) / 1000,
            renew_interval_s=trigger.integer("leaseRenewInterval", 17_000) / 1000,
            expiration_s=trigger.integer("leaseExpirationInterval", 60_000) / 1000,
            max_items=trigger.integer("maxItemsPerInvocation", 0) or None,
            start=_start(trigger),
        )


def _start(trigger: Binding) -> Start:
    start_time = trigger.text("startFromTime")
    if start_time and trigger.flag("startFromBeginning"):
        raise ValueError("StartFromBeginning and StartFromTime cannot be used together.")
    if start_time:
        try:
            moment = datetime.fromisoformat(start_time)
        except ValueError:
            raise ValueError(f"StartFromTime: '{start_time}' is not a time in ISO 8601.") from None
        return moment if moment.tzinfo else moment.astimezone()
    return "Beginning" if trigger.flag("startFromBeginning") else "Now"
