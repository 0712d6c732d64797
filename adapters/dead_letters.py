"""Dead letters: what could not be processed, kept in container `operations` until somebody decides about it."""

from __future__ import annotations

from adapters.cosmos import AlreadyExists, Container
from domain.shapes import Identifier, JsonObject, Model, Utc

_operations = Container("operations")


class DeadLetter(Model):
    """What failed (`source`), with what (`payload`), why, and for whom. The same `letter_id` is kept once."""

    letter_id: str
    source: str
    order_id: Identifier | None = None
    payload: JsonObject
    reason: str
    correlation_id: str | None = None
    at: Utc


async def park(tenant_id: str, letter: DeadLetter) -> None:
    """Keep a dead letter; one that is kept already stays as it is. Raises Transient."""
    document = {"id": letter.letter_id, "kind": "deadLetter", "tenantId": tenant_id, **letter.to_json()}
    try:
        await _operations.create(document)
    except AlreadyExists:
        return
