"""Orchestrator `ship_parcel`: one parcel on its way from a warehouse to the customer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from domain import names
from domain.payments import MovementKind
from domain.shapes import JsonObject
from domain.shipments import ShipmentStatus
from orchestrators.saga import Saga, Steps, Word

S = ShipmentStatus


def ship_parcel(context: df.DurableOrchestrationContext) -> Steps[JsonObject]:
    """Follow one parcel until it is delivered, lost or called back. When it leaves, its part of the money is taken.

    Steps
    1  book_shipment
    2  wait for the carrier's `shipped`, or for `cancelled`; nothing heard for days: escalate_parcel, and wait on
    3  record_shipment, commit_stock for every SKU, capture_payment
    4  wait for `delivered` or `lost`
    5  lost: refund_payment, unless nothing could be taken for it
    6  record_shipment

    Once a parcel has left there is no way back, so every step is insisted on.

    Input   {"tenant_id", "order_id", "correlation_id", "shipment_id": str, "silent_days": int}
    Output  {"status": str, the parcel's, "order_status": str}
    """
    saga = Saga(context)
    given = context.get_input()
    parcel = {"shipment_id": given["shipment_id"]}
    booked = yield from saga.insist(names.BOOK_SHIPMENT, **parcel)
    if booked["status"] == S.CANCELLED:
        return {"status": S.CANCELLED, "order_status": booked["order_status"]}
    saga.stage(S.BOOKED)
    # One wait per word for the whole journey: a later wait would not see what an earlier one has been told.
    words = {status: saga.event(status) for status in (S.SHIPPED, S.DELIVERED, S.LOST, S.CANCELLED)}
    news = yield from _hear(saga, given, words)
    if news["status"] == S.CANCELLED:
        return {"status": S.CANCELLED, "order_status": booked["order_status"]}
    left = yield from saga.insist(names.RECORD_SHIPMENT, **parcel, to=S.SHIPPED, actor=news["actor"])
    if left["outcome"] != "recorded":
        told, fault = {**parcel, "to": S.SHIPPED, "actor": news["actor"]}, "a cancelled parcel has left"
        yield from saga.give_up(names.RECORD_SHIPMENT, told, fault, subject=parcel["shipment_id"])
        return {"status": left["status"], "order_status": left["order_status"]}
    saga.stage(S.SHIPPED)
    yield from _take(saga, booked, parcel)
    if news["status"] == S.SHIPPED:
        news = yield from _hear(saga, given, {status: words[status] for status in (S.DELIVERED, S.LOST)})
    refund = None
    if news["status"] == S.LOST:
        refund = yield from _refund(saga, booked, parcel)
    ended = yield from saga.insist(
        names.RECORD_SHIPMENT, **parcel, to=news["status"], actor=news["actor"], movement=refund
    )
    saga.stage(news["status"])
    return {"status": news["status"], "order_status": ended["order_status"]}


def _hear(saga: Saga, given: JsonObject, words: dict[ShipmentStatus, Any]) -> Steps[JsonObject]:
    """What the carrier tells next: {"status", "actor"}. A parcel that stays silent is escalated, again and again."""
    silences = 0
    while True:
        heard = yield from saga.first_within(timedelta(days=given["silent_days"]), *words.values())
        if heard is not None:
            status = next(status for status, word in words.items() if word is heard)
            return {"status": status, "actor": Word.of(heard).actor}
        silences += 1
        found = yield from saga.insist(names.ESCALATE_PARCEL, shipment_id=given["shipment_id"], silences=silences)
        if found["status"] == S.CANCELLED and S.CANCELLED in words:
            return {"status": S.CANCELLED, "actor": names.SHIP_PARCEL}


def _take(saga: Saga, booked: JsonObject, parcel: JsonObject) -> Steps[None]:
    """The goods leave the books, and the customer pays for them."""
    for line in booked["lines"]:
        yield from saga.insist(names.COMMIT_STOCK, sku=line["sku"], quantity=line["quantity"])
    key = saga.key_of(names.CAPTURE_PAYMENT)
    asked = {**parcel, "idempotency_key": key, "amount_minor": booked["amount_minor"], "payment": booked["payment"]}
    captured = yield from saga.insist(names.CAPTURE_PAYMENT, **asked)
    if captured["outcome"] == "refused":
        fault = f"the capture was refused: {captured['detail']}"
        yield from saga.give_up(names.CAPTURE_PAYMENT, asked, fault, subject=parcel["shipment_id"])
        return
    movement = {**captured["movement"], "kind": MovementKind.CAPTURE, "key": key, "subject": parcel["shipment_id"]}
    yield from saga.insist(names.RECORD_MOVEMENT, movement=movement)


def _refund(saga: Saga, booked: JsonObject, parcel: JsonObject) -> Steps[JsonObject | None]:
    """Give back what was taken for the parcel, if anything was."""
    key, shipment_id = saga.key_of(names.REFUND_PAYMENT), parcel["shipment_id"]
    asked = {
        **parcel,
        "idempotency_key": key,
        "amount_minor": booked["amount_minor"],
        "payment": booked["payment"],
        "subject": shipment_id,
    }
    refunded = yield from saga.insist(names.REFUND_PAYMENT, **asked)
    if refunded["outcome"] == "nothing_taken":
        return None
    if refunded["outcome"] == "refused":
        fault = f"the refund was refused: {refunded['detail']}"
        yield from saga.give_up(names.REFUND_PAYMENT, asked, fault, subject=f"{shipment_id}:{names.REFUND_PAYMENT}")
        return None
    return {**refunded["movement"], "kind": MovementKind.REFUND, "key": key, "subject": shipment_id}
