"""Orders and their timelines: container `orders`, one logical partition per order.

| document | id                             | holds                                                    |
|----------|--------------------------------|----------------------------------------------------------|
| order    | the order's id                 | the order as it is now                                   |
| event    | `e:{name}`                     | something that happened, once per name                   |
| payment  | the movement's idempotency key | an event by which money was held, taken or given back    |
| shipment | `s:{shipmentId}`               | a parcel (`adapters/shipments`)                          |
| return   | `t:{returnId}`                 | a return (`adapters/returns`)                            |

An event's id comes from what happened, so storing it again is refused by the database and never doubles it. Whatever
changes an order goes through `change`: order, event and everything beside them in one transactional batch. Orders are
kept in mind for a while as this process wrote them: to change one again needs no read, since a batch under an ETag that
is no longer true changes nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from adapters.cosmos import AlreadyExists, BatchRefused, Container, Operation, Versioned
from domain.errors import Defect, NotFound, Transient, WaybillError
from domain.orders import PLACED, STANDING, STATUS_CHANGED, Event, Order
from domain.payments import Movement
from domain.shapes import JsonObject

ORDER_KIND = "order"
EVENT_KIND = "event"
PAYMENT_KIND = "payment"
EVENT_KINDS = [EVENT_KIND, PAYMENT_KIND]

_ATTEMPTS = 3
_KEPT_IN_MIND = 1000

_orders = Container("orders")
_in_mind: OrderedDict[tuple[str, str], Versioned[Order]] = OrderedDict()


class Changed(NamedTuple):
    """An order as it is to be, the event that says so, the money that moved, and further writes in its partition."""

    order: Order
    event: Event
    beside: tuple[Operation, ...] = ()
    movement: Movement | None = None


Decide = Callable[[Order], Awaitable[Changed | None]]
"""What is to happen to the order as it is now; None: nothing, because it has happened."""


async def get(tenant_id: str, order_id: str) -> Versioned[Order]:
    """One order. Raises NotFound, Transient."""
    try:
        document = await _orders.read(order_id, [tenant_id, order_id])
    except NotFound as error:
        raise NotFound(f"there is no order {order_id}") from error
    return Versioned(Order.model_validate(document), document["_etag"])


async def recall(tenant_id: str, order_id: str) -> Order:
    """The same for what never changes of an order: without a read, if this process has written it lately."""
    known = _in_mind.get((tenant_id, order_id))
    return known.value if known else (await get(tenant_id, order_id)).value


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
        stored = await _orders.batch([tenant_id, order.order_id], writes)
    except BatchRefused as refused:
        if refused.status != 409:
            raise Defect(f"creating order {order.order_id}: {refused}") from refused
    else:
        _keep_in_mind(order, stored[0])


async def change(tenant_id: str, order_id: str, decide: Decide) -> Order:
    """Decide on the order as it is and store what was decided, all or nothing; again if it changed in between.

    Returns the order as it is afterwards. Raises what `decide` raises, NotFound, Transient.
    """
    if known := _in_mind.pop((tenant_id, order_id), None):
        # What is in mind may be out of date: only what the database agrees to counts.
        with suppress(WaybillError):
            changed = await decide(known.value)
            if changed and await _store(tenant_id, changed, known.etag):
                return changed.order
    for _ in range(_ATTEMPTS):
        before, etag = await get(tenant_id, order_id)
        changed = await decide(before)
        if changed is None:
            return before
        if await _store(tenant_id, changed, etag):
            return changed.order
    raise Transient(f"order {tenant_id}/{order_id} keeps changing")


async def _store(tenant_id: str, changed: Changed, etag: str) -> bool:
    """Whether the order was still as `etag` names it, and is now as decided."""
    order = changed.order
    writes: list[Operation] = [
        ("replace", (order.order_id, _order_document(order)), {"if_match_etag": etag}),
        ("create", (_event_document(tenant_id, changed.event, changed.movement),)),
        *changed.beside,
    ]
    try:
        stored = await _orders.batch([tenant_id, order.order_id], writes)
    except BatchRefused:
        return False
    _keep_in_mind(order, stored[0])
    return True


def _keep_in_mind(order: Order, stored: JsonObject) -> None:
    _in_mind[order.tenant_id, order.order_id] = Versioned(order, stored["_etag"])
    if len(_in_mind) > _KEPT_IN_MIND:
        _in_mind.popitem(last=False)


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
    query = "SELECT * FROM c WHERE ARRAY_CONTAINS(@kinds, c.kind)"
    rows = _orders.query(query, {"kinds": EVENT_KINDS}, key=[tenant_id, order_id])
    events = [Event.model_validate(row) async for row in rows]
    return sorted(events, key=lambda event: (event.version, event.at, event.type not in (PLACED, STATUS_CHANGED)))


def _order_document(order: Order) -> JsonObject:
    return {"id": order.order_id, "kind": ORDER_KIND, **order.to_json()}


def _event_document(tenant_id: str, event: Event, moved: Movement | None = None) -> JsonObject:
    document = {"id": _event_id(event.name), "kind": EVENT_KIND, "tenantId": tenant_id, **event.to_json()}
    if moved is None:
        return document
    return {**document, "id": moved.key, "kind": PAYMENT_KIND, "movement": moved.to_json()}


def _event_id(name: str) -> str:
    return f"e:{name}"
