"""Activity `escalate_parcel`."""

from __future__ import annotations

from adapters import mail, orders, shipments
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.letters import parcel_silent
from domain.names import ESCALATE_PARCEL, SHIP_PARCEL, idempotency_key, ship_instance_id
from domain.orders import Order
from domain.shapes import JsonObject, StepPayload
from domain.shipments import ShipmentStatus

PARCEL_SILENT = "parcel_silent"


class EscalateParcel(StepPayload):
    """A parcel of which nothing was heard, for the so-many-th time."""

    shipment_id: str
    silences: int


async def escalate_parcel(payload: JsonObject) -> JsonObject:
    """Tell the merchant of a parcel that stays silent, by mail and on the timeline.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "shipment_id": str, "silences": int}
    Out     {"outcome": "escalated" | "cancelled", "status": the parcel's}
    Raises  Transient: insisted on
    Twice   one event per silence; a crash before it repeats the mail under the same Message-ID
    """
    step = EscalateParcel.model_validate(payload)
    parcel = (await shipments.get(step.tenant_id, step.order_id, step.shipment_id)).value
    if parcel.status is ShipmentStatus.CANCELLED:
        return {"outcome": "cancelled", "status": parcel.status}
    subject = f"{step.shipment_id}:{step.silences}"

    async def decide(order: Order) -> Changed | None:
        change = Change(
            to=order.status,
            type=PARCEL_SILENT,
            subject=subject,
            at=step.at,
            actor=SHIP_PARCEL,
            correlation_id=step.correlation_id,
            detail=f"{parcel.status} since {parcel.to_json()['updatedAt']}",
        )
        after, event = transition(order, change)
        if await orders.has_event(step.tenant_id, step.order_id, event.name):
            return None
        letter = parcel_silent(order, parcel)
        instance_id = ship_instance_id(step.tenant_id, step.order_id, subject)
        key = idempotency_key(instance_id, ESCALATE_PARCEL)
        await mail.send(mail.Mail(key=key, to=None, subject=letter.subject, text=letter.text))
        return Changed(after, event)

    await orders.change(step.tenant_id, step.order_id, decide)
    return {"outcome": "escalated", "status": parcel.status}
