"""Activity `reserve_stock`."""

from __future__ import annotations

from datetime import timedelta

from adapters import stock
from adapters.settings import settings
from adapters.stock import Reserving
from domain.catalogue import Reservation
from domain.errors import NotFound
from domain.shapes import JsonObject, StepPayload


class ReserveStock(StepPayload):
    """Pieces of one SKU for one order, over all its lines; or as many of them as there are."""

    sku: str
    quantity: int
    in_part: bool = False


async def reserve_stock(payload: JsonObject) -> JsonObject:
    """Hold pieces of one SKU for one order.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "sku": str, "quantity": int > 0,
             "in_part": bool}
    Out     {"outcome": "reserved" | "out_of_stock" | "unknown_sku", "sku": str, "quantity": int, pieces held}
            | {"outcome": "reserved_in_part", …}: fewer than wanted, perhaps none; only if `in_part`
    Raises  Transient: 5 attempts, 2 s apart
    Twice   one reservation `r:{order_id}`; the second run finds it and holds nothing more
    """
    step = ReserveStock.model_validate(payload)
    wanted = Reservation(
        tenant_id=step.tenant_id,
        sku=step.sku,
        order_id=step.order_id,
        quantity=step.quantity,
        expires_at=step.at + timedelta(minutes=settings().reservation_minutes),
    )
    if step.in_part:
        return await _reserve_in_part(wanted)
    outcome = await stock.reserve(step.tenant_id, wanted)
    return {"outcome": outcome, "sku": step.sku, "quantity": step.quantity if outcome is Reserving.RESERVED else 0}


async def _reserve_in_part(wanted: Reservation) -> JsonObject:
    try:
        held = await stock.reserve_in_part(wanted.tenant_id, wanted)
    except NotFound:
        return {"outcome": Reserving.UNKNOWN_SKU, "sku": wanted.sku, "quantity": 0}
    outcome = "reserved" if held == wanted.quantity else "reserved_in_part"
    return {"outcome": outcome, "sku": wanted.sku, "quantity": held}
