"""Whether an order calls for a person, and who has come."""

from __future__ import annotations

from adapters import orders
from domain.orders import Order


async def flagged(order: Order) -> bool:
    return (await orders.get(order.tenant_id, order.order_id)).value.needs_attention


async def attended(order: Order) -> list[tuple[str, str | None]]:
    events = await orders.timeline(order.tenant_id, order.order_id)
    return [(event.actor, event.detail) for event in events if event.type == "attended"]
