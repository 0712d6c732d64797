"""Which items a query or feed may look at: a logical partition, an interval of keys, or all of a container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from localazure.cosmos import partition_key
from localazure.cosmos.errors import RANGE_UNKNOWN, BadRequest, Gone
from localazure.cosmos.jsontext import dump
from localazure.cosmos.partition_key import EPK_MAX, EPK_MIN, UNDEFINED, PartitionKey
from localazure.cosmos.query.intervals import ALWAYS, Interval
from localazure.cosmos.resources import Container, Range

KEY_HEADER = "x-ms-documentdb-partitionkey"
RANGE_HEADER = "x-ms-documentdb-partitionkeyrangeid"


@dataclass(frozen=True, slots=True)
class Scope:
    """An interval of effective partition keys, narrowed to one logical partition when `key` is given."""

    range: Range
    epk_from: str = EPK_MIN
    epk_to: str = EPK_MAX
    key: PartitionKey | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing of the container is left out."""
        return self.key is None and self.epk_from == EPK_MIN and self.epk_to == EPK_MAX


@dataclass(frozen=True, slots=True)
class Scan:
    """A statement of queries.sql and its parameters, apart from `after`; it finds candidates in creation order.

    `count` is the statement that only counts them, empty where there is none.
    """

    statement: str
    parameters: dict[str, Any]
    count: str = ""


def of_headers(container: Container, headers: Mapping[str, str]) -> Scope:
    """The scope that a request states. Raises Gone for an unknown range and BadRequest for a bad key."""
    scope = _of_key(container, headers) or _of_range(container, headers)
    start, end = headers.get("x-ms-start-epk"), headers.get("x-ms-end-epk")
    return replace(
        scope,
        epk_from=max(scope.epk_from, start) if start else scope.epk_from,
        epk_to=min(scope.epk_to, end) if end else scope.epk_to,
    )


def names_a_scope(headers: Mapping[str, str]) -> bool:
    """Whether a request restricts itself at all, or at least says that it means everything."""
    crosses = headers.get("x-ms-documentdb-query-enablecrosspartition", "").lower() == "true"
    return crosses or KEY_HEADER in headers or RANGE_HEADER in headers


def spans_partitions(headers: Mapping[str, str]) -> bool:
    """Whether a request is about the whole container, for a client that would otherwise ask range by range."""
    return KEY_HEADER not in headers and RANGE_HEADER not in headers


def _of_key(container: Container, headers: Mapping[str, str]) -> Scope | None:
    if KEY_HEADER not in headers:
        return None
    key = partition_key.of_header(container.definition, headers[KEY_HEADER])
    if not key.components:
        return Scope(container.ranges[0])
    if partition_key.is_full(container.definition, key):
        return Scope(container.range_of(key.epk), key=key)
    return Scope(container.range_of(key.epk), *partition_key.prefix_interval(key.epk))


def _of_range(container: Container, headers: Mapping[str, str]) -> Scope:
    wanted = headers.get(RANGE_HEADER, "").rpartition(",")[2]
    if not wanted:
        return Scope(container.ranges[0])
    for range_ in container.ranges:
        if range_.id == wanted:
            return Scope(range_, range_.min_epk, range_.max_epk)
    raise Gone(f"The partition key range {wanted!r} does not exist.", substatus=RANGE_UNKNOWN)


def narrowed(container: Container, scope: Scope, equalities: Mapping[tuple[str, ...], list[Any]]) -> Scope:
    """The scope without what a WHERE clause rules out, if it fixes the whole partition key."""
    values = [equalities.get(path, []) for path in container.definition.paths]
    if scope.key is not None or any(len(value) != 1 for value in values):
        return scope
    components = tuple(UNDEFINED if isinstance(value, dict | list) else value for value in chain(*values))
    nothing = replace(scope, epk_to=scope.epk_from)
    try:
        key = partition_key.make(container.definition, components)
    except BadRequest:  # no item can have a key of that length
        return nothing
    return replace(scope, key=key) if scope.epk_from <= key.epk < scope.epk_to else nothing


def scan(container: Container, scope: Scope, ids: list[Any] | None, now: float, written: Interval = ALWAYS) -> Scan:
    """The cheapest statement that finds every live item of a scope, or those with certain ids, `written` in seconds."""
    given: dict[str, Any] = {"container": container.number, "now": now, "ts_from": written[0], "ts_to": written[1]}
    interval = {"epk_from": scope.epk_from, "epk_to": scope.epk_to}
    if scope.key is not None:
        given["partition_key"] = scope.key.text
        if ids is not None:
            return Scan("scan_partition_ids", {**given, "ids": dump(ids)})
        return Scan("scan_partition", {**given, "epk": scope.key.epk}, "count_partition")
    if ids is not None:
        return Scan("scan_ids", {**given, **interval, "ids": dump(ids)})
    if scope.is_everything:
        return Scan("scan_container", given, "count_container")
    return Scan("scan_interval", {**given, **interval}, "count_interval")
