"""Activity `price_order`."""

from __future__ import annotations

import asyncio

from adapters import orders, products, tenants
from domain.catalogue import Demand, demand, why_unpriceable
from domain.orders import UNDECIDED, LineStatus, Offer, Order, OrderStatus
from domain.shapes import JsonObject, StepPayload, utc_text
from domain.tenants import TenantSettings


async def price_order(payload: JsonObject) -> JsonObject:
    """Work out what an order wants of each SKU, and what that costs today.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601}
    Out     {"outcome": "priced", "demand": [{"sku": str, "quantity": int}], "total_minor": int, "currency": ISO 4217,
             "offers": {sku: {"unit_amount_minor": int, "warehouse": str}}, "settings": the tenant's,
             "payment_method": str, "placed_at": ISO 8601,
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
    chosen = await tenants.get(step.tenant_id)
    standing = [line for line in order.lines if line.status is not LineStatus.CANCELLED]
    wanted = demand((line.sku, line.quantity) for line in standing)
    if order.status is not OrderStatus.PENDING:
        return _priced(order, wanted, _recorded(order), chosen)
    found = await asyncio.gather(*(products.offered(step.tenant_id, item.sku) for item in wanted))
    products_by_sku = dict(zip((item.sku for item in wanted), found, strict=True))
    if problem := why_unpriceable(order.currency, products_by_sku):
        reason, detail = problem
        return {"outcome": reason, "detail": detail}
    offers = {
        sku: Offer(unit_amount_minor=product.unit_amount_minor, warehouse=product.warehouse)
        for sku, product in products_by_sku.items()
        if product
    }
    return _priced(order, wanted, offers, chosen)


def _recorded(order: Order) -> dict[str, Offer]:
    return {
        line.sku: Offer(unit_amount_minor=line.unit_amount_minor or 0, warehouse=line.warehouse or "")
        for line in order.lines
    }


def _priced(order: Order, wanted: list[Demand], offers: dict[str, Offer], chosen: TenantSettings) -> JsonObject:
    return {
        "outcome": "priced",
        "demand": [item.to_json() for item in wanted],
        "offers": {sku: offer.model_dump() for sku, offer in offers.items()},
        "settings": chosen.model_dump(mode="json", exclude={"risk"}),
        "total_minor": sum(offers[item.sku].unit_amount_minor * item.quantity for item in wanted),
        "currency": order.currency,
        "payment_method": order.payment_method,
        "placed_at": utc_text(order.placed_at),
        "resumed": order.status is not OrderStatus.PENDING,
    }
