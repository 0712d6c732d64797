"""Activity `record_shortage`."""

from __future__ import annotations

from adapters import mail, orders
from adapters.orders import Changed
from domain.catalogue import demand
from domain.changes import Change, transition
from domain.letters import shortage
from domain.names import FULFIL_ORDER, RECORD_SHORTAGE, fulfil_instance_id, idempotency_key
from domain.orders import Order
from domain.shapes import JsonObject, StepPayload

SHORT = "short"


class RecordShortage(StepPayload):
    """The pieces that are held of each SKU, fewer than were ordered."""

    held: dict[str, int]


async def record_shortage(payload: JsonObject) -> JsonObject:
    """Note that an order cannot be fulfilled in full, and ask the customer what to do.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "held": {sku: int}}
    Out     {"outcome": "asked" | "already_asked"}
    Raises  Transient: 5 attempts, 2 s apart
    Twice   the timeline's event `short` is the record; a crash before it repeats the mail under the same Message-ID
    """
    step = RecordShortage.model_validate(payload)
    if await orders.has_event(step.tenant_id, step.order_id, SHORT):
        return {"outcome": "already_asked"}
    order = (await orders.get(step.tenant_id, step.order_id)).value
    wanted = demand((line.sku, line.quantity) for line in order.lines)
    letter = shortage(order, step.held)
    key = idempotency_key(fulfil_instance_id(step.tenant_id, step.order_id), RECORD_SHORTAGE)
    await mail.send(mail.Mail(key=key, to=order.email, subject=letter.subject, text=letter.text))

    async def decide(before: Order) -> Changed | None:
        if before.shortage is not None:
            return None
        change = Change(
            to=before.status,
            type=SHORT,
            at=step.at,
            actor=FULFIL_ORDER,
            correlation_id=step.correlation_id,
            detail=", ".join(f"{step.held.get(item.sku, 0)} of {item.quantity} x {item.sku}" for item in wanted),
            shortage=step.held,
        )
        return Changed(*transition(before, change))

    await orders.change(step.tenant_id, step.order_id, decide)
    return {"outcome": "asked"}
