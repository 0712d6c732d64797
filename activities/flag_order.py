"""Activity `flag_order`."""

from __future__ import annotations

from adapters import orders
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.names import FULFIL_ORDER
from domain.orders import ATTENDED, NEEDS_ATTENTION, Order
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
    Out     {"outcome": "flagged", "status": str}
    Raises  Transient: insisted on
    Twice   one event per subject; the second run finds it
    """
    step = FlagOrder.model_validate(payload)

    async def decide(order: Order) -> Changed | None:
        change = Change(
            to=order.status,
            type=NEEDS_ATTENTION if step.needs_attention else ATTENDED,
            subject=step.subject,
            at=step.at,
            actor=step.actor,
            correlation_id=step.correlation_id,
            detail=step.detail,
            needs_attention=step.needs_attention,
        )
        after, event = transition(order, change)
        return None if await orders.has_event(step.tenant_id, step.order_id, event.name) else Changed(after, event)

    order = await orders.change(step.tenant_id, step.order_id, decide)
    return {"outcome": "flagged", "status": order.status}
