"""Activity `price_order`."""

from __future__ import annotations

import asyncio

from adapters import orders, products
from domain.catalogue import Demand, demand, why_unpriceable
from domain.orders import UNDECIDED, Order, OrderStatus
from domain.shapes import JsonObject, StepPayload, utc_text


async def price_order(payload: JsonObject) -> JsonObject:
    """Work out what an order wants of each SKU, and what that costs today.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601}
    Out     {"outcome": "priced", "demand": [{"sku": str, "quantity": int}], "prices": {sku: int minor units},
             "total_minor": int, "currency": ISO 4217, "payment_method": str, "placed_at": ISO 8601,
             "resumed": bool, true when an earlier run may have asked for the money already}
            | {"outcome": "unknown_sku" | "currency_mismatch", "detail": str}
            | {"outcome": "decided", "status": str, "reason": str | None}: nothing is left to do for this order
    Raises  Transient: 5 attempts, 2 s apart
    Twice   reads only; the orchestration goes on with the first answer, so a later price change does not reach it.
            Nor does it reach a later run: an order that has been reserved keeps the prices recorded then
    """
    step = StepPayload.model_validate(payload)
    order = (await orders.get(step.tenant_id, step.order_id)).value
    if order.status not in UNDECIDED:
        return {"outcome": "decided", "status": order.status, "reason": order.reason}
    wanted = demand((line.sku, line.quantity) for line in order.lines)
    if order.status is not OrderStatus.PENDING:
        recorded = {line.sku: line.unit_amount_minor or 0 for line in order.lines}
        return _priced(order, wanted, recorded)
    found = await asyncio.gather(*(products.find(step.tenant_id, item.sku) for item in wanted))
    offers = dict(zip((item.sku for item in wanted), found, strict=True))
    if problem := why_unpriceable(order.currency, offers):
        reason, detail = problem
        return {"outcome": reason, "detail": detail}
    return _priced(order, wanted, {sku: product.unit_amount_minor for sku, product in offers.items() if product})


def _priced(order: Order, wanted: list[Demand], prices: dict[str, int]) -> JsonObject:
    return {
        "outcome": "priced",
        "demand": [item.to_json() for item in wanted],
        "prices": prices,
        "total_minor": sum(prices[item.sku] * item.quantity for item in wanted),
        "currency": order.currency,
        "payment_method": order.payment_method,
        "placed_at": utc_text(order.placed_at),
        "resumed": order.status is not OrderStatus.PENDING,
    }
