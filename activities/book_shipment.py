"""Activity `book_shipment`."""

from __future__ import annotations

from adapters import orders, shipments
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.errors import Defect
from domain.names import AUTHORISE_PAYMENT, SHIP_PARCEL, fulfil_instance_id, idempotency_key
from domain.orders import CALLED_OFF, Order
from domain.shapes import JsonObject, StepPayload
from domain.shipments import Shipment, ShipmentStatus, parcels

PARCEL_BOOKED = "parcel_booked"


class BookShipment(StepPayload):
    """One of the parcels that the order ships as."""

    shipment_id: str


async def book_shipment(payload: JsonObject) -> JsonObject:
    """Enter a parcel for the warehouse to pack, unless the order has been called off.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "shipment_id": str}
    Out     {"status": the parcel's, "order_status": str, "lines": [{"sku": str, "quantity": int}],
             "amount_minor": int, "payment": {"provider_id", "currency": str}}
            | {"status": "cancelled", "order_status": str}
    Raises  Transient: insisted on; Defect when the order ships as no such parcel
    Twice   one document per parcel; the second run finds it, whatever has become of it
    """
    step = BookShipment.model_validate(payload)
    parcel: Shipment | None = None

    async def decide(order: Order) -> Changed | None:
        nonlocal parcel
        stored = await shipments.find(step.tenant_id, step.order_id, step.shipment_id)
        parcel = stored.value if stored else None
        if parcel or order.status in CALLED_OFF:
            return None
        parcel = _planned(order, step)
        change = Change(
            to=order.status,
            type=PARCEL_BOOKED,
            subject=step.shipment_id,
            at=step.at,
            actor=SHIP_PARCEL,
            correlation_id=step.correlation_id,
            detail=f"from {parcel.warehouse}",
        )
        return Changed(*transition(order, change), (shipments.stored(parcel, None),))

    order = await orders.change(step.tenant_id, step.order_id, decide)
    if parcel is None or parcel.status is ShipmentStatus.CANCELLED:
        return {"status": ShipmentStatus.CANCELLED, "order_status": order.status}
    key = idempotency_key(fulfil_instance_id(step.tenant_id, step.order_id), AUTHORISE_PAYMENT)
    held = await orders.movement(step.tenant_id, step.order_id, key)
    if held is None:
        raise Defect(f"order {step.order_id} is confirmed and holds no money")
    return {
        "status": parcel.status,
        "order_status": order.status,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in parcel.lines],
        "amount_minor": parcel.amount_minor,
        "payment": {"provider_id": held.provider_id, "currency": held.currency},
    }


def _planned(order: Order, step: BookShipment) -> Shipment:
    for parcel in parcels(order):
        if parcel.shipment_id == step.shipment_id:
            return parcel
    raise Defect(f"order {step.order_id} does not ship as {step.shipment_id}")
