"""The part of `fulfil_order` in which a person decides on orders that are large or doubtful."""

from __future__ import annotations

from datetime import timedelta

from domain import names
from domain.orders import OrderStatus, Reason
from domain.shapes import JsonObject
from orchestrators.cancelling import Cancellation
from orchestrators.saga import CalledOff, Ending, Saga, Steps, Word, rejected


def approve(saga: Saga, cancellation: Cancellation, quote: JsonObject) -> Steps[str | None]:
    """Ask an approver, if the order needs one; returns what the timeline says of their consent.

    Raises CalledOff when they deny it or nobody answers in time.
    """
    why = _why(quote)
    if not why:
        return None
    cancellation.heed()
    hours = quote["settings"]["approval_timeout_hours"]
    recorded = yield saga.step(names.RECORD_TRANSITION, to=OrderStatus.AWAITING_APPROVAL, detail=why)
    if recorded["outcome"] == "decided":
        raise CalledOff(Ending(OrderStatus(recorded["status"])))
    saga.stage(OrderStatus.AWAITING_APPROVAL, why=why)
    yield from saga.attempt(names.TELL_APPROVERS, why=why, hours=hours)
    answered = yield from cancellation.first_within(timedelta(hours=hours), saga.event(names.APPROVAL))
    if answered is None:
        raise rejected(Reason.APPROVAL_TIMED_OUT, f"nobody answered within {hours} h")
    answer = Word.of(answered)
    if not answer.data.get("approved"):
        raise rejected(Reason.APPROVAL_DENIED, answer.data.get("note") or "denied", answer.actor)
    return ": ".join(filter(None, (f"approved by {answer.actor}", answer.data.get("note"))))


def _why(quote: JsonObject) -> str:
    limit = quote["settings"]["approval_over_minor"]
    reasons = list(quote["review"])
    if limit is not None and quote["total_minor"] > limit:
        reasons.insert(0, f"the total is over {limit}")
    return "; ".join(reasons)
