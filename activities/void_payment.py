"""Activity `void_payment`, the compensation of `authorise_payment`."""

from __future__ import annotations

from adapters import payments
from domain.names import VOID_PAYMENT, fulfil_instance_id, idempotency_key
from domain.shapes import JsonObject, StepPayload, Utc


class VoidPayment(StepPayload):
    """The key under which money may be held, and when it was first asked for."""

    idempotency_key: str
    since: Utc


async def void_payment(payload: JsonObject) -> JsonObject:
    """Let go of the money that is held for an order. It is looked up first: perhaps none ever was.

    In      {"tenant_id", "order_id", "correlation_id": str, "at", "since": ISO 8601,
             "idempotency_key": str, the key of the authorisation}
    Out     {"outcome": "voided" | "nothing_held"}
    Raises  Transient: 5 attempts, 2 s apart
    Twice   the second run finds the payment voided and changes nothing
    """
    step = VoidPayment.model_validate(payload)
    own_key = idempotency_key(fulfil_instance_id(step.tenant_id, step.order_id), VOID_PAYMENT)
    voided = await payments.void(step.idempotency_key, step.since, own_key)
    return {"outcome": "voided" if voided else "nothing_held"}
