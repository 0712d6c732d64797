"""Activity `commit_stock`."""

from __future__ import annotations

from adapters import stock
from domain.shapes import JsonObject, StepPayload


class CommitStock(StepPayload):
    """A SKU whose reserved pieces are in a parcel that has left."""

    sku: str


async def commit_stock(payload: JsonObject) -> JsonObject:
    """Take the pieces that an order holds off the books: they have left the warehouse.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "sku": str}
    Out     {"outcome": "committed" | "nothing_held", "sku": str}
    Raises  Transient: insisted on
    Twice   the first run deletes the reservation and lowers both counters; the second finds none
    """
    step = CommitStock.model_validate(payload)
    committed = await stock.commit(step.tenant_id, step.sku, step.order_id)
    return {"outcome": "committed" if committed else "nothing_held", "sku": step.sku}
