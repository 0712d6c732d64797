"""Stock and reservations: container `catalog`, one logical partition per SKU.

| document    | id                 | holds                                        |
|-------------|--------------------|----------------------------------------------|
| product     | `product`          | name, price, warehouse (`adapters/products`) |
| stock       | `stock`            | pieces on hand and pieces reserved           |
| reservation | `r:{orderId}`      | pieces held for one order, until they expire |
| adjustment  | `a:{key's digest}` | an adjustment of stock and its answer        |

A reservation and the counter it raises change in one transactional batch. Cosmos DB evaluates the patch's predicate
and applies the patch as one step (it answers 412 when the predicate is false), so nothing can be sold twice however
many orders want it at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from enum import StrEnum

from adapters.cosmos import BatchRefused, Container, Key, Operation, Versioned
from adapters.products import STOCK_ID
from domain.catalogue import Adjustment, Reservation, Stock
from domain.errors import Conflict, Defect, NotFound, Transient
from domain.shapes import JsonObject, utc_text

_ATTEMPTS = 3

_catalog = Container("catalog")


class Reserving(StrEnum):
    """What became of the wish to reserve."""

    RESERVED = "reserved"
    OUT_OF_STOCK = "out_of_stock"
    UNKNOWN_SKU = "unknown_sku"


async def get(tenant_id: str, sku: str) -> Versioned[Stock]:
    """A SKU's stock. Raises NotFound, Transient."""
    try:
        document = await _catalog.read(STOCK_ID, [tenant_id, sku])
    except NotFound as error:
        raise NotFound(f"there is no product {sku}") from error
    return Versioned(Stock.model_validate(document), document["_etag"])


async def adjust(tenant_id: str, sku: str, wish: Adjustment) -> Stock:
    """Change what is on hand, once per key; the same wish under the same key gets the first answer again.

    The answer is known only after the batch, so it is noted on the adjustment by a second write. A repeat that comes
    before that note, or after a crash that prevented it, is told the stock as it is then.

    Raises NotFound for an unknown SKU, Rejected when less than what is reserved would be left, Conflict when the key
    was used for another wish, Transient.
    """
    key: Key = [tenant_id, sku]
    adjustment = {"id": _adjustment_id(wish), "kind": "adjustment", "tenantId": tenant_id, "sku": sku, **wish.to_json()}
    change = [{"op": "incr", "path": "/onHand", "value": wish.delta}]
    enough = f"FROM c WHERE c.onHand + ({wish.delta:d}) >= c.reserved"
    writes: list[Operation] = [
        ("create", (adjustment,)),
        ("patch", (STOCK_ID, change), {"filter_predicate": enough}),
    ]
    try:
        _, changed = await _catalog.batch(key, writes)
    except BatchRefused as refused:
        return await _why_not_adjusted(refused, tenant_id, sku, wish)
    after = Stock.model_validate(changed)
    await _catalog.patch(_adjustment_id(wish), key, [{"op": "set", "path": "/answer", "value": after.to_json()}])
    return after


async def _why_not_adjusted(refused: BatchRefused, tenant_id: str, sku: str, wish: Adjustment) -> Stock:
    match (refused.index, refused.status):
        case (0, 409):
            return await _answered(tenant_id, sku, wish)
        case (1, 412):
            (await get(tenant_id, sku)).value.adjusted(wish.delta)
            raise Transient(f"the stock of {sku} is changing")  # enough by now
        case (1, 404):
            raise NotFound(f"there is no product {sku}") from refused
        case _:
            raise Defect(f"adjusting stock: {refused}") from refused


async def _answered(tenant_id: str, sku: str, wish: Adjustment) -> Stock:
    made = await _catalog.read(_adjustment_id(wish), [tenant_id, sku])
    if made["bodyHash"] != wish.body_hash:
        raise Conflict("this Idempotency-Key was used with another body")
    if "answer" not in made:
        return (await get(tenant_id, sku)).value
    return Stock.model_validate(made["answer"])


async def reserve(tenant_id: str, wanted: Reservation) -> Reserving:
    """Hold pieces for an order, if there are enough; pieces it holds already are not held again.

    An earlier run of its saga may hold fewer than are wanted now: they are not enough. Raises Transient.
    """
    if outcome := await _reserve_first(tenant_id, wanted):
        return outcome
    held = await _find_reservation(tenant_id, wanted.sku, wanted.order_id)
    if held is None:
        raise Transient(f"the reservation of {wanted.order_id} keeps changing")
    return Reserving.RESERVED if held.value.quantity >= wanted.quantity else Reserving.OUT_OF_STOCK


