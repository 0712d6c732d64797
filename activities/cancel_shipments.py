"""Activity `cancel_shipments`."""

from __future__ import annotations

from adapters import orders, shipments
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.orders import Order, OrderStatus
from domain.shapes import JsonObject, StepPayload
from domain.shipments import ShipmentStatus, cancellable


class CancelShipments(StepPayload):
    """Who cancels a confirmed order, and why."""

    actor: str
    detail: str | None = None


async def cancel_shipments(payload: JsonObject) -> JsonObject:
    """Cancel a confirmed order if none of its parcels has left: the order and all parcels in one transaction.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "actor": str, "detail"?: str}
    Out     {"outcome": "cancelled" | "too_late", "status": the order's}
    Raises  Transient: insisted on
    Twice   the second run finds the order cancelled
    """
    step = CancelShipments.model_validate(payload)

    async def decide(order: Order) -> Changed | None:
        if order.status is not OrderStatus.CONFIRMED:
            return None
        booked = await shipments.of_order(step.tenant_id, step.order_id)
        if not cancellable(stored.value for stored in booked):
            return None
        change = Change(
            to=OrderStatus.CANCELLED,
            at=step.at,
            actor=step.actor,
            correlation_id=step.correlation_id,
            detail=step.detail,
        )
        called_back = {"status": ShipmentStatus.CANCELLED, "updated_at": step.at}
        writes = [shipments.stored(stored.value.model_copy(update=called_back), stored.etag) for stored in booked]
        return Changed(*transition(order, change), tuple(writes))

    order = await orders.change(step.tenant_id, step.order_id, decide)
    if order.status is not OrderStatus.CANCELLED:
        return {"outcome": "too_late", "status": order.status}
    return {"outcome": "cancelled", "status": order.status}
