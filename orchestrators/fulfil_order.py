"""Orchestrator `fulfil_order`: the life of an order until it is confirmed or called off."""

from __future__ import annotations

import azure.durable_functions as df

from domain import names
from domain.orders import OrderStatus, Reason
from domain.shapes import JsonObject
from orchestrators.saga import CONFIRMED, Ending, Saga, Steps, failed, rejected


def fulfil_order(context: df.DurableOrchestrationContext) -> Steps[JsonObject]:
    """Bring an order to `confirmed`; or undo everything, then record `rejected` or `failed` and why.

    Steps                                               Compensations
    1  price_order
    2  reserve_stock, for every SKU in parallel         release_stock
    3  record_transition to `reserved`
    4  authorise_payment, looked up if it stays silent  void_payment
    5  record_transition to `confirmed`
    6  send_confirmation
    7  publish_outcome

    Input   {"tenant_id", "order_id", "correlation_id": str}
    Output  {"status": str, "reason": str | None}; at once when the order has been decided before
    """
    saga = Saga(context)
    saga.stage("pricing")
    try:
        quote = yield saga.step(names.PRICE_ORDER)
        if quote["outcome"] == "decided":
            saga.stage(quote["status"])
            return {"status": quote["status"], "reason": None}
        ending = yield from _confirm(saga, quote)
    except Exception as fault:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
        ending = failed(fault)
    if ending is CONFIRMED:
        yield from saga.attempt(names.SEND_CONFIRMATION)
    else:
        ending = yield from _call_off(saga, ending)
    yield from saga.attempt(names.PUBLISH_OUTCOME, status=ending.status, reason=ending.reason)
    saga.stage(ending.status)
    return {"status": ending.status, "reason": ending.reason}


def _confirm(saga: Saga, quote: JsonObject) -> Steps[Ending]:
    if quote["outcome"] != "priced":
        return rejected(Reason(quote["outcome"]), quote["detail"])

    saga.stage("reserving")
    if refusal := (yield from _reserve(saga, quote["demand"])):
        return refusal
    yield saga.step(names.RECORD_TRANSITION, to=OrderStatus.RESERVED, prices=quote["prices"])

    saga.stage("charging")
    key = saga.key_of(names.AUTHORISE_PAYMENT)
    payment = yield from _authorise(saga, quote, key)
    if payment["outcome"] == "declined":
        return rejected(Reason.PAYMENT_DECLINED, payment["detail"])

    saga.stage("confirming")
    held = {
        "key": key,
        "provider_id": payment["provider_id"],
        "amount_minor": quote["total_minor"],
        "currency": quote["currency"],
    }
    yield saga.step(names.RECORD_TRANSITION, to=OrderStatus.CONFIRMED, authorisation=held)
    return CONFIRMED


def _reserve(saga: Saga, demand: list[JsonObject]) -> Steps[Ending | None]:
    for item in demand:
        saga.undo_with(names.RELEASE_STOCK, sku=item["sku"])
    results = yield from saga.together([saga.step(names.RESERVE_STOCK, **item) for item in demand])
    for result in results:
        if result["outcome"] != "reserved":
            return rejected(Reason(result["outcome"]), f"{result['sku']}: {result['outcome']}")
    return None


def _authorise(saga: Saga, quote: JsonObject, key: str) -> Steps[JsonObject]:
    asked_at = saga.now
    saga.undo_with(names.VOID_PAYMENT, idempotency_key=key, since=asked_at)
    try:
        payment: JsonObject = yield saga.step(
            names.AUTHORISE_PAYMENT,
            amount_minor=quote["total_minor"],
            currency=quote["currency"],
            payment_method=quote["payment_method"],
            idempotency_key=key,
        )
    except Exception:  # a silent provider may hold the money all the same
        payment = yield saga.step(names.FIND_PAYMENT, idempotency_key=key, since=asked_at)
        if payment["outcome"] != "authorised":
            raise
    return payment


def _call_off(saga: Saga, ending: Ending) -> Steps[Ending]:
    saga.stage("compensating")
    undone = yield from saga.compensate()
    if not undone:
        ending = ending._replace(status=OrderStatus.FAILED, detail="a compensation kept failing")
    yield saga.step(
        names.RECORD_TRANSITION,
        to=ending.status,
        reason=ending.reason,
        detail=ending.detail,
        needs_attention=ending.status is OrderStatus.FAILED,
    )
    return ending
