"""What people have written beside an order, and where its parcels went: erased in place, each document by itself."""

from __future__ import annotations

from typing import Any

from adapters.cosmos import Container
from adapters.orders import EVENT_KIND, PAYMENT_KIND
from adapters.returns import RETURN_KIND
from adapters.shipments import SHIPMENT_KIND
from domain.erasure import erased_address
from domain.orders import Order
from domain.shapes import JsonObject
from domain.users import ERASED_TEXT

_RETURN_EVENTS = "return_"  # their detail is what the customer gave as the reason

_orders = Container("orders")


async def erase_beside(tenant_id: str, order: Order) -> None:
    """Erase the customer's own words and the parcels' addresses. Doing it again changes nothing. Raises Transient."""
    partition = [tenant_id, order.order_id]
    async for row in _orders.query("SELECT * FROM c", key=partition):
        erased = {path: value for path, value in _erased(row, order).items() if row.get(path) not in (None, value)}
        if erased:
            changes = [{"op": "set", "path": f"/{path}", "value": value} for path, value in erased.items()]
            await _orders.patch(row["id"], partition, changes)


def _erased(row: JsonObject, order: Order) -> dict[str, Any]:
    match row["kind"]:
        case kind if kind in (EVENT_KIND, PAYMENT_KIND):
            is_theirs = row.get("actor") == order.customer_id or str(row.get("type")).startswith(_RETURN_EVENTS)
            return {"detail": ERASED_TEXT} if is_theirs else {}
        case kind if kind == RETURN_KIND:
            return {"reason": ERASED_TEXT}
        case kind if kind == SHIPMENT_KIND:
            return {"shipTo": erased_address(order.ship_to).to_json()}
    return {}
