"""Deletes what nobody can see any more, in small transactions: expired items and the rows of dropped containers.

Readers of all versions are told of the former.
"""

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
ERASURES: Final = ("erase_items", "erase_unique_values", "erase_changes")

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


def erase_slice(store: Store, number: int, size: int = SLICE) -> bool:
    """Delete one slice of each kind of row of a dropped container; returns whether something may be left."""
    with store.transaction():
        erased = [store.run(statement, container=number, slice=size).rowcount for statement in ERASURES]
        if not any(erased):
            store.run("forget_container", container=number)
    return any(erased)


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
            for (number,) in store.rows("dropped_containers"):
                erased = True
                while erased:
                    erased = erase_slice(store, number)
                    await asyncio.sleep(0)
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
