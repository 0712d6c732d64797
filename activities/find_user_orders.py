"""Activity `find_user_orders`."""

from __future__ import annotations

from adapters import views
from domain.orders import OrderStatus
from domain.shapes import JsonObject
from domain.users import UserStep

PAGE = 100


class FindUserOrders(UserStep):
    """The statuses that are looked for, and the order id after which to go on."""

    statuses: list[OrderStatus]
    before: str | None = None


async def find_user_orders(payload: JsonObject) -> JsonObject:
    """Read one page of a user's orders from the view, newest first.

    In      {"tenant_id", "user_id", "correlation_id", "instance_id": str, "at": ISO 8601, "statuses": [status],
             "before"?: order id}
    Out     {"outcome": "found", "order_ids": [str], "next": order id | None}
    Raises  Transient: insisted on
    Twice   it only reads
    """
    step = FindUserOrders.model_validate(payload)
    found = await views.order_ids(step.tenant_id, step.user_id, step.statuses, step.before, PAGE + 1)
    shown = found[:PAGE]
    return {"outcome": "found", "order_ids": shown, "next": shown[-1] if len(found) > PAGE else None}
