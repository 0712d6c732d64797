"""Activity `flag_order`."""

from __future__ import annotations

from adapters import attention
from domain.errors import NotFound
from domain.names import FULFIL_ORDER
from domain.shapes import JsonObject, StepPayload


class FlagOrder(StepPayload):
    """What a person must look at, or has seen to; `subject`, what it is about, tells this occasion from others."""

    detail: str
    subject: str
    actor: str = FULFIL_ORDER
    needs_attention: bool = True


async def flag_order(payload: JsonObject) -> JsonObject:
    """Call for a person, as the order cannot go on by itself; or note that one has come. The status stays as it is.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "detail", "subject": str,
             "needs_attention"?: bool, "actor"?: str}
    Out     {"outcome": "flagged", "status": str} | {"outcome": "gone"}: there is no such order, or it cannot be read
    Raises  Transient: insisted on
    Twice   one event per subject; the second run finds it
    """
    step = FlagOrder.model_validate(payload)
    try:
        order = await attention.note(
            step.tenant_id,
            step.order_id,
            subject=step.subject,
            detail=step.detail,
            actor=step.actor,
            at=step.at,
            correlation_id=step.correlation_id,
            needs_attention=step.needs_attention,
        )
    except (NotFound, ValueError):  # its dead letter calls all the same, and must not wait for a flag that cannot be
        return {"outcome": "gone"}
    return {"outcome": "flagged", "status": order.status}
