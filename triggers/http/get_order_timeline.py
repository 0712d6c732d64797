"""`GET /v1/orders/{orderId}/timeline`."""

from __future__ import annotations

from adapters import orders
from domain.answers import TimelineItem
from triggers.web.answers import Answer
from triggers.web.call import Call


async def get_order_timeline(call: Call) -> Answer:
    """Read what happened to one order, when, and by whom."""
    order_id = call.identifier("orderId")
    call.caller.see((await orders.get(call.tenant_id, order_id)).value)
    events = await orders.timeline(call.tenant_id, order_id)
    return Answer(200, {"items": [TimelineItem.of(event).to_json() for event in events]})
