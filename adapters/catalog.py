"""Products, stock and reservations: container `catalog`, one logical partition per SKU.

| document    | id                 | holds                                        |
|-------------|--------------------|----------------------------------------------|
| product     | `product`          | name, price, warehouse                       |
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
from domain.catalogue import Product, Reservation, Stock
from domain.errors import Defect, NotFound
from domain.shapes import JsonObject, utc_text

PRODUCT_ID = "product"
STOCK_ID = "stock"

_catalog = Container("catalog")


class Reserving(StrEnum):
    """What became of the wish to reserve."""

    RESERVED = "reserved"
    OUT_OF_STOCK = "out_of_stock"
    UNKNOWN_SKU = "unknown_sku"


async def product(tenant_id: str, sku: str) -> Versioned[Product]:
    """One product. Raises NotFound, Transient."""
    document = await _catalog.read(PRODUCT_ID, [tenant_id, sku])
    return Versioned(Product.model_validate(document), document["_etag"])


async def find_product(tenant_id: str, sku: str) -> Product | None:
    """One product, or None. Raises Transient."""
    try:
        return (await product(tenant_id, sku)).value
    except NotFound:
        return None


async def add_product(tenant_id: str, new: Product) -> None:
    """Store a new product, with nothing in stock. Raises BatchRefused when it exists, Transient."""
    stock = Stock(sku=new.sku, on_hand=0, reserved=0)
    writes: list[Operation] = [
        ("create", (_document(tenant_id, PRODUCT_ID, "product", new),)),
        ("create", (_document(tenant_id, STOCK_ID, "stock", stock),)),
    ]
    await _catalog.batch([tenant_id, new.sku], writes)


async def replace_product(tenant_id: str, changed: Product, etag: str) -> None:
    """Store a product over the version that `etag` names. Raises NotFound, Conflict, Transient."""
    await _catalog.replace(_document(tenant_id, PRODUCT_ID, "product", changed), etag)


async def stock(tenant_id: str, sku: str) -> Versioned[Stock]:
    """A SKU's stock. Raises NotFound, Transient."""
    document = await _catalog.read(STOCK_ID, [tenant_id, sku])
    return Versioned(Stock.model_validate(document), document["_etag"])


async def adjustment(tenant_id: str, sku: str, key: str) -> JsonObject | None:
    """What was stored under this key by `adjust_stock`, or None. Raises Transient."""
    try:
        return await _catalog.read(f"a:{key}", [tenant_id, sku])
    except NotFound:
        return None


async def adjust_stock(tenant_id: str, before: Versioned[Stock], after: Stock, key: str, note: JsonObject) -> None:
    """Store changed stock and, under `key`, the note that it was changed; both or neither.

    Raises BatchRefused when the stock changed meanwhile or the key was used, Transient.
    """
    body = {"id": f"a:{key}", "kind": "adjustment", "tenantId": tenant_id, "sku": after.sku, **note}
    stock_document = _document(tenant_id, STOCK_ID, "stock", after)
    writes: list[Operation] = [
        ("create", (body,)),
        ("replace", (STOCK_ID, stock_document), {"if_match_etag": before.etag}),
    ]
    await _catalog.batch([tenant_id, after.sku], writes)


async def reserve(tenant_id: str, wanted: Reservation) -> Reserving:
    """Hold pieces for an order, if there are enough; pieces it holds already are not held again. Raises Transient."""
    reservation_id = _reservation_id(wanted.order_id)
    enough = f"FROM c WHERE c.onHand - c.reserved >= {wanted.quantity:d}"
    more = [{"op": "incr", "path": "/reserved", "value": wanted.quantity}]
    writes: list[Operation] = [
        ("create", (_document(tenant_id, reservation_id, "reservation", wanted),)),
        ("patch", (STOCK_ID, more), {"filter_predicate": enough}),
    ]
    try:
        await _catalog.batch([tenant_id, wanted.sku], writes)
    except BatchRefused as refused:
        return _why_not_reserved(refused)
    return Reserving.RESERVED


def _why_not_reserved(refused: BatchRefused) -> Reserving:
    match (refused.index, refused.status):
        case (0, 409):
            return Reserving.RESERVED
        case (1, 412):
            return Reserving.OUT_OF_STOCK
        case (1, 404):
            return Reserving.UNKNOWN_SKU
        case _:
            raise Defect(f"reserving stock: {refused}") from refused


async def release(tenant_id: str, sku: str, order_id: str) -> bool:
    """Give back what an order holds; False when it holds nothing (any more). Raises Transient."""
    key: Key = [tenant_id, sku]
    reservation_id = _reservation_id(order_id)
    try:
        held = Reservation.model_validate(await _catalog.read(reservation_id, key))
        less = [{"op": "incr", "path": "/reserved", "value": -held.quantity}]
        writes: list[Operation] = [("delete", (reservation_id,)), ("patch", (STOCK_ID, less))]
        await _catalog.batch(key, writes)
    except NotFound:
        return False
    except BatchRefused as refused:
        if (refused.index, refused.status) == (0, 404):
            return False
        raise Defect(f"releasing stock: {refused}") from refused
    return True


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


def _document(tenant_id: str, item_id: str, kind: str, record: Product | Stock | Reservation) -> JsonObject:
    return {"id": item_id, "kind": kind, "tenantId": tenant_id, **record.to_json()}


def _reservation_id(order_id: str) -> str:
    return f"r:{order_id}"
