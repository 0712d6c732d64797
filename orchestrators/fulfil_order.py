"""Orchestrator `fulfil_order`: the life of an order until it is confirmed or called off."""

from __future__ import annotations

import azure.durable_functions as df

from domain import names
from domain.orders import CALLED_OFF, OrderStatus, Reason
from domain.shapes import JsonObject
from orchestrators.saga import Ending, Saga, Steps, failed, rejected


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

    Until the money is held, a step that keeps failing calls the order off. From then on the saga goes forward only:
    whether the confirmation was recorded can be unknown, and what it stands on must not be undone.

    Input   {"tenant_id", "order_id", "correlation_id": str}
    Output  {"status": str, "reason": str | None}; at once when the order has been decided before
    """
    saga = Saga(context)
    saga.stage("pricing")
    quote = yield from saga.insist(names.PRICE_ORDER)
    if quote["outcome"] == "decided":
        saga.stage(quote["status"])
        return {"status": quote["status"], "reason": quote["reason"]}
    try:
        ending = yield from _secure(saga, quote)
    except Exception as fault:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
        ending = failed(fault)
    if ending.held:
        ending = yield from _confirm(saga, ending)
    if ending.status in CALLED_OFF:
        ending = yield from _call_off(saga, ending)
    else:
        yield from saga.attempt(names.SEND_CONFIRMATION)
    yield from saga.attempt(names.PUBLISH_OUTCOME, status=ending.status, reason=ending.reason)
    saga.stage(ending.status)
    return {"status": ending.status, "reason": ending.reason}


def _secure(saga: Saga, quote: JsonObject) -> Steps[Ending]:
    """Stock and money; the ending says what the order comes to with them."""
    if quote["outcome"] != "priced":
        return rejected(Reason(quote["outcome"]), quote["detail"])
    charge = {
        "idempotency_key": saga.key_of(names.AUTHORISE_PAYMENT),
        "amount_minor": quote["total_minor"],
        "currency": quote["currency"],
        "since": quote["placed_at"],
    }
    if quote["resumed"]:
        saga.undo_with(names.VOID_PAYMENT, **charge)

    saga.stage("reserving")
    if refusal := (yield from _reserve(saga, quote["demand"])):
        return refusal
    recorded = yield saga.step(names.RECORD_TRANSITION, to=OrderStatus.RESERVED, prices=quote["prices"])
    if recorded["outcome"] == "decided":
        return Ending(OrderStatus(recorded["status"]))
    saga.stage("charging")
    payment = yield from _authorise(saga, {**charge, "amount_minor": recorded["total_minor"]}, quote["payment_method"])
    if payment["outcome"] == "declined":
        return rejected(Reason.PAYMENT_DECLINED, payment["detail"])
    held = {name: payment[name] for name in ("provider_id", "amount_minor")}
    held |= {"key": charge["idempotency_key"], "currency": charge["currency"]}
    return Ending(OrderStatus.CONFIRMED, held=held)


def _reserve(saga: Saga, demand: list[JsonObject]) -> Steps[Ending | None]:
    for item in demand:
        saga.undo_with(names.RELEASE_STOCK, sku=item["sku"])
    results = yield from saga.together([saga.step(names.RESERVE_STOCK, **item) for item in demand])
    for result in results:
        if result["outcome"] != "reserved":
            return rejected(Reason(result["outcome"]), f"{result['sku']}: {result['outcome']}")
    return None


def _authorise(saga: Saga, charge: JsonObject, payment_method: str) -> Steps[JsonObject]:
    saga.undo_with(names.VOID_PAYMENT, **charge)
    try:
        payment: JsonObject = yield saga.step(names.AUTHORISE_PAYMENT, **charge, payment_method=payment_method)
    except Exception:  # a silent provider may hold the money all the same
        payment = yield saga.step(names.FIND_PAYMENT, **charge)
        if payment["outcome"] != "authorised":
            raise
    return payment


def _confirm(saga: Saga, ending: Ending) -> Steps[Ending]:
    saga.stage("confirming")
    recorded = yield from saga.insist(names.RECORD_TRANSITION, to=ending.status, authorisation=ending.held)
    return ending.unless_decided(recorded)


def _call_off(saga: Saga, ending: Ending) -> Steps[Ending]:
    saga.stage("compensating")
    undone = yield from saga.compensate()
    if not undone:
        ending = ending._replace(status=OrderStatus.FAILED, detail="a compensation kept failing")
    recorded = yield from saga.insist(
        names.RECORD_TRANSITION,
        to=ending.status,
        reason=ending.reason,
        detail=ending.detail,
        needs_attention=ending.status is OrderStatus.FAILED,
    )
    return ending.unless_decided(recorded)
