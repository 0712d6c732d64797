"""Orders and their timelines: container `orders`, one logical partition per order.

| document | id                          | holds                                     |
|----------|-----------------------------|-------------------------------------------|
| order    | the order's id              | the order as it is now                    |
| event    | `e:{name}`                  | something that happened, once per name    |
| payment  | the charge's idempotency key | what the provider holds under that key   |

An event's id comes from what happened, so storing it again is refused by the database and never doubles it.
"""

from __future__ import annotations

from adapters.cosmos import AlreadyExists, BatchRefused, Container, Operation, Versioned
from domain.errors import Defect, NotFound
from domain.orders import PLACED, STANDING, STATUS_CHANGED, Authorisation, Event, Order
from domain.shapes import JsonObject

ORDER_KIND = "order"
EVENT_KIND = "event"
PAYMENT_KIND = "payment"

_orders = Container("orders")


async def get(tenant_id: str, order_id: str) -> Versioned[Order]:
    """One order. Raises NotFound, Transient."""
    try:
        document = await _orders.read(order_id, [tenant_id, order_id])
    except NotFound as error:
        raise NotFound(f"there is no order {order_id}") from error
    return Versioned(Order.model_validate(document), document["_etag"])


async def find(tenant_id: str, order_id: str) -> Order | None:
    """One order, or None. Raises Transient."""
    try:
        return (await get(tenant_id, order_id)).value
    except NotFound:
        return None


async def stands(tenant_id: str, order_id: str) -> bool:
    """Whether the order has been confirmed and not called off since. Raises Transient."""
    order = await find(tenant_id, order_id)
    return order is not None and order.status in STANDING


async def create(tenant_id: str, order: Order, event: Event) -> None:
    """Store a new order with the first event of its timeline; one that exists is left alone. Raises Transient."""
    writes: list[Operation] = [
        ("create", (_order_document(order),)),
        ("create", (_event_document(tenant_id, event),)),
    ]
    try:
        await _orders.batch([tenant_id, order.order_id], writes)
    except BatchRefused as refused:
        if refused.status != 409:
            raise Defect(f"creating order {order.order_id}: {refused}") from refused


async def record(
    tenant_id: str, before: Versioned[Order], after: Order, event: Event, authorisation: Authorisation | None = None
) -> None:
    """Store a transition: order, event and, if money is held from now on, the payment; all or nothing.

    Raises BatchRefused when the order changed after `before` was read, Transient.
    """
    writes: list[Operation] = [
        ("replace", (after.order_id, _order_document(after)), {"if_match_etag": before.etag}),
        ("create", (_event_document(tenant_id, event),)),
    ]
    if authorisation:
        writes.append(("create", (_payment_document(after, authorisation),)))
    await _orders.batch([tenant_id, after.order_id], writes)


async def append(tenant_id: str, event: Event) -> None:
    """Store an event that changes no status; one of its name that exists is left alone. Raises Transient."""
    try:
        await _orders.create(_event_document(tenant_id, event))
    except AlreadyExists:
        return


async def has_event(tenant_id: str, order_id: str, name: str) -> bool:
    """Whether this has happened to the order. Raises Transient."""
    try:
        await _orders.read(_event_id(name), [tenant_id, order_id])
    except NotFound:
        return False
    return True


async def timeline(tenant_id: str, order_id: str) -> list[Event]:
    """Everything that happened to the order, oldest first. Raises Transient."""
    query = "SELECT * FROM c WHERE c.kind = @kind"
    rows = _orders.query(query, {"kind": EVENT_KIND}, key=[tenant_id, order_id])
    events = [Event.model_validate(row) async for row in rows]
    return sorted(events, key=lambda event: (event.version, event.at, event.type not in (PLACED, STATUS_CHANGED)))


def _order_document(order: Order) -> JsonObject:
    return {"id": order.order_id, "kind": ORDER_KIND, **order.to_json()}


def _event_document(tenant_id: str, event: Event) -> JsonObject:
    return {"id": _event_id(event.name), "kind": EVENT_KIND, "tenantId": tenant_id, **event.to_json()}


def _event_id(name: str) -> str:
    return f"e:{name}"


def _payment_document(order: Order, authorisation: Authorisation) -> JsonObject:
    return {
        "id": authorisation.key,
        "kind": PAYMENT_KIND,
        "tenantId": order.tenant_id,
        "orderId": order.order_id,
        "authorisedAt": order.to_json()["updatedAt"],
        **authorisation.to_json(),
    }
