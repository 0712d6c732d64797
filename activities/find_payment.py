"""Activity `find_payment`."""

from __future__ import annotations

from adapters import payments
from domain.shapes import JsonObject, StepPayload, Utc


class FindPayment(StepPayload):
    """The key of a payment whose fate is unknown, and when it was first asked for."""

    idempotency_key: str
    since: Utc


async def find_payment(payload: JsonObject) -> JsonObject:
    """Ask the provider what became of a payment whose answer never arrived.

    In      {"tenant_id", "order_id", "correlation_id": str, "at", "since": ISO 8601, "idempotency_key": str, …}
    Out     {"outcome": "authorised", "provider_id": str, "amount_minor": int} | {"outcome": "not_found"}
    Raises  Transient: 5 attempts, 2 s apart
    Twice   reads only
    """
    step = FindPayment.model_validate(payload)
    found = await payments.find(step.idempotency_key, step.since)
    if found is None:
        return {"outcome": "not_found"}
    return {"outcome": "authorised", "provider_id": found.provider_id, "amount_minor": found.amount_minor}
