"""Activity `record_return`."""

from __future__ import annotations

from adapters import orders, returns
from adapters.orders import Changed
from domain.changes import Change
from domain.orders import Order
from domain.payments import Movement
from domain.returns import ReturnStatus, called_off, received
from domain.shapes import JsonObject, StepPayload


class RecordReturn(StepPayload):
    """How a return has ended, on whose word, and the money that went back for it."""

    return_id: str
    to: ReturnStatus
    actor: str
    detail: str | None = None
    movement: Movement | None = None


async def record_return(payload: JsonObject) -> JsonObject:
    """End a return: return, order, event and refund in one transaction.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "return_id": str,
             "to": "received" | "refused" | "expired", "actor": str, "detail"?: str, "movement"?: as in record_movement}
    Out     {"outcome": "recorded", "status": the return's, "order_status": str}
    Raises  Transient: insisted on
    Twice   a return that has ended stays as it is, with one event
    """
    step = RecordReturn.model_validate(payload)

    async def decide(order: Order) -> Changed | None:
        returned, etag = await returns.get(step.tenant_id, step.order_id, step.return_id)
        if returned.status is not ReturnStatus.REQUESTED:
            return None
        change = Change(
            to=order.status,
            at=step.at,
            actor=step.actor,
            correlation_id=step.correlation_id,
            detail=step.detail,
            movement=step.movement,
        )
        if step.to is ReturnStatus.RECEIVED:
            after, ended, event = received(order, returned, change)
        else:
            after, ended, event = called_off(order, returned, step.to, change)
        return Changed(after, event, (returns.stored(ended, etag),), step.movement)

    order = await orders.change(step.tenant_id, step.order_id, decide)
    return {"outcome": "recorded", "status": step.to, "order_status": order.status}
