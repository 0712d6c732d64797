"""Activity `send_confirmation`."""

from __future__ import annotations

from adapters import mail, orders
from domain.letters import confirmation
from domain.names import FULFIL_ORDER, SEND_CONFIRMATION, fulfil_instance_id, idempotency_key
from domain.orders import CALLED_OFF, Event
from domain.shapes import JsonObject, StepPayload

CONFIRMATION_SENT = "confirmation_sent"


async def send_confirmation(payload: JsonObject) -> JsonObject:
    """Tell the customer that the order is confirmed.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601}
    Out     {"outcome": "sent" | "already_sent"} | {"outcome": "not_confirmed"}: called off meanwhile
    Raises  Transient: 5 attempts, 2 s apart
    Twice   the timeline's event `confirmation_sent` is the record: with it, nothing is sent again. A crash between
            sending and recording repeats the message, with the same Message-ID, as SMTP knows no idempotency
    """
    step = StepPayload.model_validate(payload)
    if await orders.has_event(step.tenant_id, step.order_id, CONFIRMATION_SENT):
        return {"outcome": "already_sent"}
    order = (await orders.get(step.tenant_id, step.order_id)).value
    if order.status in CALLED_OFF:
        return {"outcome": "not_confirmed"}
    letter = confirmation(order)
    key = idempotency_key(fulfil_instance_id(step.tenant_id, step.order_id), SEND_CONFIRMATION)
    await mail.send(mail.Mail(key=key, to=order.email, subject=letter.subject, text=letter.text))
    sent = Event(
        order_id=step.order_id,
        at=step.at,
        type=CONFIRMATION_SENT,
        status=order.status,
        actor=FULFIL_ORDER,
        correlation_id=step.correlation_id,
        version=order.version,
    )
    await orders.append(step.tenant_id, sent)
    return {"outcome": "sent"}
