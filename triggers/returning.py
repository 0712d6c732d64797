"""Announcing a return: the use case behind `POST /v1/orders/{orderId}/returns`.

Write first, start second, as with orders: the return claims its pieces in one transaction with its order, and whoever
repeats the request, or the change feed, starts what was written and never started.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from adapters import orders, returns, tenants
from adapters.durable import DurableClient, start_return
from adapters.orders import Changed
from domain.catalogue import demand
from domain.changes import Change
from domain.erasure import is_erased
from domain.errors import Conflict, Defect
from domain.names import AUTHORISE_PAYMENT, CAPTURE_PAYMENT, fulfil_instance_id, idempotency_key, ship_instance_id
from domain.orders import Order
from domain.returns import RequestReturn, Return, request
from domain.shipments import parcels
from domain.users import ERASED_TEXT


@dataclass(frozen=True, slots=True)
class Announcement:
    """Who sends what back, and the id under which the same wish is known again."""

    tenant_id: str
    order_id: str
    return_id: str
    wish: RequestReturn
    actor: str
    correlation_id: str


async def announce_once(client: DurableClient, told: Announcement) -> Return:
    """See to it that the return exists and its workflow runs.

    Raises Rejected when the pieces cannot be sent back, Conflict when the id stands for another wish, Transient.
    """
    wanted = {item.sku: item.quantity for item in demand((line.sku, line.quantity) for line in told.wish.lines)}

    async def decide(order: Order) -> Changed | None:
        if await returns.find(told.tenant_id, told.order_id, told.return_id):
            return None
        reason = ERASED_TEXT if is_erased(order) else told.wish.reason
        change = Change(
            to=order.status,
            at=datetime.now(UTC),
            actor=told.actor,
            correlation_id=told.correlation_id,
            detail=reason,
        )
        unpaid = await _unpaid(order)
        after, returned, event = request(order, wanted, told.return_id, reason, change, unpaid=unpaid)
        return Changed(after, event, (returns.stored(returned, None),))

    await orders.change(told.tenant_id, told.order_id, decide)
    returned = (await returns.get(told.tenant_id, told.order_id, told.return_id)).value
    is_same_reason = returned.reason in (told.wish.reason, ERASED_TEXT)
    if {line.sku: line.quantity for line in returned.lines} != wanted or not is_same_reason:
        raise Conflict("this Idempotency-Key was used with another body")
    await start(client, returned)
    return returned


async def _unpaid(order: Order) -> set[str]:
    """The SKUs in parcels that left and whose money could not be taken. Raises Transient."""
    skus: set[str] = set()
    for parcel in parcels(order):
        instance_id = ship_instance_id(order.tenant_id, order.order_id, parcel.shipment_id)
        key = idempotency_key(instance_id, CAPTURE_PAYMENT)
        if await orders.movement(order.tenant_id, order.order_id, key) is None:
            skus.update(line.sku for line in parcel.lines)
    return skus


async def start(client: DurableClient, returned: Return) -> str:
    """Make sure that the return's workflow exists; returns its instance id. Raises Transient."""
    tenant_id, order_id = returned.tenant_id, returned.order_id
    settings = await tenants.get(tenant_id)
    key = idempotency_key(fulfil_instance_id(tenant_id, order_id), AUTHORISE_PAYMENT)
    paid = await orders.movement(tenant_id, order_id, key)
    if paid is None:
        raise Defect(f"order {order_id} was delivered and never paid")
    told = {
        "tenant_id": tenant_id,
        "order_id": order_id,
        "correlation_id": returned.correlation_id,
        "return_id": returned.return_id,
        "days": settings.return_days,
        "refund_minor": returned.refund_minor,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in returned.lines],
        "payment": {"provider_id": paid.provider_id, "currency": paid.currency},
    }
    return await start_return(client, told)
