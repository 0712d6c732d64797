"""What can be done to one item, alone or as part of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from localazure.cosmos import addressing, charges, partition_key, patch
from localazure.cosmos.errors import (
    CONDITION_FALSE,
    PARTITION_KEY_MISMATCH,
    BadRequest,
    Conflict,
    NotFound,
    PreconditionFailed,
)
from localazure.cosmos.jsontext import parse
from localazure.cosmos.partition_key import PartitionKey
from localazure.cosmos.query import compile_query
from localazure.cosmos.resources import Container
from localazure.cosmos.writer import SYSTEM_PROPERTIES, Item, Writer


@dataclass(frozen=True, slots=True)
class Conditions:
    """The ETags that a caller insists on; empty for none."""

    if_match: str = ""
    if_none_match: str = ""

    def check(self, item: Item | None) -> None:
        """Raises PreconditionFailed when a write must not happen. A missing item fails no If-Match."""
        if item is None:
            return
        if self.if_match not in {"", "*", item.etag}:
            raise PreconditionFailed("The ETag in If-Match is not that of the item.")
        if self.if_none_match in {"*", item.etag}:
            raise PreconditionFailed("The item exists already, with the ETag in If-None-Match.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operation led to; `item` is None after a delete and for a read that found nothing new."""

    status: int
    item: Item | None
    charge: float
    etag: str = ""


def create(writer: Writer, key: PartitionKey, body: Mapping[str, Any]) -> Outcome:
    """Raises Conflict when the id is taken."""
    document = acceptable(writer.container, key, body)
    if writer.find(key, document["id"]):
        raise Conflict(f"Entity with the specified id {document['id']!r} already exists in the system.")
    return _insert(writer, key, document)


def upsert(writer: Writer, key: PartitionKey, body: Mapping[str, Any], conditions: Conditions) -> Outcome:
    """Create or replace. Raises PreconditionFailed."""
    document = acceptable(writer.container, key, body)
    old = writer.find(key, document["id"])
    conditions.check(old)
    return _change(writer, old, document) if old else _insert(writer, key, document)


def replace(
    writer: Writer, key: PartitionKey, item_id: str, body: Mapping[str, Any], conditions: Conditions
) -> Outcome:
    """Raises NotFound, PreconditionFailed, and BadRequest when the body has another id."""
    document = acceptable(writer.container, key, body)
    if document["id"] != item_id:
        raise BadRequest(f"The id {document['id']!r} of the body is not the id {item_id!r} of the link.")
    old = existing(writer.find(key, item_id), item_id)
    conditions.check(old)
    return _change(writer, old, document)


def patch_item(
    writer: Writer, key: PartitionKey, item_id: str, body: Mapping[str, Any], conditions: Conditions
) -> Outcome:
    """Raises NotFound, PreconditionFailed (also for a false condition), and BadRequest for bad operations."""
    if not isinstance(body, Mapping):
        raise BadRequest("A patch must be a JSON object.")
    old = existing(writer.find(key, item_id), item_id)
    operations = patch.check_operations(body.get("operations"), writer.container.definition.paths)
    conditions.check(old)
    if body.get("condition"):
        _check_condition(str(body["condition"]), old, writer)
    document = patch.apply(old.document(), operations)
    if partition_key.of_document(writer.container.definition, document).text != key.text:
        raise BadRequest("A patch cannot change the partition key.")
    return _change(writer, old, document, operations=len(operations))


def delete(writer: Writer, key: PartitionKey, item_id: str, conditions: Conditions) -> Outcome:
    """Raises NotFound and PreconditionFailed."""
    old = existing(writer.find(key, item_id), item_id)
    conditions.check(old)
    return remove(writer, old)


def remove(writer: Writer, item: Item) -> Outcome:
    """Delete an item that was found."""
    writer.remove(item)
    terms = writer.container.index.terms(item.document())
    return Outcome(204, None, charges.write_ru(item.size, terms))


def read(item: Item | None, item_id: str, conditions: Conditions) -> Outcome:
    """Raises NotFound. An item that the caller has already (If-None-Match) is a 304 without it."""
    found = existing(item, item_id)
    if conditions.if_none_match == found.etag:
        return Outcome(304, None, charges.SMALLEST, found.etag)
    return Outcome(200, found, charges.read_ru(found.size), found.etag)


def existing(item: Item | None, item_id: str) -> Item:
    """The item. Raises NotFound without one."""
    if item is None:
        raise NotFound(f"Entity with the specified id {item_id!r} does not exist in the system.")
    return item


def acceptable(container: Container, key: PartitionKey, body: Mapping[str, Any]) -> dict[str, Any]:
    """The document to store, without system properties. Raises BadRequest for a bad id or another partition key."""
    if not isinstance(body, Mapping):
        raise BadRequest("An item must be a JSON object.")
    document = {name: value for name, value in body.items() if name not in SYSTEM_PROPERTIES}
    addressing.check_item_id(document.get("id"))
    if partition_key.of_document(container.definition, document).text != key.text:
        raise BadRequest(
            "The partition key extracted from the document doesn't match the one specified in the header.",
            substatus=PARTITION_KEY_MISMATCH,
        )
    return document


def _insert(writer: Writer, key: PartitionKey, document: Mapping[str, Any]) -> Outcome:
    item = writer.insert(key, document)
    terms = writer.container.index.terms(document)
    return Outcome(201, item, charges.write_ru(item.size, terms), item.etag)


def _change(writer: Writer, old: Item, document: Mapping[str, Any], operations: int = 0) -> Outcome:
    item = writer.change(old, document)
    index = writer.container.index
    before, after = index.terms(old.document()), index.terms(document)
    return Outcome(200, item, charges.change_ru(old.size, item.size, before, after, operations), item.etag)


def _check_condition(condition: str, item: Item, writer: Writer) -> None:
    document = parse(item.text(writer.container))
    if not satisfies(condition, document, writer.now):
        raise PreconditionFailed("The condition of the patch is not satisfied.", substatus=CONDITION_FALSE)


def satisfies(condition: str, document: dict[str, Any], now: datetime) -> bool:
    """Whether a document passes a patch condition, `FROM … WHERE …`. Raises QueryError for a bad one."""
    return compile_query(f"SELECT * {condition}").matches(document, {}, now)
