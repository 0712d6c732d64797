"""Activity `release_stock`, the compensation of `reserve_stock`."""

from __future__ import annotations

from adapters import orders, stock
from domain.shapes import JsonObject, StepPayload


class ReleaseStock(StepPayload):
    """One SKU that an order may hold pieces of."""

    sku: str


async def release_stock(payload: JsonObject) -> JsonObject:
    """Give back the pieces of one SKU that an order holds.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "sku": str}
    Out     {"outcome": "released" | "nothing_held", "sku": str}
            | {"outcome": "still_needed", "sku": str}: the order stands; a step that comes late takes nothing from it
    Raises  Transient: 5 attempts, 2 s apart
    Twice   the first run deletes the reservation, the second finds none and changes nothing
    """
    step = ReleaseStock.model_validate(payload)
    if await orders.stands(step.tenant_id, step.order_id):
        return {"outcome": "still_needed", "sku": step.sku}
    released = await stock.release(step.tenant_id, step.sku, step.order_id)
    return {"outcome": "released" if released else "nothing_held", "sku": step.sku}
