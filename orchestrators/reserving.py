"""The part of `fulfil_order` that takes stock and weighs the risk, side by side."""

from __future__ import annotations

from datetime import timedelta

from domain import names
from domain.orders import OrderStatus, Reason
from domain.risk import Verdict
from domain.shapes import JsonObject
from domain.shortages import Decision
from domain.tenants import WhenShort
from orchestrators.cancelling import Cancellation
from orchestrators.saga import CalledOff, Ending, Saga, Steps, Word, rejected

Pieces = dict[str, int]


def reserve(saga: Saga, cancellation: Cancellation, quote: JsonObject) -> Steps[JsonObject]:
    """Hold the order's pieces and record it. Raises CalledOff.

    Returns the quote with what is known from then on: its new `total_minor`, and `review`, why a person must look.
    """
    if quote["outcome"] != "priced":
        raise rejected(Reason(quote["outcome"]), quote["detail"])
    saga.stage("reserving")
    cancellation.heed()
    # The pieces of an order that an earlier run has recorded as reserved are settled: it needs all of them.
    asks = quote["settings"]["when_short"] == WhenShort.ASK and not quote.get("resumed")
    for item in quote["demand"]:
        saga.undo_with(names.RELEASE_STOCK, sku=item["sku"])
    reserving = [saga.step(names.RESERVE_STOCK, **item, in_part=asks) for item in quote["demand"]]
    assessing = saga.step(names.ASSESS_RISK, total_minor=quote["total_minor"])
    *stocks, risk = yield from saga.together([*reserving, assessing])
    if risk["verdict"] == Verdict.REJECT:
        raise rejected(Reason.RISK, "; ".join(risk["findings"]))
    kept = yield from _settle_shortage(saga, cancellation, quote, stocks)
    cancellation.heed()
    recorded = yield saga.step(names.RECORD_TRANSITION, to=OrderStatus.RESERVED, offers=quote["offers"], kept=kept)
    if recorded["outcome"] == "decided":
        raise CalledOff(Ending(OrderStatus(recorded["status"])))
    return {**quote, "total_minor": recorded["total_minor"], "review": risk["findings"]}


def _settle_shortage(
    saga: Saga, cancellation: Cancellation, quote: JsonObject, stocks: list[JsonObject]
) -> Steps[Pieces | None]:
    """The pieces of each SKU that the customer takes, when there are not enough; None when there are."""
    for stock in stocks:
        if stock["outcome"] not in ("reserved", "reserved_in_part"):
            raise rejected(Reason(stock["outcome"]), f"{stock['sku']}: {stock['outcome']}")
    if all(stock["outcome"] == "reserved" for stock in stocks):
        return None
    held = {stock["sku"]: stock["quantity"] for stock in stocks}
    if not any(held.values()):
        raise rejected(Reason.OUT_OF_STOCK, f"none is left of {', '.join(held)}")
    kept = yield from _ask(saga, cancellation, quote, held)
    for sku, pieces in held.items():
        if kept[sku] < pieces:
            yield saga.step(names.TRIM_RESERVATION, sku=sku, quantity=kept[sku])
    return kept


def _ask(saga: Saga, cancellation: Cancellation, quote: JsonObject, held: Pieces) -> Steps[Pieces]:
    hours = quote["settings"]["shortage_timeout_hours"]
    yield saga.step(names.RECORD_SHORTAGE, held=held)
    saga.stage("awaiting_customer", held=held)
    answered = yield from cancellation.first_within(timedelta(hours=hours), saga.event(names.SHORTAGE_ANSWERED))
    if answered is None:
        raise rejected(Reason.OUT_OF_STOCK, f"the customer did not answer within {hours} h")
    answer = Word.of(answered)
    if answer.data.get("decision") == Decision.CANCEL:
        raise CalledOff(Ending(OrderStatus.CANCELLED, detail=answer.data.get("note"), actor=answer.actor))
    wanted = answer.data.get("kept") or held
    return {sku: max(0, min(wanted.get(sku, 0), pieces)) for sku, pieces in held.items()}
