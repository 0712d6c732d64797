"""The databases, containers and offers of the account: all of them in memory, every change of them in the store."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, Final

from localazure.cosmos import addressing, properties, ttl
from localazure.cosmos.errors import PARENT_MISSING, BadRequest, Conflict, NotFound
from localazure.cosmos.jsontext import dump, parse
from localazure.cosmos.resources import Container, Database, Offer, split_ranges
from localazure.cosmos.store import Store
from localazure.cosmos.throughput import range_count

DEFAULT_RU: Final = 400


class Catalog:
    """Finds resources by name or resource id, and creates, changes and drops them."""

    def __init__(self, store: Store, *, partitions: int, change_log: bool) -> None:
        self._store = store
        self._change_log = change_log
        self._partitions = partitions
        self._databases = {row[0]: Database(*row) for row in store.rows("list_databases")}
        self._containers = {row[1]: self._container(row) for row in store.rows("list_containers")}
        self._offers = {row[0]: _offer(row) for row in store.rows("list_offers")}
        self._index()

    def _index(self) -> None:
        self._database_names = {database.name: database for database in self._databases.values()}
        self._container_names = {(one.database.name, one.name): one for one in self._containers.values()}
        self._container_numbers = {one.number: one for one in self._containers.values()}
        self._offers_of = {offer.resource_rid: offer for offer in self._offers.values()}

    def databases(self) -> list[Database]:
        """All databases, oldest first."""
        return list(self._databases.values())

    def containers(self, database: Database) -> list[Container]:
        """The containers of a database, oldest first."""
        return [one for one in self._containers.values() if one.database is database]

    def offers(self) -> list[Offer]:
        """All offers, oldest first."""
        return list(self._offers.values())

    def database(self, identifier: str, *, by_rid: bool) -> Database:
        """Raises NotFound."""
        found = (self._databases if by_rid else self._database_names).get(identifier)
        if found is None:
            raise NotFound(f"The database {identifier!r} does not exist.")
        return found

    def container(self, database: str, identifier: str, *, by_rid: bool) -> Container:
        """Raises NotFound, with sub-status 1003 when it is the database that is missing."""
        found = self._containers.get(identifier) if by_rid else self._container_names.get((database, identifier))
        if found is None or (by_rid and found.database.rid != database):
            known = (self._databases if by_rid else self._database_names).get(database)
            raise NotFound(
                f"The container {identifier!r} does not exist in the database {database!r}.",
                substatus=0 if known else PARENT_MISSING,
            )
        return found

    def numbered(self, number: int) -> Container:
        """The container with this number in the store. Raises KeyError."""
        return self._container_numbers[number]

    def offer(self, rid: str) -> Offer:
        """Raises NotFound."""
        if rid not in self._offers:
            raise NotFound(f"The offer {rid!r} does not exist.")
        return self._offers[rid]

    def offer_for(self, container: Container) -> tuple[str, Offer | None]:
        """The offer that pays for a container, its own or its database's, and the resource id it belongs to."""
        rid = container.rid if container.rid in self._offers_of else container.database.rid
        return rid, self._offers_of.get(rid)

    def create_database(self, body: Mapping[str, Any], throughput: Mapping[str, Any] | None, now: datetime) -> Database:
        """Raises Conflict for a taken name and BadRequest for a bad one."""
        name = addressing.check_name(body.get("id"))
        if name in self._database_names:
            raise Conflict(f"The database {name!r} exists already.")
        database = Database(addressing.new_database_rid(), name, int(now.timestamp()), new_etag())
        with self._store.transaction():
            self._store.run("add_database", rid=database.rid, id=name, ts=database.ts, etag=database.etag)
            offer = self._add_offer(database, throughput, now) if throughput else None
        self._databases[database.rid] = database
        self._remember_offer(offer)
        return database

    def create_container(
        self, database: Database, body: Mapping[str, Any], throughput: Mapping[str, Any] | None, now: datetime
    ) -> Container:
        """Raises Conflict for a taken name and BadRequest for a bad one or bad properties."""
        name = addressing.check_name(body.get("id"))
        given = properties.complete(body)
        if (database.name, name) in self._container_names:
            raise Conflict(f"The container {name!r} exists already in the database {database.name!r}.")
        if throughput is None and database.rid not in self._offers_of:
            throughput = {"offerThroughput": DEFAULT_RU}
        with self._store.transaction():
            (row,) = self._store.rows(
                "add_container",
                rid=addressing.new_container_rid(database.rid),
                database_rid=database.rid,
                id=name,
                properties=dump(given),
                ts=int(now.timestamp()),
                etag=new_etag(),
                range_count=self._partitions if throughput is None else max(range_count(throughput), self._partitions),
            )
            container = self._container(row)
            offer = self._add_offer(container, throughput, now) if throughput else None
        self._containers[container.rid] = container
        self._remember_offer(offer)
        return container

    def replace_container(self, container: Container, body: Mapping[str, Any], now: datetime) -> None:
        """New properties; a new `defaultTtl` counts from each item's own last write. Raises BadRequest."""
        if body.get("id") != container.name:
            raise BadRequest("The id of a container cannot be changed.")
        given, ts, etag = properties.replaced(container.properties, body), int(now.timestamp()), new_etag()
        with self._store.transaction():
            self._store.run("replace_container", container=container.number, properties=dump(given), ts=ts, etag=etag)
            if given.get("defaultTtl") != container.default_ttl:
                self._reschedule(container, given.get("defaultTtl"))
        container.adopt(given, ts, etag)

    def _reschedule(self, container: Container, default_ttl: int | None) -> None:
        with closing(self._store.run("items_to_reschedule", container=container.number)) as items:
            for row, body, written_at in items:
                self._store.run("reschedule_item", row=row, expires_at=ttl.expiry(default_ttl, parse(body), written_at))

    def replace_offer(self, offer: Offer, throughput: Mapping[str, Any], now: datetime) -> None:
        """A new throughput, as `throughput_content` made it."""
        ts, etag = int(now.timestamp()), new_etag()
        with self._store.transaction():
            self._store.run("replace_offer", rid=offer.rid, content=dump(throughput), ts=ts, etag=etag)
        offer.content, offer.ts, offer.etag = throughput, ts, etag

    def drop_database(self, database: Database) -> None:
        """With everything in it."""
        with self._store.transaction():
            for container in self.containers(database):
                self._erase_container(container)
            self._store.run("drop_offer", resource_rid=database.rid)
            self._store.run("drop_database", rid=database.rid)
        for container in self.containers(database):
            del self._containers[container.rid]
        del self._databases[database.rid]
        self._forget_offers()

    def drop_container(self, container: Container) -> None:
        """With its items, its log and its offer."""
        with self._store.transaction():
            self._erase_container(container)
        del self._containers[container.rid]
        self._forget_offers()

    def drop_everything(self) -> None:
        """Back to an empty account."""
        for database in self.databases():
            self.drop_database(database)

    def _container(self, row: tuple[Any, ...]) -> Container:
        number, rid, parent, name, text, ts, etag, lsn, sequence, count = row
        database, ranges = self._databases[parent], split_ranges(count)
        return Container(
            number, rid, database, name, ts, etag, lsn, sequence, ranges, self._change_log, properties=parse(text)
        )

    def _erase_container(self, container: Container) -> None:
        """Take a container out of its database; what it held is erased later, so that nobody waits for it."""
        self._store.run("drop_container", container=container.number)
        self._store.run("drop_offer", resource_rid=container.rid)

    def _add_offer(self, resource: Database | Container, content: Mapping[str, Any], now: datetime) -> Offer:
        offer = Offer(
            addressing.new_offer_rid(), resource.rid, resource.link, content, int(now.timestamp()), new_etag()
        )
        self._store.run(
            "add_offer",
            rid=offer.rid,
            resource_rid=offer.resource_rid,
            resource_link=offer.resource_link,
            content=dump(content),
            ts=offer.ts,
            etag=offer.etag,
        )
        return offer

    def _remember_offer(self, offer: Offer | None) -> None:
        if offer:
            self._offers[offer.rid] = offer
        self._index()

    def _forget_offers(self) -> None:
        live = {*self._databases, *self._containers}
        self._offers = {rid: offer for rid, offer in self._offers.items() if offer.resource_rid in live}
        self._index()


def _offer(row: tuple[Any, ...]) -> Offer:
    rid, resource_rid, link, content, ts, etag = row
    return Offer(rid, resource_rid, link, parse(content), ts, etag)


def new_etag() -> str:
    """An ETag for a resource that is written so rarely that a random one does."""
    raw = secrets.token_hex(16)
    return f'"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"'
