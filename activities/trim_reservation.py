"""Activity `trim_reservation`."""

from __future__ import annotations

from adapters import stock
from domain.shapes import JsonObject, StepPayload


class TrimReservation(StepPayload):
    """How many pieces of a SKU the customer takes."""

    sku: str
    quantity: int


async def trim_reservation(payload: JsonObject) -> JsonObject:
    """Let an order hold fewer pieces of one SKU than it does; the others can be sold again.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "sku": str, "quantity": int >= 0}
    Out     {"outcome": "trimmed" | "nothing_to_trim", "sku": str}
    Raises  Transient: 5 attempts, 2 s apart
    Twice   the second run finds no more held than wanted
    """
    step = TrimReservation.model_validate(payload)
    trimmed = await stock.trim(step.tenant_id, step.sku, step.order_id, step.quantity)
    return {"outcome": "trimmed" if trimmed else "nothing_to_trim", "sku": step.sku}
