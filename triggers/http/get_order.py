"""`GET /v1/orders/{orderId}`."""

from __future__ import annotations

from adapters import orders, shipments
from domain.answers import OrderAnswer
from domain.orders import UNDECIDED
from triggers.web.answers import Answer, representation
from triggers.web.call import Call


async def get_order(call: Call) -> Answer:
    """Read one order and its parcels."""
    order, etag = await orders.get(call.tenant_id, call.identifier("orderId"))
    call.caller.see(order)
    booked = [] if order.status in UNDECIDED else await shipments.of_order(call.tenant_id, order.order_id)
    return representation(
        OrderAnswer.of(order, (parcel.value for parcel in booked)), etag, call.header("if-none-match")
    )
