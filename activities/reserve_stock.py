"""Activity `reserve_stock`."""

from __future__ import annotations

from datetime import timedelta

from adapters import stock
from adapters.settings import settings
from domain.catalogue import Reservation
from domain.shapes import JsonObject, StepPayload


class ReserveStock(StepPayload):
    """Pieces of one SKU for one order, over all its lines."""

    sku: str
    quantity: int


async def reserve_stock(payload: JsonObject) -> JsonObject:
    """Hold pieces of one SKU for one order.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "sku": str, "quantity": int > 0}
    Out     {"outcome": "reserved" | "out_of_stock" | "unknown_sku", "sku": str}
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
    return {"outcome": await stock.reserve(step.tenant_id, wanted), "sku": step.sku}
