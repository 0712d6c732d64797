"""Activity `record_transition`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from adapters import orders
from adapters.cosmos import BatchRefused
from domain.errors import Transient
from domain.names import FULFIL_ORDER
from domain.orders import UNDECIDED, Authorisation, Change, Order, OrderStatus, Reason, transition
from domain.shapes import JsonObject, StepPayload

_ATTEMPTS = 3


class RecordTransition(StepPayload):
    """The status to reach, and what is known from then on."""

    to: OrderStatus
    reason: Reason | None = None
    detail: str | None = None
    needs_attention: bool = False
    prices: Mapping[str, int] = Field(default_factory=dict)
    authorisation: Authorisation | None = None


async def record_transition(payload: JsonObject) -> JsonObject:
    """Move an order to another status: order, timeline event and payment in one transaction.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "to": status, "reason"?: reason code,
             "detail"?: str, "needs_attention"?: bool, "prices"?: {sku: int minor units},
             "authorisation"?: {"key", "provider_id": str, "amount_minor": int, "currency": ISO 4217}}
    Out     {"outcome": "recorded", "status": str, "total_minor": int | None}
            | {"outcome": "decided", "status": str}: another run has ended the order in this other way; so it stays
    Raises  IllegalTransition: the table forbids it; Transient: 5 attempts, 2 s apart
    Twice   an order that has reached the status stays as it is, with one event
    """
    step = RecordTransition.model_validate(payload)
    change = Change(
        to=step.to,
        at=step.at,
        actor=FULFIL_ORDER,
        correlation_id=step.correlation_id,
        reason=step.reason,
        detail=step.detail,
        needs_attention=step.needs_attention,
        prices=step.prices,
        authorisation=step.authorisation,
    )
    for _ in range(_ATTEMPTS):
        before = await orders.get(step.tenant_id, step.order_id)
        if before.value.status is step.to:
            return _recorded(before.value)
        if before.value.status not in UNDECIDED:
            return {"outcome": "decided", "status": before.value.status}
        after, event = transition(before.value, change)
        try:
            await orders.record(step.tenant_id, before, after, event, step.authorisation)
        except BatchRefused:
            continue
        return _recorded(after)
    raise Transient(f"order {step.tenant_id}/{step.order_id} keeps changing")


def _recorded(order: Order) -> JsonObject:
    return {"outcome": "recorded", "status": order.status, "total_minor": order.total_minor}
