"""`POST /v1/orders/{orderId}/shipments/{shipmentId}/events`."""

from __future__ import annotations

from adapters import shipments
from domain.decisions import ReportShipment
from domain.errors import Conflict
from domain.names import ship_instance_id
from domain.shipments import ENDED, ShipmentStatus, has_been
from triggers.stray_parcels import call_a_person
from triggers.telling import accepted, tell
from triggers.web.answers import Answer
from triggers.web.call import Call


async def report_shipment(call: Call) -> Answer:
    """Take a carrier's word on where a parcel is. One that is old or known changes nothing."""
    report = call.body(ReportShipment)
    order_id, shipment_id = call.identifier("orderId"), call.identifier("shipmentId")
    parcel = (await shipments.get(call.tenant_id, order_id, shipment_id)).value
    instance_id = ship_instance_id(call.tenant_id, order_id, shipment_id)
    if has_been(parcel, ShipmentStatus(report.status)):
        return accepted(call, instance_id)
    if parcel.status is ShipmentStatus.CANCELLED:
        await call_a_person(parcel, call.caller.subject, call.correlation_id)
    if parcel.status in ENDED:
        raise Conflict(f"shipment {shipment_id} is {parcel.status}, which {report.status} contradicts")
    return await tell(call, instance_id, report.status, {})
