"""The task hub's store in one SQLite file.

One thread writes and commits in groups with full synchronisation: what was confirmed survives a power cut. A second
connection reads beside it. A hub on ":memory:" has one connection for both and is gone when it is closed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from localazure.durable import sqlite_entities as entities
from localazure.durable import sqlite_instances as instances
from localazure.durable.errors import HubFailed
from localazure.durable.hub_lock import HubLock
from localazure.durable.observer import Observer
from localazure.durable.records import Activity, Delivery, EntityRequest, Instance, Message, Start
from localazure.durable.sqlite_thread import SqliteThread, Work
from localazure.durable.store import (
    Entity,
    EntityCommit,
    EntityQuery,
    EpisodeCommit,
    InstanceQuery,
    InstanceRewind,
    Loaded,
    Recovery,
)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
IN_MEMORY = ":memory:"
OTHERS_S = 60.0
"""How long to wait for another program that writes to the hub's file, such as someone's database browser."""
NOT_OPEN = "the task hub is not open"


class SqliteStore:
    """Implements `store.Store`. `path` is a Path or ":memory:"; `observer` is told of every commit."""

    def __init__(self, path: Path | str, observer: Observer | None = None) -> None:
        self._path = path
        self._observer = observer
        self._lock: HubLock | None = None
        self._writer: SqliteThread | None = None
        self._reader: SqliteThread | None = None

    async def open(self) -> Recovery:
        if self._path != IN_MEMORY:
            self._lock = HubLock(Path(self._path))
        self._writer = self._reader = SqliteThread(_connect(self._path), "hub-writer", self._observer)
        recovery = await self._writer.run(instances.prepare)
        if self._path != IN_MEMORY:
            self._reader = SqliteThread(_connect(self._path), "hub-reader", only_reads=True)
        return recovery

    async def close(self) -> None:
        for thread in {self._writer, self._reader}:
            if thread is not None:
                await thread.close()
        if self._lock is not None:
            self._lock.release()

    def create(self, start: Start, at: datetime, *, replace_any: bool) -> Awaitable[None]:
        return self._write(instances.create, start, at, replace_any)

    def send(self, delivery: Delivery) -> Awaitable[None]:
        return self._write(instances.send, delivery)

    def finish_activity(self, activity: Activity, result: Message) -> Awaitable[None]:
        if self._writer is None:
            raise HubFailed(NOT_OPEN)
        return self._writer.run_soon(instances.finish_activity, activity, result)

    def commit(self, commit: EpisodeCommit) -> Awaitable[list[Message]]:
        return self._write(instances.commit, commit)

    def rewind(self, rewinds: Sequence[InstanceRewind]) -> Awaitable[list[Delivery]]:
        return self._write(instances.rewind, rewinds)

    async def load(self, instance_id: str) -> Loaded | None:
        return await self._read(instances.load, instance_id)

    async def get(self, instance_id: str) -> Instance | None:
        return await self._read(instances.get, instance_id)

    async def find(self, query: InstanceQuery) -> list[Instance]:
        return await self._read(instances.find, query)

    def purge(self, instance_id: str) -> Awaitable[None]:
        return self._write(instances.purge, instance_id)

    def purge_matching(self, query: InstanceQuery) -> Awaitable[int]:
        return self._write(instances.purge_matching, query)

    def request(self, seq: int, request: EntityRequest) -> Awaitable[None]:
        return self._write(entities.request, seq, request)

    def commit_entity(self, commit: EntityCommit, at: datetime) -> Awaitable[None]:
        return self._write(entities.commit_entity, commit, at)

    async def get_entity(self, entity_id: str) -> Entity | None:
        return await self._read(entities.get, entity_id)

    async def find_entities(self, query: EntityQuery) -> list[Entity]:
        return await self._read(entities.find, query)

    def _write(self, work: Work[*Ts, T], *arguments: *Ts) -> Awaitable[T]:
        if self._writer is None:
            raise HubFailed(NOT_OPEN)
        return self._writer.run(work, *arguments)

    def _read(self, work: Work[*Ts, T], *arguments: *Ts) -> Awaitable[T]:
        if self._reader is None:
            raise HubFailed(NOT_OPEN)
        return self._reader.run(work, *arguments)


def _connect(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=OTHERS_S, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection
