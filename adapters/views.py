"""Materialised views: container `views`, one document per row, written by the change feed alone.

A row keeps the version of the order it was made from. The feed may deliver a document twice and never in an older
state than before, but two processes may handle two deliveries at once; the version decides which one stays.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ulid import ULID

from adapters.cosmos import AlreadyExists, Container
from domain.answers import OrderRow
from domain.errors import Conflict, NotFound, Transient
from domain.orders import Order, OrderStatus
from domain.shapes import JsonObject

_PREFIX = "orders_by_customer:"
_ATTEMPTS = 3
_FIRST_PAGE = "~"  # after every id of our alphabet

_views = Container("views")


async def put_order(tenant_id: str, order: Order) -> bool:
    """Show this state of the order in its customer's list; False when it shows the same or a newer one.

    Raises Transient.
    """
    view = f"{_PREFIX}{order.customer_id}"
    row: JsonObject = {
        "id": order.order_id,
        "tenantId": tenant_id,
        "view": view,
        "version": order.version,
        **OrderRow.of(order).to_json(),
    }
    for _ in range(_ATTEMPTS):
        try:
            shown = await _views.read(order.order_id, [tenant_id, view])
            if shown["version"] >= order.version:
                return False
            await _views.replace(row, shown["_etag"])
        except NotFound:
            try:
                await _views.create(row)
            except AlreadyExists:
                continue
        except Conflict:
            continue
        return True
    raise Transient(f"view row of order {order.order_id} keeps changing")


async def count_since(tenant_id: str, customer_id: str, since: datetime) -> int:
    """How many orders a customer has placed since then, as far as the view has heard. Raises Transient.

    Order ids begin with the time they were made, so this needs no index of its own.
    """
    query = "SELECT VALUE COUNT(1) FROM c WHERE c.orderId >= @first"
    parameters = {"first": str(ULID.from_datetime(since))[:10]}
    rows = _views.query(query, parameters, [tenant_id, f"{_PREFIX}{customer_id}"])
    return sum([int(str(row)) async for row in rows])


async def order_ids(
    tenant_id: str, customer_id: str, statuses: Collection[OrderStatus], before: str | None, limit: int
) -> list[str]:
    """The ids of at most `limit` of a customer's orders in these statuses, newest first, after the id `before`.

    A row may lag behind its order, so the order itself has the last word on its status. Raises Transient.
    """
    query = (
        "SELECT TOP @limit c.orderId FROM c WHERE c.orderId < @before AND ARRAY_CONTAINS(@statuses, c.status) "
        "ORDER BY c.orderId DESC"
    )
    parameters: JsonObject = {"limit": limit, "before": before or _FIRST_PAGE, "statuses": sorted(statuses)}
    rows = _views.query(query, parameters, [tenant_id, f"{_PREFIX}{customer_id}"])
    return [row["orderId"] async for row in rows]


async def orders(
    tenant_id: str, customer_id: str | None, status: OrderStatus | None, before: str | None, limit: int
) -> list[OrderRow]:
    """At most `limit` orders, newest first, that come after the order id `before`. Raises Transient.

    Order ids sort by the time they were made, so the last id of a page is where the next one goes on.
    """
    query = "SELECT TOP @limit * FROM c WHERE c.orderId < @before"
    parameters: JsonObject = {"limit": limit, "before": before or _FIRST_PAGE}
    if status:
        query += " AND c.status = @status"
        parameters["status"] = status
    key = [tenant_id, f"{_PREFIX}{customer_id}"]
    if customer_id is None:
        key = [tenant_id]
        query += " AND STARTSWITH(c.view, @prefix)"
        parameters["prefix"] = _PREFIX
    rows = _views.query(f"{query} ORDER BY c.orderId DESC", parameters, key)
    return [OrderRow.model_validate(row) async for row in rows]
