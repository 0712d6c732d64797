"""`POST /v1/products/{sku}/stock`."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters import idempotency, stock
from domain.catalogue import Adjustment, AdjustStock
from triggers.web.answers import Answer
from triggers.web.call import Call

OPERATION = "adjust_stock"


async def adjust_stock(call: Call) -> Answer:
    """Change what is on hand of one SKU, once per Idempotency-Key."""
    sku = call.identifier("sku")
    key = idempotency.digest(call.tenant_id, OPERATION, call.idempotency_key())
    request = call.body(AdjustStock)
    wish = Adjustment(
        key=key,
        body_hash=idempotency.body_hash(request.model_dump(mode="json", by_alias=True)),
        delta=request.delta,
        reason=request.reason,
        actor=call.caller.subject,
        at=datetime.now(UTC),
    )
    return Answer(200, await stock.adjust(call.tenant_id, sku, wish))
