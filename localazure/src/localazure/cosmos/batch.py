"""Transactional batch: up to a hundred operations in one logical partition, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from localazure.cosmos import charges, items
from localazure.cosmos.errors import BadRequest, ServiceError, TooLarge
from localazure.cosmos.items import Conditions, Outcome
from localazure.cosmos.jsontext import dump, parse_body
from localazure.cosmos.partition_key import PartitionKey
from localazure.cosmos.query import QueryError
from localazure.cosmos.resources import Container
from localazure.cosmos.store import Store
from localazure.cosmos.writer import MAX_ITEM_BYTES, Writer, writing

MAX_OPERATIONS: Final = 100


class _Failed(Exception):
    """Carries the first failure out of the transaction, which it thereby rolls back."""

    def __init__(self, index: int, status: int, substatus: int, message: str) -> None:
        self.index, self.status, self.substatus, self.message = index, status, substatus, message


def parse_batch(body: bytes) -> list[Mapping[str, Any]]:
    """The operations. Raises BadRequest and TooLarge for what refuses the request as a whole."""
    if len(body) > MAX_ITEM_BYTES:
        raise TooLarge("The batch request exceeds the size limit of 2 MB.")
    operations = parse_body(body)
    if not isinstance(operations, list) or not operations:
        raise BadRequest("Batch request has no operations.")
    if len(operations) > MAX_OPERATIONS:
        raise BadRequest("Batch request has more operations than what is supported.")
    if not all(isinstance(operation, Mapping) for operation in operations):
        raise BadRequest("A batch operation must be an object.")
    return operations


def execute(
    store: Store, container: Container, key: PartitionKey, operations: list[Mapping[str, Any]], now: datetime
) -> tuple[int, str, float]:
    """Run a batch; returns the HTTP status, the JSON text of the results and the charge."""
    outcomes: list[Outcome] = []
    try:
        with writing(store, container, now) as writer:
            for index, operation in enumerate(operations):
                outcomes.append(_guarded(writer, key, index, operation))
    except _Failed as failure:
        spent = max(charges.SMALLEST, sum(outcome.charge for outcome in outcomes))
        return 207, _rolled_back(len(operations), failure), spent
    entries = ",".join(_entry(container, outcome) for outcome in outcomes)
    return 200, f"[{entries}]", sum(outcome.charge for outcome in outcomes)


def _guarded(writer: Writer, key: PartitionKey, index: int, operation: Mapping[str, Any]) -> Outcome:
    try:
        return _run(writer, key, operation)
    except ServiceError as error:
        raise _Failed(index, error.status, error.substatus, error.message) from error
    except QueryError as error:
        raise _Failed(index, 400, 0, str(error)) from error


def _run(writer: Writer, key: PartitionKey, operation: Mapping[str, Any]) -> Outcome:
    kind, body = operation.get("operationType"), operation.get("resourceBody", {})
    item_id = str(operation.get("id", ""))
    conditions = Conditions(str(operation.get("ifMatch", "")), str(operation.get("ifNoneMatch", "")))
    match kind:
        case "Create":
            return items.create(writer, key, body)
        case "Upsert":
            return items.upsert(writer, key, body, conditions)
        case "Replace":
            return items.replace(writer, key, item_id, body, conditions)
        case "Patch":
            return items.patch_item(writer, key, item_id, body, conditions)
        case "Delete":
            return items.delete(writer, key, item_id, conditions)
        case "Read":
            return items.read(writer.find(key, item_id), item_id, conditions)
    raise BadRequest(f"The batch operation {kind!r} is not known.")


def _entry(container: Container, outcome: Outcome) -> str:
    charge = charges.as_header(outcome.charge)
    etag = f',"eTag":{dump(outcome.etag)}' if outcome.etag else ""
    body = f',"resourceBody":{outcome.item.text(container)}' if outcome.item else ""
    return f'{{"statusCode":{outcome.status},"requestCharge":{charge}{etag}{body}}}'


def _rolled_back(count: int, failure: _Failed) -> str:
    entries: list[dict[str, Any]] = [{"statusCode": 424, "subStatusCode": 0, "requestCharge": 0} for _ in range(count)]
    entries[failure.index] = {
        "statusCode": failure.status,
        "subStatusCode": failure.substatus,
        "requestCharge": charges.SMALLEST,
        "message": failure.message,
    }
    return dump(entries)