async def _reserve_first(tenant_id: str, wanted: Reservation) -> Reserving | None:
    """What became of the wish; None when the order holds pieces of this SKU already."""
    enough = f"FROM c WHERE c.onHand - c.reserved >= {wanted.quantity:d}"
    more = [{"op": "incr", "path": "/reserved", "value": wanted.quantity}]
    writes: list[Operation] = [
        ("create", ({"id": _reservation_id(wanted.order_id), "kind": "reservation", **wanted.to_json()},)),
        ("patch", (STOCK_ID, more), {"filter_predicate": enough}),
    ]
    try:
        await _catalog.batch([tenant_id, wanted.sku], writes)
    except BatchRefused as refused:
        return _why_not_reserved(refused)
    return Reserving.RESERVED


def _why_not_reserved(refused: BatchRefused) -> Reserving | None:
    match (refused.index, refused.status):
        case (0, 409):
            return None
        case (1, 412):
            return Reserving.OUT_OF_STOCK
        case (1, 404):
            return Reserving.UNKNOWN_SKU
        case _:
            raise Defect(f"reserving stock: {refused}") from refused


async def reserve_in_part(tenant_id: str, wanted: Reservation) -> int:
    """Hold as many of the wanted pieces as there are; returns how many. Raises NotFound, Transient."""
    for _ in range(_ATTEMPTS):
        if held := await _find_reservation(tenant_id, wanted.sku, wanted.order_id):
            return held.value.quantity
        free = (await get(tenant_id, wanted.sku)).value.free
        part = wanted.model_copy(update={"quantity": min(wanted.quantity, free)})
        if part.quantity == 0 or await _reserve_first(tenant_id, part) is Reserving.RESERVED:
            return part.quantity
    raise Transient(f"the stock of {wanted.sku} keeps changing")


async def release(tenant_id: str, sku: str, order_id: str) -> bool:
    """Give back what an order holds; False when it holds nothing (any more). Raises Transient."""
    return await _shrink(tenant_id, sku, order_id, to=0)


async def trim(tenant_id: str, sku: str, order_id: str, quantity: int) -> bool:
    """Let an order hold only so many pieces; False when it holds no more than that. Raises Transient."""
    return await _shrink(tenant_id, sku, order_id, to=quantity)


async def commit(tenant_id: str, sku: str, order_id: str) -> bool:
    """The pieces that an order holds leave the warehouse; False when it holds none (any more). Raises Transient."""
    return await _shrink(tenant_id, sku, order_id, to=0, leave=True)


async def _shrink(tenant_id: str, sku: str, order_id: str, *, to: int, leave: bool = False) -> bool:
    """Shrink or end a reservation; its pieces are free again, or `leave` the warehouse."""
    reservation_id = _reservation_id(order_id)
    for _ in range(_ATTEMPTS):
        held = await _find_reservation(tenant_id, sku, order_id)
        if held is None or held.value.quantity <= to:
            return False
        fewer, unchanged = to - held.value.quantity, {"if_match_etag": held.etag}
        counters = [{"op": "incr", "path": path, "value": fewer} for path in ["/reserved", *["/onHand"] * leave]]
        kept: list[JsonObject] = [{"op": "set", "path": "/quantity", "value": to}]
        end: Operation = (
            ("patch", (reservation_id, kept), unchanged) if to else ("delete", (reservation_id,), unchanged)
        )
        try:
            await _catalog.batch([tenant_id, sku], [end, ("patch", (STOCK_ID, counters))])
        except BatchRefused as refused:
            if refused.index != 0:
                raise Defect(f"ending the reservation of {order_id}: {refused}") from refused
            continue
        return True
    raise Transient(f"the reservation of {order_id} keeps changing")


async def _find_reservation(tenant_id: str, sku: str, order_id: str) -> Versioned[Reservation] | None:
    try:
        document = await _catalog.read(_reservation_id(order_id), [tenant_id, sku])
    except NotFound:
        return None
    return Versioned(Reservation.model_validate(document), document["_etag"])


async def extend(tenant_id: str, sku: str, order_id: str, expires_at: datetime) -> None:
    """Hold what an order holds for longer; nothing to do when it holds nothing (any more). Raises Transient."""
    later = [{"op": "set", "path": "/expiresAt", "value": utc_text(expires_at)}]
    try:
        await _catalog.patch(_reservation_id(order_id), [tenant_id, sku], later)
    except NotFound:
        return


async def expired_reservations(now: datetime) -> AsyncIterator[Reservation]:
    """Every tenant's reservations that have expired: for the timer alone, as it looks into all partitions.

    Raises Transient.
    """
    query = "SELECT * FROM c WHERE c.expiresAt <= @now"
    async for row in _catalog.query(query, {"now": utc_text(now)}):
        yield Reservation.model_validate(row)


def _reservation_id(order_id: str) -> str:
    return f"r:{order_id}"


def _adjustment_id(wish: Adjustment) -> str:
    return f"a:{wish.key}"
