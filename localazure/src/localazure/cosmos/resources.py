"""Databases, containers and offers as the server keeps them in memory, and as clients see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localazure.cosmos import addressing, partition_key
from localazure.cosmos.indexing import IndexingPolicy
from localazure.cosmos.partition_key import EPK_MAX, EPK_MIN
from localazure.cosmos.paths import PropertyPath, parse_path


@dataclass(slots=True, eq=False)
class Database:
    """A database."""

    rid: str
    name: str
    ts: int
    etag: str

    @property
    def link(self) -> str:
        """The link by resource ids, `_self`."""
        return f"dbs/{self.rid}/"

    def document(self) -> dict[str, Any]:
        """The resource as clients read it."""
        system = {"_rid": self.rid, "_self": self.link, "_etag": self.etag, "_colls": "colls/", "_users": "users/"}
        return {"id": self.name, **system, "_ts": self.ts}


@dataclass(frozen=True, slots=True)
class Range:
    """A physical partition: an interval of effective partition keys."""

    id: str
    min_epk: str
    max_epk: str


@dataclass(slots=True, eq=False)
class Container:
    """A container. `lsn` and `sequence` always equal what is committed in the store.

    `link` is the one by resource ids, `_self`. `keeps_log` tells whether changes are logged, for the feed of all
    versions and deletes.
    """

    number: int
    rid: str
    database: Database
    name: str
    ts: int
    etag: str
    lsn: int
    sequence: int
    ranges: tuple[Range, ...]
    keeps_log: bool
    properties: Mapping[str, Any] = field(default_factory=dict)
    link: str = field(init=False)
    definition: partition_key.Definition = field(init=False)
    unique_keys: tuple[tuple[PropertyPath, ...], ...] = field(init=False)
    default_ttl: int | None = field(init=False)
    index: IndexingPolicy = field(init=False)
    content_path: str = field(init=False)

    def __post_init__(self) -> None:
        self.link = f"{self.database.link}colls/{self.rid}/"
        self.content_path = addressing.content_path(self.database.name, self.name)
        self.adopt(self.properties, self.ts, self.etag)

    def adopt(self, properties: Mapping[str, Any], ts: int, etag: str) -> None:
        """Take over properties that have been checked and stored."""
        self.properties, self.ts, self.etag = properties, ts, etag
        self.definition = partition_key.define(properties["partitionKey"])
        unique = properties.get("uniqueKeyPolicy", {}).get("uniqueKeys", [])
        self.unique_keys = tuple(tuple(parse_path(path) for path in key["paths"]) for key in unique)
        self.default_ttl = properties.get("defaultTtl")
        self.index = IndexingPolicy(properties["indexingPolicy"])

    def range_of(self, epk: str) -> Range:
        """The range that a key belongs to."""
        return next(range_ for range_ in self.ranges if range_.min_epk <= epk < range_.max_epk)

    def document(self) -> dict[str, Any]:
        """The resource as clients read it."""
        feeds = {f"_{name}": f"{name}/" for name in ("docs", "sprocs", "triggers", "udfs", "conflicts")}
        system = {"_rid": self.rid, "_ts": self.ts, "_self": self.link, "_etag": self.etag}
        return {"id": self.name, **self.properties, **system, **feeds}

    def range_document(self, range_: Range) -> dict[str, Any]:
        """A partition key range as clients read it."""
        rid = addressing.range_rid(self.rid, int(range_.id))
        return {
            "_rid": rid,
            "id": range_.id,
            "_etag": '"0"',
            "minInclusive": range_.min_epk,
            "maxExclusive": range_.max_epk,
            "ridPrefix": int(range_.id),
            "_self": f"{self.link}pkranges/{rid}/",
            "throughputFraction": 1 / len(self.ranges),
            "status": "online",
            "parents": [],
            "_ts": self.ts,
            "lsn": self.lsn,
        }


@dataclass(slots=True, eq=False)
class Offer:
    """The throughput of a database or container."""

    rid: str
    resource_rid: str
    resource_link: str
    content: Mapping[str, Any]
    ts: int
    etag: str

    @property
    def ru_per_s(self) -> int:
        """What may be used up in a second; of an autoscale offer its maximum."""
        autoscale = self.content.get("offerAutopilotSettings")
        return int(autoscale["maxThroughput"] if autoscale else self.content["offerThroughput"])

    def document(self) -> dict[str, Any]:
        """The resource as clients read it."""
        return {
            "offerVersion": "V2",
            "offerType": "Invalid",
            "content": self.content,
            "id": self.rid,
            "_rid": self.rid,
            "_self": f"offers/{self.rid}/",
            "_etag": self.etag,
            "_ts": self.ts,
            "resource": self.resource_link,
            "offerResourceId": self.resource_rid,
        }


def split_ranges(count: int) -> tuple[Range, ...]:
    """So many ranges of equal width over the whole key space."""
    inner = [f"{index * 0x4000_0000 // count:08X}" + "0" * 24 for index in range(1, count)]
    bounds = [EPK_MIN, *inner, EPK_MAX]
    return tuple(Range(str(index), bounds[index], bounds[index + 1]) for index in range(count))
