"""Activity `assess_risk`."""

from __future__ import annotations

from datetime import timedelta

from adapters import orders, tenants, views
from domain.risk import assess
from domain.shapes import JsonObject, StepPayload

DAY = timedelta(days=1)


class AssessRisk(StepPayload):
    """What the order costs at today's prices."""

    total_minor: int


async def assess_risk(payload: JsonObject) -> JsonObject:
    """Weigh an order against the tenant's limits.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "total_minor": int}
    Out     {"verdict": "accept" | "review" | "reject", "findings": [str]}
    Raises  Transient: 5 attempts, 2 s apart
    Twice   reads only; the orchestration goes on with the first answer
    """
    step = AssessRisk.model_validate(payload)
    limits = (await tenants.get(step.tenant_id)).risk
    order = await orders.recall(step.tenant_id, step.order_id)
    orders_today = 0
    if limits.review_orders_per_day is not None:
        orders_today = await views.count_since(step.tenant_id, order.customer_id, step.at - DAY)
    risk = assess(order, step.total_minor, orders_today, limits)
    return {"verdict": risk.verdict, "findings": list(risk.findings)}
