"""Orders and their timelines: container `orders`, one logical partition per order.

| document | id                            | holds                                    |
|----------|-------------------------------|------------------------------------------|
| order    | the order's id                | the order as it is now                   |
| event    | `e:{name}`                    | something that happened, once per name   |
| payment  | the movement's idempotency key | money that was held, taken or given back |
| shipment | `s:{shipmentId}`              | a parcel (`adapters/shipments`)          |
| return   | `t:{returnId}`                | a return (`adapters/returns`)            |

An event's id comes from what happened, so storing it again is refused by the database and never doubles it. Whatever
changes an order goes through `change`: order, event and everything beside them in one transactional batch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from adapters.cosmos import AlreadyExists, BatchRefused, Container, Operation, Versioned
from domain.errors import Defect, NotFound, Transient
from domain.orders import PLACED, STANDING, STATUS_CHANGED, Event, Order
from domain.payments import Movement
from domain.shapes import JsonObject

ORDER_KIND = "order"
EVENT_KIND = "event"
PAYMENT_KIND = "payment"

_ATTEMPTS = 3

_orders = Container("orders")


class Changed(NamedTuple):
    """An order as it is to be, the event that says so, and further writes in its partition."""

    order: Order
    event: Event
    beside: tuple[Operation, ...] = ()


Decide = Callable[[Order], Awaitable[Changed | None]]
"""What is to happen to the order as it is now; None: nothing, because it has happened."""


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


async def change(tenant_id: str, order_id: str, decide: Decide) -> Order:
    """Decide on the order as it is and store what was decided, all or nothing; again if it changed in between.

    Returns the order as it is afterwards. Raises what `decide` raises, NotFound, Transient.
    """
    for _ in range(_ATTEMPTS):
        before, etag = await get(tenant_id, order_id)
        changed = await decide(before)
        if changed is None:
            return before
        writes: list[Operation] = [
            ("replace", (order_id, _order_document(changed.order)), {"if_match_etag": etag}),
            ("create", (_event_document(tenant_id, changed.event),)),
            *changed.beside,
        ]
        try:
            await _orders.batch([tenant_id, order_id], writes)
        except BatchRefused:
            continue
        return changed.order
    raise Transient(f"order {tenant_id}/{order_id} keeps changing")


def with_movement(tenant_id: str, order: Order, movement: Movement) -> Operation:
    """The write that keeps a movement of money beside its order."""
    document = {
        "id": movement.key,
        "kind": PAYMENT_KIND,
        "tenantId": tenant_id,
        "orderId": order.order_id,
        "at": order.to_json()["updatedAt"],
        "movement": movement.to_json(),
    }
    return "create", (document,)


async def movement(tenant_id: str, order_id: str, key: str) -> Movement | None:
    """The movement of money under this idempotency key, or None. Raises Transient."""
    try:
        document = await _orders.read(key, [tenant_id, order_id])
    except NotFound:
        return None
    return Movement.model_validate(document["movement"])


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
