"""Activity `cancel_shipments`."""

from __future__ import annotations

from adapters import orders, shipments
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.orders import Order, OrderStatus
from domain.shapes import JsonObject, StepPayload
from domain.shipments import ShipmentStatus, cancellable

CANCEL_REFUSED = "cancel_refused"


class CancelShipments(StepPayload):
    """Who cancels a confirmed order, and why."""

    actor: str
    detail: str | None = None


async def cancel_shipments(payload: JsonObject) -> JsonObject:
    """Cancel a confirmed order if none of its parcels has left: the order and all parcels in one transaction.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "actor": str, "detail"?: str}
    Out     {"outcome": "cancelled" | "too_late", "status": the order's}; too late is noted on the timeline
    Raises  Transient: insisted on
    Twice   the second run finds the order cancelled, or the refusal noted
    """
    step = CancelShipments.model_validate(payload)

    async def decide(order: Order) -> Changed | None:
        if order.status is OrderStatus.CANCELLED:
            return None
        booked = await shipments.of_order(step.tenant_id, step.order_id)
        if order.status is not OrderStatus.CONFIRMED or not cancellable(stored.value for stored in booked):
            return await _refused(order, step)
        change = _change(step, OrderStatus.CANCELLED, step.detail)
        called_back = {"status": ShipmentStatus.CANCELLED, "updated_at": step.at}
        writes = [shipments.stored(stored.value.model_copy(update=called_back), stored.etag) for stored in booked]
        return Changed(*transition(order, change), tuple(writes))

    order = await orders.change(step.tenant_id, step.order_id, decide)
    if order.status is not OrderStatus.CANCELLED:
        return {"outcome": "too_late", "status": order.status}
    return {"outcome": "cancelled", "status": order.status}


async def _refused(order: Order, step: CancelShipments) -> Changed | None:
    change = _change(step, order.status, "a parcel has left")
    after, event = transition(order, change.model_copy(update={"type": CANCEL_REFUSED}))
    return None if await orders.has_event(step.tenant_id, step.order_id, event.name) else Changed(after, event)


def _change(step: CancelShipments, to: OrderStatus, detail: str | None) -> Change:
    return Change(to=to, at=step.at, actor=step.actor, correlation_id=step.correlation_id, detail=detail)
