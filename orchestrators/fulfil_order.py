"""Orchestrator `fulfil_order`: the life of an order, from pricing to delivery or to the last thing undone."""

from __future__ import annotations

import azure.durable_functions as df

from domain import names
from domain.orders import CALLED_OFF, OrderStatus
from domain.shapes import JsonObject
from orchestrators.approving import approve
from orchestrators.cancelling import Cancellation
from orchestrators.charging import charge, expect_charge
from orchestrators.reserving import reserve
from orchestrators.saga import CalledOff, Ending, Saga, Steps, failed
from orchestrators.shipping import ship


def fulfil_order(context: df.DurableOrchestrationContext) -> Steps[JsonObject]:
    """Bring an order to its customer; or undo everything, then record why it was called off.

    Steps                                                        Compensations
    1  price_order
    2  reserve_stock for every SKU, beside assess_risk           release_stock
    3  if short and the tenant asks: the customer's answer
    4  record_transition to `reserved`
    5  if over the threshold or doubtful: an approver's answer
    6  authorise_payment behind the circuit breaker              void_payment
    7  record_transition to `confirmed`
    8  ship_parcel for every warehouse, beside send_confirmation
    9  failed: park_dead_letter, which tells the person who is called why; publish_outcome

    The customer may cancel at every wait and before every step with a side effect, until the first parcel has left.
    Until the money is held, a step that keeps failing calls the order off. From then on the saga goes forward only:
    whether the confirmation was recorded can be unknown, and what it stands on must not be undone.

    Input   {"tenant_id", "order_id", "correlation_id": str}
    Output  {"status": str, "reason": str | None}; at once when the order has been decided before
    """
    saga = Saga(context)
    cancellation = Cancellation(saga)
    saga.stage("pricing")
    quote = yield from cancellation.listen_during(names.PRICE_ORDER)
    if quote["outcome"] == "decided":
        saga.stage(quote["status"])
        return {"status": quote["status"], "reason": quote["reason"]}
    ending = yield from _decide(saga, cancellation, quote)
    if ending.shipment_ids:
        ending = yield from ship(saga, cancellation, quote, ending)
    if ending.status is OrderStatus.FAILED:
        yield from saga.park(names.FULFIL_ORDER, {}, ending.detail or "the order has failed")
    yield from saga.attempt(names.PUBLISH_OUTCOME, status=ending.status, reason=ending.reason)
    saga.stage(ending.status)
    return {"status": ending.status, "reason": ending.reason}


def _decide(saga: Saga, cancellation: Cancellation, quote: JsonObject) -> Steps[Ending]:
    """Secure stock, approval and money, and confirm; or undo what was secured, and call the order off."""
    if quote.get("resumed"):
        expect_charge(saga, quote)
    try:
        quote = yield from reserve(saga, cancellation, quote)
        consent = yield from approve(saga, cancellation, quote)
        held = yield from charge(saga, cancellation, quote)
    except CalledOff as called_off:
        ending = called_off.ending
    except Exception as fault:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
        ending = failed(fault)
    else:
        saga.stage("confirming")
        ending = yield from _record(saga, Ending(OrderStatus.CONFIRMED, detail=consent), movement=held)
    if ending.status not in CALLED_OFF:
        return ending
    saga.stage("compensating")
    yield from saga.compensate()
    needs_attention = ending.status is OrderStatus.FAILED
    return (yield from _record(saga, ending, needs_attention=needs_attention))


def _record(saga: Saga, ending: Ending, **known: object) -> Steps[Ending]:
    """The ending as it was recorded: another run may have decided the order before."""
    recorded = yield from saga.insist(
        names.RECORD_TRANSITION,
        to=ending.status,
        reason=ending.reason,
        detail=ending.detail,
        actor=ending.actor,
        **known,
    )
    if recorded["outcome"] != "recorded":
        return Ending(OrderStatus(recorded["status"]))
    return ending._replace(shipment_ids=tuple(recorded["shipment_ids"]))
