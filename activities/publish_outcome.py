"""Activity `publish_outcome`."""

from __future__ import annotations

import json

import azure.functions as func

from domain.names import PUBLISH_OUTCOME, fulfil_instance_id, idempotency_key
from domain.orders import OrderStatus, Reason
from domain.shapes import JsonObject, StepPayload, utc_text


class PublishOutcome(StepPayload):
    """How an order ended."""

    status: OrderStatus
    reason: Reason | None = None


async def publish_outcome(payload: JsonObject, outcome: func.Out[str]) -> JsonObject:
    """Tell other systems, over queue `order-outcomes`, how an order ended.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "status": str, "reason"?: reason code}
    Out     {"outcome": "published"}
    Raises  nothing; the host writes the message after the function has returned, and reports a failure to do so
    Twice   two messages with the same `id`, by which a consumer knows the second one
    """
    step = PublishOutcome.model_validate(payload)
    message = {
        "id": idempotency_key(fulfil_instance_id(step.tenant_id, step.order_id), PUBLISH_OUTCOME),
        "tenantId": step.tenant_id,
        "orderId": step.order_id,
        "status": step.status,
        "reason": step.reason,
        "at": utc_text(step.at),
        "correlationId": step.correlation_id,
    }
    outcome.set(json.dumps(message))
    return {"outcome": "published"}
