"""Items one by one, in batches, and whole logical partitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from localazure.cosmos import addressing, batch, charges, items, partition_key
from localazure.cosmos.account import Account
from localazure.cosmos.errors import PARTITION_KEY_MISMATCH, BadRequest, NotFound, TooLarge
from localazure.cosmos.items import Conditions, Outcome
from localazure.cosmos.jsontext import parse_object
from localazure.cosmos.messages import Call, Reply
from localazure.cosmos.partition_key import PartitionKey
from localazure.cosmos.resources import Container
from localazure.cosmos.scope import KEY_HEADER, RANGE_HEADER
from localazure.cosmos.sweeper import sweep_partition
from localazure.cosmos.writer import MAX_ITEM_BYTES, Item, Writer, find_item, writing

ESCAPED: Final = 3  # clients send ASCII: an é takes six bytes on its way here and two in the store

Operation = Callable[[Writer, PartitionKey], Outcome]


def create_item(account: Account, container: Container, call: Call) -> Reply:
    """POST …/docs without any of the headers that make it something else."""
    body = _document(call)
    return _write(account, container, call, lambda writer, key: items.create(writer, key, body))


def upsert_item(account: Account, container: Container, call: Call) -> Reply:
    """POST …/docs as an upsert."""
    body, conditions = _document(call), _conditions(call)
    return _write(account, container, call, lambda writer, key: items.upsert(writer, key, body, conditions))


def replace_item(account: Account, container: Container, call: Call) -> Reply:
    """PUT …/docs/{id}."""
    item_id, body, conditions = _id(account, container, call), _document(call), _conditions(call)
    return _write(account, container, call, lambda writer, key: items.replace(writer, key, item_id, body, conditions))


def patch_item(account: Account, container: Container, call: Call) -> Reply:
    """PATCH …/docs/{id}."""
    item_id, body, conditions = _id(account, container, call), parse_object(call.body), _conditions(call)
    return _write(
        account, container, call, lambda writer, key: items.patch_item(writer, key, item_id, body, conditions)
    )


def delete_item(account: Account, container: Container, call: Call) -> Reply:
    """DELETE …/docs/{id}."""
    item_id, conditions = _id(account, container, call), _conditions(call)
    return _write(account, container, call, lambda writer, key: items.delete(writer, key, item_id, conditions))


def read_item(account: Account, container: Container, call: Call) -> Reply:
    """GET …/docs/{id}."""
    key, item_id = _key(container, call), _id(account, container, call)
    outcome = items.read(
        find_item(account.store, container, key, item_id, account.clock.now()), item_id, _conditions(call)
    )
    return _reply(container, key, outcome)


def execute_batch(account: Account, container: Container, call: Call) -> Reply:
    """POST …/docs as a transactional batch."""
    key, now, operations = _key(container, call), account.clock.now(), batch.parse_batch(call.body)
    sweep_partition(account.store, container, key, now)
    status, text, charge = batch.execute(account.store, container, key, operations, now)
    return Reply(status, text, charge, {RANGE_HEADER: container.range_of(key.epk).id})


def delete_partition(account: Account, container: Container, call: Call) -> Reply:
    """POST …/operations/partitionkeydelete deletes a logical partition, or all below a prefix, at once."""
    key, now = partition_key.of_header(container.definition, _key_header(call)), account.clock.now()
    if not key.components:
        raise BadRequest("The partition key to delete is empty.")
    full = partition_key.is_full(container.definition, key)
    start, end = partition_key.point_interval(key.epk) if full else partition_key.prefix_interval(key.epk)
    scope = {"container": container.number, "epk_from": start, "epk_to": end, "now": now.timestamp()}
    with writing(account.store, container, now) as writer:
        found = [Item(*row) for row in account.store.rows("items_of_interval", **scope)]
        victims = [item for item in found if not full or item.partition_key == key.text]
        charge = sum(items.remove(writer, item).charge for item in victims)
    return Reply(202, charge=max(charge, charges.SMALLEST))


def _write(account: Account, container: Container, call: Call, operation: Operation) -> Reply:
    key, now = _key(container, call), account.clock.now()
    sweep_partition(account.store, container, key, now)
    with writing(account.store, container, now) as writer:
        outcome = operation(writer, key)
    return _reply(container, key, outcome, minimal=call.headers.get("prefer", "").lower() == "return=minimal")


def _reply(container: Container, key: PartitionKey, outcome: Outcome, *, minimal: bool = False) -> Reply:
    headers = {RANGE_HEADER: container.range_of(key.epk).id}
    if outcome.etag:
        headers["etag"] = outcome.etag
    text = "" if minimal or outcome.item is None else outcome.item.text(container)
    return Reply(outcome.status, text, outcome.charge, headers)


def _key_header(call: Call) -> str:
    header = call.headers.get(KEY_HEADER)
    if header is None:
        raise BadRequest("The partition key header is missing.")
    return header


def _key(container: Container, call: Call) -> PartitionKey:
    key = partition_key.of_header(container.definition, _key_header(call))
    if not partition_key.is_full(container.definition, key):
        levels = f"{len(key.components)} component(s), the container {len(container.definition.paths)}"
        raise BadRequest(f"The partition key has {levels}.", substatus=PARTITION_KEY_MISMATCH)
    return key


def _id(account: Account, container: Container, call: Call) -> str:
    """The id of the item that a path names, which may do so by its resource id. Raises NotFound."""
    name = call.address.segments[5]
    if not call.address.by_rid:
        return name
    sequence = addressing.item_sequence(container.rid, name)
    row = account.store.row(
        "find_item_by_sequence", container=container.number, sequence=sequence, now=account.clock.now().timestamp()
    )
    if row is None:
        raise NotFound(f"Entity with the resource id {name!r} does not exist in the system.")
    return Item(*row).id


def _document(call: Call) -> dict[str, Any]:
    if len(call.body) > ESCAPED * MAX_ITEM_BYTES:
        raise TooLarge(f"The request has {len(call.body)} bytes; an item may have {MAX_ITEM_BYTES}.")
    return parse_object(call.body)


def _conditions(call: Call) -> Conditions:
    return Conditions(call.headers.get("if-match", ""), call.headers.get("if-none-match", ""))
