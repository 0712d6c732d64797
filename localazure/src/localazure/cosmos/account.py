"""One account while it is served: its data, its clock, its settings."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from localazure.clock import Clock
from localazure.cosmos.catalog import Catalog
from localazure.cosmos.faults import Faults
from localazure.cosmos.ledger import Ledger
from localazure.cosmos.options import Options
from localazure.cosmos.property_index import PropertyIndexes
from localazure.cosmos.query_feed import QueryRunner
from localazure.cosmos.store import Store
from localazure.cosmos.sweeper import sweep_forever
from localazure.cosmos.throttle import Budgets

REGION = "South Central US"


class ShiftedClock:
    """A clock that can be moved forward, so that a test of expiry need not wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move on; the shift is forgotten when the server stops. Raises OverflowError beyond the year 9999."""
        ahead = self._ahead + timedelta(seconds=seconds)
        _ = self._clock.now() + ahead
        self._ahead = ahead


class Account:
    """Everything that requests work on. Open it on the thread of the event loop that serves them."""

    def __init__(self, options: Options, clock: Clock) -> None:
        """Raises ConfigError when the data file cannot be used."""
        self.options = options
        self.clock = ShiftedClock(clock)
        self.store = Store(options.data, full_durability=options.full_durability)
        self.catalog = Catalog(self.store, partitions=options.partitions, change_log=options.change_log)
        if not options.change_log:
            self.store.run("forget_changes", before=sys.maxsize)  # a log with a gap would be worse than none
        live = [one.number for database in self.catalog.databases() for one in self.catalog.containers(database)]
        self.queries = QueryRunner(self.store, PropertyIndexes(self.store, live))
        self.budgets = Budgets(self.clock, enabled=options.throttle or options.ru_per_s > 0, fixed=options.ru_per_s)
        self.ledger = Ledger(self.clock)
        self.faults = Faults()
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sweep expired items."""
        retention_s = self.options.change_log_retention_s
        sweeping = sweep_forever(self.store, self.catalog.numbered, self.clock, retention_s=retention_s)
        self._sweeper = asyncio.create_task(sweeping, name="sweeper")

    async def close(self) -> None:
        """Stop sweeping, finish queries, close the file."""
        if self._sweeper:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        self.queries.close()
        self.store.close()

    def document(self, base_url: str) -> dict[str, Any]:
        """The account as clients discover it. They send everything else to the endpoint that it names."""
        endpoint = f"{(self.options.advertise or base_url).rstrip('/')}/"
        location = {"name": REGION, "databaseAccountEndpoint": endpoint}
        replicas = {"minReplicaSetSize": 1, "maxReplicasetSize": 4}
        return {
            "_self": "",
            "id": "localhost",
            "_rid": "localhost",
            "media": "//media/",
            "addresses": "//addresses/",
            "_dbs": "//dbs/",
            "writableLocations": [location],
            "readableLocations": [location],
            "enableMultipleWriteLocations": False,
            "userReplicationPolicy": {"asyncReplication": False, **replicas},
            "userConsistencyPolicy": {"defaultConsistencyLevel": self.options.consistency},
            "systemReplicationPolicy": replicas,
            "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
            "queryEngineConfiguration": "{}",
        }
