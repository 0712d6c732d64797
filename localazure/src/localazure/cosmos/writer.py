"""One write transaction on one container: items, unique values, the change log and the log number move together.

The numbers of a container in memory are advanced only after the commit, so a rollback has nothing to restore. In the
store its newest item tells them, so that only deleting an item has to write them down. All writes of
one transaction share its log number (LSN) and are told apart by their position in it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

from localazure.cosmos import addressing, ttl
from localazure.cosmos.errors import Conflict, TooLarge
from localazure.cosmos.jsontext import canonical, check_depth, dump, parse, utf8_size
from localazure.cosmos.partition_key import PartitionKey
from localazure.cosmos.paths import value_at
from localazure.cosmos.resources import Container
from localazure.cosmos.store import Store

MAX_ITEM_BYTES: Final = 2 * 1024 * 1024
SYSTEM_PROPERTIES: Final = frozenset({"_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"})


class Item(NamedTuple):
    """A stored item, a row of the store. `body` is the user's JSON text, `size` its length in bytes."""

    row: int
    partition_key: str
    epk: str
    id: str
    sequence: int
    body: str
    size: int
    etag: str
    ts: int
    written_at: float
    lsn: int

    def text(self, container: Container) -> str:
        """The item as clients read it: with its system properties."""
        return with_system_properties(container, self.sequence, self.body, self.etag, self.ts)

    def document(self) -> dict[str, Any]:
        """The user's document."""
        document: dict[str, Any] = parse(self.body)
        return document


def with_system_properties(container: Container, sequence: int, body: str, etag: str, ts: int) -> str:
    """Append what the service knows about an item to its JSON text, which is never an empty object."""
    rid = addressing.item_rid(container.rid, sequence)
    return (
        f'{body[:-1]},"_rid":"{rid}","_self":"{container.link}docs/{rid}/",'
        f'"_etag":"\\"{etag[1:-1]}\\"","_attachments":"attachments/","_ts":{ts}}}'
    )


def find_item(store: Store, container: Container, key: PartitionKey, item_id: str, now: datetime) -> Item | None:
    """The live item with that id in that logical partition."""
    row = store.row("find_item", container=container.number, partition_key=key.text, id=item_id, now=now.timestamp())
    return Item(*row) if row else None


@contextmanager
def writing(store: Store, container: Container, now: datetime) -> Iterator[Writer]:
    """A transaction on a container. Whatever the body raises rolls it back; the body must not await."""
    writer = Writer(store, container, now)
    with store.transaction():
        yield writer
    if writer.position:
        container.lsn, container.sequence = writer.lsn, writer.sequence


class Writer:
    """What may be written inside `writing`."""

    def __init__(self, store: Store, container: Container, now: datetime) -> None:
        self.store = store
        self.container = container
        self.now = now
        self.lsn = container.lsn + 1
        self.sequence = container.sequence
        self.position = 0

    def find(self, key: PartitionKey, item_id: str) -> Item | None:
        """The live item with that id, as of the earlier writes of this transaction."""
        return find_item(self.store, self.container, key, item_id, self.now)

    def insert(self, key: PartitionKey, document: Mapping[str, Any]) -> Item:
        """Store a new item. Raises Conflict for a taken unique value, TooLarge, BadRequest for a bad `ttl`."""
        self.sequence += 1
        item = self._version(Item(0, key.text, key.epk, document["id"], self.sequence, "", 0, "", 0, 0.0, 0), document)
        cursor = self.store.run(
            "add_item",
            container=self.container.number,
            partition_key=item.partition_key,
            epk=item.epk,
            id=item.id,
            sequence=item.sequence,
            **self._columns(item, document),
        )
        self._claim_unique_values(item, document)
        self._log("create", item, None)
        return item._replace(row=cursor.lastrowid or 0)

    def change(self, old: Item, document: Mapping[str, Any]) -> Item:
        """Store a new version of an item. Raises as `insert` does."""
        item = self._version(old, document)
        self.store.run("change_item", row=item.row, **self._columns(item, document))
        self._release_unique_values(item)
        self._claim_unique_values(item, document)
        self._log("replace", item, old.lsn)
        return item

    def remove(self, item: Item, *, expired: bool = False) -> None:
        """Delete an item, because a client wishes so or because its time is over."""
        self.store.run("delete_item", row=item.row)
        self._release_unique_values(item)
        self.store.run("advance_container", container=self.container.number, lsn=self.lsn, sequence=self.sequence)
        self.position += 1
        self._log("delete", item, item.lsn, expired=expired)

    def _version(self, item: Item, document: Mapping[str, Any]) -> Item:
        ttl.check_item(document)
        body = dump(document)
        size = utf8_size(body)
        if size > MAX_ITEM_BYTES:
            raise TooLarge(f"The item has {size} bytes, more than {MAX_ITEM_BYTES}.")
        check_depth(body, document)
        self.position += 1
        written_at = self.now.timestamp()
        ts = int(written_at)
        etag = f'"{self.lsn:08x}-{self.position:04x}-0000-{self.container.number:04x}-{ts:012x}"'
        return item._replace(body=body, size=size, etag=etag, ts=ts, written_at=written_at, lsn=self.lsn)

    def _columns(self, item: Item, document: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "body": item.body,
            "size": item.size,
            "etag": item.etag,
            "ts": item.ts,
            "written_at": item.written_at,
            "lsn": item.lsn,
            "position": self.position,
            "expires_at": ttl.expiry(self.container.default_ttl, document, item.written_at),
        }

    def _claim_unique_values(self, item: Item, document: Mapping[str, Any]) -> None:
        for index, paths in enumerate(self.container.unique_keys):
            value = canonical([value_at(document, path) for path in paths])
            try:
                self.store.run(
                    "add_unique_value",
                    container=self.container.number,
                    partition_key=item.partition_key,
                    key_index=index,
                    value=value,
                    id=item.id,
                )
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
                    raise
                raise Conflict(f"Unique index constraint violation: {value} is taken.") from error

    def _release_unique_values(self, item: Item) -> None:
        if self.container.unique_keys:
            self.store.run(
                "release_unique_values",
                container=self.container.number,
                partition_key=item.partition_key,
                id=item.id,
            )

    def _log(self, operation: str, item: Item, previous_lsn: int | None, *, expired: bool = False) -> None:
        if not self.container.keeps_log:
            return
        self.store.run(
            "log_change",
            container=self.container.number,
            lsn=self.lsn,
            position=self.position,
            operation=operation,
            partition_key=item.partition_key,
            epk=item.epk,
            id=item.id,
            body=None if operation == "delete" else item.text(self.container),
            previous_lsn=previous_lsn,
            ts=int(self.now.timestamp()),
            expired=expired,
        )
