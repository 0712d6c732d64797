"""Activity `authorise_payment`."""

from __future__ import annotations

from adapters import payments
from domain.shapes import JsonObject, StepPayload, Utc


class AuthorisePayment(StepPayload):
    """The amount to hold, the key that makes it happen once, and since when it may have been asked for."""

    amount_minor: int
    currency: str
    payment_method: str
    idempotency_key: str
    since: Utc


async def authorise_payment(payload: JsonObject) -> JsonObject:
    """Hold an order's total on the customer's card; it is captured when the parcels leave.

    In      {"tenant_id", "order_id", "correlation_id": str, "at", "since": ISO 8601, "amount_minor": int > 0,
             "currency": ISO 4217, "payment_method": str, "idempotency_key": str}
    Out     {"outcome": "authorised", "provider_id": str, "amount_minor": int as the provider holds it}
            | {"outcome": "declined", "detail": the provider's code}
    Raises  Transient: 5 attempts, 2 s apart; afterwards it is unknown whether money is held
    Twice   same key, same payment at the provider, same answer
    """
    step = AuthorisePayment.model_validate(payload)
    answer = await payments.authorise(
        payments.Charge(
            tenant_id=step.tenant_id,
            order_id=step.order_id,
            amount_minor=step.amount_minor,
            currency=step.currency,
            payment_method=step.payment_method,
            key=step.idempotency_key,
            since=step.since,
        )
    )
    if isinstance(answer, payments.Declined):
        return {"outcome": "declined", "detail": answer.code}
    return {"outcome": "authorised", "provider_id": answer.provider_id, "amount_minor": answer.amount_minor}
