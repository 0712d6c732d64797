"""Activity `record_shipment`."""

from __future__ import annotations

from adapters import orders, shipments
from adapters.orders import Changed
from domain.changes import Change
from domain.orders import Order
from domain.payments import Movement
from domain.shapes import JsonObject, StepPayload
from domain.shipments import TRANSITIONS, ShipmentStatus, moved


class RecordShipment(StepPayload):
    """Where a parcel is now, on whose word, and the money that went back for it."""

    shipment_id: str
    to: ShipmentStatus
    actor: str
    movement: Movement | None = None


async def record_shipment(payload: JsonObject) -> JsonObject:
    """Move a parcel, and its order with it: parcel, order, event and refund in one transaction.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "shipment_id": str, "to": status,
             "actor": str, "movement"?: as in record_movement}
    Out     {"outcome": "recorded" | "refused", "status": the parcel's, "order_status": str}; refused when the parcel
            has been cancelled, or has ended in another way
    Raises  Transient: insisted on
    Twice   a parcel that is there already stays there, with one event
    """
    step = RecordShipment.model_validate(payload)
    status = step.to

    async def decide(order: Order) -> Changed | None:
        nonlocal status
        parcel, etag = await shipments.get(step.tenant_id, step.order_id, step.shipment_id)
        status = parcel.status
        if step.to not in TRANSITIONS[parcel.status]:
            return None
        change = Change(
            to=order.status,
            at=step.at,
            actor=step.actor,
            correlation_id=step.correlation_id,
            movement=step.movement,
        )
        after, moved_parcel, event = moved(order, parcel, step.to, change)
        status = moved_parcel.status
        return Changed(after, event, (shipments.stored(moved_parcel, etag),), step.movement)

    order = await orders.change(step.tenant_id, step.order_id, decide)
    outcome = "recorded" if status is step.to else "refused"
    return {"outcome": outcome, "status": status, "order_status": order.status}
