"""Parcels: documents `s:{shipmentId}` in their order's partition of container `orders`."""

from __future__ import annotations

from adapters.cosmos import Container, Operation, Versioned
from domain.errors import NotFound
from domain.shapes import JsonObject
from domain.shipments import Shipment

SHIPMENT_KIND = "shipment"

_orders = Container("orders")


async def get(tenant_id: str, order_id: str, shipment_id: str) -> Versioned[Shipment]:
    """One parcel. Raises NotFound, Transient."""
    try:
        document = await _orders.read(_id(shipment_id), [tenant_id, order_id])
    except NotFound as error:
        raise NotFound(f"order {order_id} has no shipment {shipment_id}") from error
    return Versioned(Shipment.model_validate(document), document["_etag"])


async def find(tenant_id: str, order_id: str, shipment_id: str) -> Versioned[Shipment] | None:
    """One parcel, or None. Raises Transient."""
    try:
        return await get(tenant_id, order_id, shipment_id)
    except NotFound:
        return None


async def of_order(tenant_id: str, order_id: str) -> list[Versioned[Shipment]]:
    """Every parcel of an order that has been booked, by id. Raises Transient."""
    rows = _orders.query("SELECT * FROM c WHERE c.kind = @kind", {"kind": SHIPMENT_KIND}, key=[tenant_id, order_id])
    found = [Versioned(Shipment.model_validate(row), row["_etag"]) async for row in rows]
    return sorted(found, key=lambda stored: stored.value.shipment_id)


def stored(shipment: Shipment, etag: str | None) -> Operation:
    """The write that stores this state of a parcel: a new one, or the successor of what `etag` names."""
    if etag is None:
        return "create", (_document(shipment),)
    return "replace", (_id(shipment.shipment_id), _document(shipment)), {"if_match_etag": etag}


def _id(shipment_id: str) -> str:
    return f"s:{shipment_id}"


def _document(shipment: Shipment) -> JsonObject:
    return {"id": _id(shipment.shipment_id), "kind": SHIPMENT_KIND, **shipment.to_json()}
