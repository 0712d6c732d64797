"""Activity `void_payment`, the compensation of `authorise_payment`."""

from __future__ import annotations

from adapters import orders, payments
from domain.names import VOID_PAYMENT, fulfil_instance_id, idempotency_key
from domain.shapes import JsonObject, StepPayload, Utc


class VoidPayment(StepPayload):
    """What was asked for under which key, and not before when."""

    amount_minor: int
    currency: str
    idempotency_key: str
    since: Utc


async def void_payment(payload: JsonObject) -> JsonObject:
    """Let go of the money that is held for an order. It is looked up first: perhaps none ever was.

    In      {"tenant_id", "order_id", "correlation_id": str, "at", "since": ISO 8601, "amount_minor": int > 0,
             "currency": ISO 4217, "idempotency_key": str, the key of the authorisation}
    Out     {"outcome": "voided" | "nothing_held"}: and nothing can be held under this key any more
            | {"outcome": "still_needed"}: the order stands; a step that comes late takes nothing from it
    Raises  Transient: 5 attempts, 2 s apart
    Twice   the second run finds the payment voided and changes nothing
    """
    step = VoidPayment.model_validate(payload)
    own_key = idempotency_key(fulfil_instance_id(step.tenant_id, step.order_id), VOID_PAYMENT)
    if await orders.stands(step.tenant_id, step.order_id):
        return {"outcome": "still_needed"}
    asked = payments.Asked(
        tenant_id=step.tenant_id,
        order_id=step.order_id,
        amount_minor=step.amount_minor,
        currency=step.currency,
        key=step.idempotency_key,
        since=step.since,
    )
    voided = await payments.void(asked, own_key)
    return {"outcome": "voided" if voided else "nothing_held"}
