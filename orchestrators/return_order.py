"""Orchestrator `return_order`: some of an order's pieces come back, and the customer gets the money."""

from __future__ import annotations

from datetime import timedelta

import azure.durable_functions as df

from domain import names
from domain.payments import MovementKind
from domain.returns import ReturnStatus
from domain.shapes import JsonObject
from orchestrators.saga import Saga, Steps, Word

S = ReturnStatus


def return_order(context: df.DurableOrchestrationContext) -> Steps[JsonObject]:
    """Wait for the pieces; when they arrive, pay the customer back and put them on the shelf again.

    Steps
    1  wait for `received` or `refused`, at most `days`
    2  received: refund_payment, if anything was paid for them; restock for every SKU
    3  record_return

    Input   {"tenant_id", "order_id", "correlation_id", "return_id": str, "days": int, "refund_minor": int,
             "lines": [{"sku": str, "quantity": int}], "payment": {"provider_id", "currency": str}}
    Output  {"status": str, the return's, "order_status": str}
    """
    saga = Saga(context)
    given = context.get_input()
    saga.stage("awaiting_goods")
    received, refused = saga.event(S.RECEIVED), saga.event(S.REFUSED)
    heard = yield from saga.first_within(timedelta(days=given["days"]), received, refused)
    word = Word.of(heard) if heard else Word(names.RETURN_ORDER, {})
    status = S.EXPIRED if heard is None else S.RECEIVED if heard is received else S.REFUSED
    movement = None
    if status is S.RECEIVED:
        saga.stage("refunding")
        movement = yield from _settle(saga, given)
    ended = yield from saga.insist(
        names.RECORD_RETURN,
        return_id=given["return_id"],
        to=status,
        actor=word.actor,
        detail=word.data.get("note"),
        movement=movement,
    )
    saga.stage(status)
    return {"status": status, "order_status": ended["order_status"]}


def _settle(saga: Saga, given: JsonObject) -> Steps[JsonObject | None]:
    """Money first, goods second; the movement of the money, if any has moved."""
    key, return_id = saga.key_of(names.REFUND_PAYMENT), given["return_id"]
    asked = {
        "idempotency_key": key,
        "amount_minor": given["refund_minor"],
        "payment": given["payment"],
        "subject": return_id,
    }
    refunded = None
    if given["refund_minor"]:
        refunded = yield from saga.insist(names.REFUND_PAYMENT, **asked)
    for line in given["lines"]:
        yield from saga.insist(names.RESTOCK, **line, idempotency_key=f"{key}:{line['sku']}")
    if refunded is None:
        return None
    if refunded["outcome"] == "refused":
        fault = f"the refund was refused: {refunded['detail']}"
        yield from saga.give_up(names.REFUND_PAYMENT, asked, fault, subject=return_id)
        return None
    return {**refunded["movement"], "kind": MovementKind.REFUND, "key": key, "subject": return_id}
