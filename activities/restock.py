"""Activity `restock`."""

from __future__ import annotations

from adapters import idempotency, stock
from domain.catalogue import Adjustment
from domain.names import RETURN_ORDER
from domain.shapes import JsonObject, StepPayload


class Restock(StepPayload):
    """Pieces of one SKU that have come back."""

    sku: str
    quantity: int
    idempotency_key: str


async def restock(payload: JsonObject) -> JsonObject:
    """Put returned pieces on the shelf again.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "sku": str, "quantity": int > 0,
             "idempotency_key": str}
    Out     {"outcome": "restocked", "sku": str, "on_hand": int}
    Raises  Transient: insisted on; NotFound when the product is gone
    Twice   an adjustment of the same key: the second run gets the first one's answer
    """
    step = Restock.model_validate(payload)
    wish = Adjustment(
        key=idempotency.digest(step.tenant_id, RETURN_ORDER, step.idempotency_key),
        body_hash=idempotency.body_hash({"sku": step.sku, "quantity": step.quantity}),
        delta=step.quantity,
        reason=f"return of order {step.order_id}",
        actor=RETURN_ORDER,
        at=step.at,
    )
    after = await stock.adjust(step.tenant_id, step.sku, wish)
    return {"outcome": "restocked", "sku": step.sku, "on_hand": after.on_hand}
