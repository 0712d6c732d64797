"""Activity `refund_payment`."""

from __future__ import annotations

from adapters import captures
from domain.payments import Held
from domain.shapes import JsonObject, StepPayload


class RefundPayment(StepPayload):
    """What the customer gets back, and for which parcel or return. A parcel that was never paid for brings nothing."""

    subject: str
    amount_minor: int
    idempotency_key: str
    payment: Held
    shipment_id: str | None = None
    attempt: int = 1


async def refund_payment(payload: JsonObject) -> JsonObject:
    """Give money back for a lost parcel or for returned pieces.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "subject", "idempotency_key": str,
             "amount_minor": int > 0, "payment": {"provider_id", "currency": str}, "shipment_id"?: str, of a parcel,
             "attempt"?: int, counted up after a refusal}
    Out     {"outcome": "refunded", "movement": {"provider_id", "currency": str, "amount_minor": int}}
            | {"outcome": "nothing_taken"}: the provider had refused to take money for this parcel
            | {"outcome": "refused", "detail": the provider's code}
    Raises  Transient: insisted on; until it answers it is unknown whether the money was given back
    Twice   same key; after the key's day the earlier refund is found by the key in its metadata
    """
    step = RefundPayment.model_validate(payload)
    paid = step.payment
    wish = captures.Moving(
        tenant_id=step.tenant_id,
        order_id=step.order_id,
        provider_id=paid.provider_id,
        subject=step.subject,
        amount_minor=step.amount_minor,
        currency=paid.currency,
        key=step.idempotency_key,
        attempt=step.attempt,
    )
    if step.shipment_id and not await captures.is_taken(wish):
        return {"outcome": "nothing_taken"}
    answer = await captures.refund(wish)
    if isinstance(answer, captures.Refusal):
        return {"outcome": "refused", "detail": answer.code}
    moved = {"provider_id": answer.provider_id, "amount_minor": answer.amount_minor, "currency": paid.currency}
    return {"outcome": "refunded", "movement": moved}
