"""Deletes expired items, in small transactions, and tells readers of all versions about it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Final, NoReturn

from localazure.clock import Clock
from localazure.cosmos.partition_key import PartitionKey
from localazure.cosmos.resources import Container
from localazure.cosmos.store import Store
from localazure.cosmos.writer import Item, writing

INTERVAL_S: Final = 0.5
SLICE: Final = 500

_log = logging.getLogger(__name__)


def sweep_partition(store: Store, container: Container, key: PartitionKey, now: datetime) -> None:
    """Delete what has expired in one logical partition, before a write there."""
    if container.default_ttl is None:
        return
    scope = {"container": container.number, "partition_key": key.text, "now": now.timestamp()}
    _delete(store, container, now, [Item(*row) for row in store.rows("expired_partition_items", **scope)])


def sweep_container(store: Store, container: Container, now: datetime) -> int:
    """Delete one slice of what has expired in a container; returns how many items that were."""
    scope = {"container": container.number, "now": now.timestamp(), "slice": SLICE}
    items = [Item(*row) for row in store.rows("expired_items", **scope)]
    _delete(store, container, now, items)
    return len(items)


async def sweep_forever(
    store: Store, find: Callable[[int], Container], clock: Clock, *, retention_s: int | None
) -> NoReturn:
    """Sweep every container, giving the loop away between slices. `find` maps a container's number to it.

    With `retention_s` the change log is cut to that many seconds, too.
    """
    while True:
        await asyncio.sleep(INTERVAL_S)
        try:
            if retention_s is not None:
                store.run("forget_changes", before=int(clock.now().timestamp()) - retention_s)
            for (number,) in store.rows("expired_containers", now=clock.now().timestamp()):
                swept = SLICE
                while swept == SLICE:
                    swept = sweep_container(store, find(number), clock.now())
                    await asyncio.sleep(0)
        except (sqlite3.Error, KeyError):
            _log.exception("action=sweep failed; the next round tries again")


def _delete(store: Store, container: Container, now: datetime, items: list[Item]) -> None:
    if items:
        with writing(store, container, now) as writer:
            for item in items:
                writer.remove(item, expired=True)
