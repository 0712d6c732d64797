"""`POST /v1/orders/{orderId}/shipments/{shipmentId}/events`."""

from __future__ import annotations

from adapters import shipments
from domain.decisions import ReportShipment
from domain.errors import Conflict
from domain.names import ship_instance_id
from domain.shipments import ENDED
from triggers.telling import tell
from triggers.web.answers import Answer
from triggers.web.call import Call


async def report_shipment(call: Call) -> Answer:
    """Take a carrier's word on where a parcel is. The same word again changes nothing."""
    report = call.body(ReportShipment)
    order_id, shipment_id = call.identifier("orderId"), call.identifier("shipmentId")
    parcel = (await shipments.get(call.tenant_id, order_id, shipment_id)).value
    if parcel.status == report.status:
        return Answer(202)
    if parcel.status in ENDED:
        raise Conflict(f"shipment {shipment_id} is {parcel.status}")
    return await tell(call, ship_instance_id(call.tenant_id, order_id, shipment_id), report.status, {})
