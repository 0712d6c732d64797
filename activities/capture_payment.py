"""Activity `capture_payment`."""

from __future__ import annotations

from adapters import captures, orders, shipments
from domain.payments import Held
from domain.shapes import JsonObject, StepPayload
from domain.shipments import is_kept


class CapturePayment(StepPayload):
    """A parcel that has left, and what its contents cost."""

    shipment_id: str
    amount_minor: int
    idempotency_key: str
    payment: Held
    attempt: int = 1


async def capture_payment(payload: JsonObject) -> JsonObject:
    """Take the money for one parcel, out of what is held for its order.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "shipment_id", "idempotency_key": str,
             "amount_minor": int > 0, "payment": {"provider_id", "currency": str},
             "attempt"?: int, counted up after a refusal}
    Out     {"outcome": "captured", "movement": {"provider_id", "currency": str, "amount_minor": int; 0 when an earlier
             parcel has paid for all}} | {"outcome": "refused", "detail": the provider's code, or "lost_or_sent_back":
             the parcel was lost, or pieces of it came back, while nothing was paid for it}
    Raises  Transient: insisted on; until it answers it is unknown whether the money was taken
    Twice   same key; after the key's day the payment's own note says what was taken for this parcel
    """
    step = CapturePayment.model_validate(payload)
    paid = step.payment
    wish = captures.Moving(
        tenant_id=step.tenant_id,
        order_id=step.order_id,
        provider_id=paid.provider_id,
        subject=step.shipment_id,
        amount_minor=step.amount_minor,
        currency=paid.currency,
        key=step.idempotency_key,
        attempt=step.attempt,
    )
    if step.attempt > 1 and await _is_owed_no_more(step) and not await captures.is_taken(wish):
        return {"outcome": "refused", "detail": "lost_or_sent_back"}
    answer = await captures.capture(wish)
    if isinstance(answer, captures.Refusal):
        return {"outcome": "refused", "detail": answer.code}
    moved = {"provider_id": answer.provider_id, "amount_minor": answer.amount_minor, "currency": paid.currency}
    return {"outcome": "captured", "movement": moved}


async def _is_owed_no_more(step: CapturePayment) -> bool:
    """Whether a parcel has been lost, or something of it sent back, since its capture was refused."""
    order = (await orders.get(step.tenant_id, step.order_id)).value
    parcel = await shipments.find(step.tenant_id, step.order_id, step.shipment_id)
    return parcel is not None and not is_kept(order, parcel.value)
