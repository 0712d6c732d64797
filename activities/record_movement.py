"""Activity `record_movement`."""

from __future__ import annotations

from adapters import orders
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.names import SHIP_PARCEL
from domain.orders import Order
from domain.payments import Movement
from domain.shapes import JsonObject, StepPayload


class RecordMovement(StepPayload):
    """Money that has moved."""

    movement: Movement


async def record_movement(payload: JsonObject) -> JsonObject:
    """Note on an order that money has moved: the order's totals, the movement and an event in one transaction.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601,
             "movement": {"kind", "key", "provider_id", "currency": str, "amount_minor": int, "subject"?: str}}
    Out     {"outcome": "recorded", "captured_minor": int, "refunded_minor": int}
    Raises  Transient: insisted on
    Twice   the movement's key is the record: the second run finds it and adds nothing up
    """
    step = RecordMovement.model_validate(payload)

    async def decide(order: Order) -> Changed | None:
        if await orders.movement(step.tenant_id, step.order_id, step.movement.key):
            return None
        change = Change(
            to=order.status,
            type=f"payment_{step.movement.done}",
            subject=step.movement.subject,
            at=step.at,
            actor=SHIP_PARCEL,
            correlation_id=step.correlation_id,
            movement=step.movement,
        )
        return Changed(*transition(order, change), movement=step.movement)

    order = await orders.change(step.tenant_id, step.order_id, decide)
    paid = order.payment
    return {"outcome": "recorded", "captured_minor": paid.captured_minor, "refunded_minor": paid.refunded_minor}
