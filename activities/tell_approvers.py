"""Activity `tell_approvers`."""

from __future__ import annotations

from adapters import mail, orders
from domain.letters import approval_wanted
from domain.names import TELL_APPROVERS, fulfil_instance_id, idempotency_key
from domain.shapes import JsonObject, StepPayload


class TellApprovers(StepPayload):
    """Why a person must decide, and how long they have."""

    why: str
    hours: int


async def tell_approvers(payload: JsonObject) -> JsonObject:
    """Ask the merchant's approvers, by mail, to decide on an order.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "why": str, "hours": int}
    Out     {"outcome": "sent"}
    Raises  Transient: 5 attempts, 2 s apart; then a dead letter, and the order waits all the same
    Twice   the same Message-ID, by which mail systems know the second message
    """
    step = TellApprovers.model_validate(payload)
    order = (await orders.get(step.tenant_id, step.order_id)).value
    letter = approval_wanted(order, step.why, step.hours)
    key = idempotency_key(fulfil_instance_id(step.tenant_id, step.order_id), TELL_APPROVERS)
    await mail.send(mail.Mail(key=key, to=None, subject=letter.subject, text=letter.text))
    return {"outcome": "sent"}
