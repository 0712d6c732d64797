"""Activity `record_transition`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from adapters import orders
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.names import FULFIL_ORDER
from domain.orders import TRANSITIONS, UNDECIDED, Offer, Order, OrderStatus, Reason
from domain.payments import Movement
from domain.shapes import JsonObject, StepPayload
from domain.shipments import parcels
from domain.shortages import pieces_per_line


class RecordTransition(StepPayload):
    """The status to reach, and what is known from then on."""

    to: OrderStatus
    actor: str = FULFIL_ORDER
    reason: Reason | None = None
    detail: str | None = None
    needs_attention: bool = False
    offers: Mapping[str, Offer] = Field(default_factory=dict)
    kept: Mapping[str, int] | None = None
    movement: Movement | None = None


async def record_transition(payload: JsonObject) -> JsonObject:
    """Move an order to another status: order, timeline event and payment in one transaction.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "to": status, "actor"?: str,
             "reason"?: reason code, "detail"?: str, "needs_attention"?: bool,
             "offers"?: {sku: {"unit_amount_minor": int, "warehouse": str}}, "kept"?: {sku: int pieces},
             "movement"?: {"kind", "key", "provider_id": str, "amount_minor": int, "currency": ISO 4217}}
    Out     {"outcome": "recorded", "status": str, "total_minor": int | None, "shipment_ids": [str], once confirmed}
            | {"outcome": "decided", "status": str}: another run has ended the order in this other way; so it stays
    Raises  IllegalTransition: the table forbids it; Transient: 5 attempts, 2 s apart
    Twice   an order that has reached the status, or has been on its way past it before, stays as it is
    """
    step = RecordTransition.model_validate(payload)

    async def decide(order: Order) -> Changed | None:
        is_past = order.status is step.to or order.status in TRANSITIONS[step.to]
        if is_past or order.status not in UNDECIDED:
            return None
        quantities = None if step.kept is None else pieces_per_line(order.lines, step.kept)
        known = step.model_dump(exclude={"tenant_id", "order_id", "kept"})
        after, event = transition(order, Change.model_validate({**known, "quantities": quantities}))
        return Changed(after, event, movement=step.movement)

    order = await orders.change(step.tenant_id, step.order_id, decide)
    if order.status is not step.to and order.status not in UNDECIDED:
        return {"outcome": "decided", "status": order.status}
    sent = [parcel.shipment_id for parcel in parcels(order)] if step.to is OrderStatus.CONFIRMED else []
    return {"outcome": "recorded", "status": order.status, "total_minor": order.total_minor, "shipment_ids": sent}
