"""`GET /v1/orders/{orderId}`."""

from __future__ import annotations

from adapters import orders
from domain.answers import OrderAnswer
from triggers.web.answers import Answer, representation
from triggers.web.call import Call


async def get_order(call: Call) -> Answer:
    """Read one order."""
    order, etag = await orders.get(call.tenant_id, call.identifier("orderId"))
    return representation(OrderAnswer.of(call.caller.see(order)), etag, call.header("if-none-match"))
