"""What the payment provider says without being asked, and when it means trouble for an order.

Events come twice, late and in any order. None is believed for what it says of the moment at which it was sent: it
raises a doubt, if it does not fit the order as it is now, and the provider's own answer today settles the doubt.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.orders import CALLED_OFF, STANDING, Order
from domain.payments import Movement, MovementKind
from domain.shapes import Model

_HELD_OR_TAKEN = frozenset({"payment_intent.amount_capturable_updated", "payment_intent.succeeded"})
_LOST = frozenset({"payment_intent.canceled", "payment_intent.payment_failed"})
_REFUND_CHANGED = frozenset({"charge.refund.updated", "refund.updated", "refund.failed"})
_REFUND_DEAD = frozenset({"failed", "canceled"})
_DISPUTED, _DISPUTE_CLOSED = "charge.dispute.created", "charge.dispute.closed"

OF_CONCERN = _HELD_OR_TAKEN | _LOST | _REFUND_CHANGED | {_DISPUTED, _DISPUTE_CLOSED}
"""Types of events that can mean anything for an order."""

PAYMENT_LOST = "payment_lost"
PAYMENT_UNWANTED = "payment_unwanted"
REFUND_FAILED = "refund_failed"
PAYMENT_DISPUTED = "payment_disputed"
DISPUTE_LOST = "dispute_lost"


class PaymentNews(Model):
    """One event: about which payment, refund or dispute, in which status it was then, and for whose order it is.

    `payment_id` is the payment that a dispute is about: only the payment knows its order.
    """

    event_id: str
    type: str
    provider_id: str
    status: str
    why: str | None = None
    payment_id: str | None = None
    tenant_id: str | None = None
    order_id: str | None = None
    key: str | None = None

    @property
    def is_of_refund(self) -> bool:
        """Whether a refund has come to nothing: a status that no refund leaves again."""
        return self.type in _REFUND_CHANGED and self.status in _REFUND_DEAD

    @property
    def is_of_payment(self) -> bool:
        """Whether money has been held, taken or let go."""
        return self.type in _HELD_OR_TAKEN or self.type in _LOST

    @property
    def is_of_dispute(self) -> bool:
        """Whether the customer's bank wants the money back, or has decided that it keeps it."""
        return self.type == _DISPUTED or (self.type == _DISPUTE_CLOSED and self.status == "lost")


@dataclass(frozen=True, slots=True)
class Standing:
    """A payment as it is now: what the provider holds, and what has been taken so far."""

    held_minor: int
    taken_minor: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a person must look at: `type` is for the timeline, `subject` the provider's id, `movement` what it undid."""

    type: str
    subject: str
    detail: str
    movement: Movement | None = None


def fits(order: Order, news: PaymentNews) -> bool:
    """Whether the event says of a payment what the order says, too. An undecided order's saga asks for itself."""
    if news.type in _LOST:
        owes = order.payment.captured_minor < order.payment.authorised_minor
        return not (order.status in STANDING and owes)
    return order.status not in CALLED_OFF


def trouble_with_payment(order: Order, news: PaymentNews, now: Standing) -> Trouble | None:
    """What is wrong with a payment that did not fit the order, if it does not fit today either."""
    paid = order.payment
    if order.status in STANDING and not now.held_minor and now.taken_minor < paid.authorised_minor:
        why = news.why or news.type.rpartition(".")[2]
        return Trouble(PAYMENT_LOST, news.provider_id, f"the provider no longer holds the money: {why}")
    if order.status in CALLED_OFF and (now.held_minor or now.taken_minor > paid.captured_minor):
        return Trouble(
            PAYMENT_UNWANTED, news.provider_id, f"money is held or taken for an order that is {order.status}"
        )
    return None


def trouble_with_refund(given: Movement, news: PaymentNews) -> Trouble:
    """What is wrong with a refund that was given and did not arrive: the money is still with the merchant."""
    undone = given.model_copy(
        update={"kind": MovementKind.FAILED_REFUND, "key": f"{given.key}:{given.provider_id}:failed"}
    )
    detail = f"the refund did not arrive: {news.why or news.status}"
    return Trouble(REFUND_FAILED, news.provider_id, detail, undone)


def trouble_with_dispute(news: PaymentNews) -> Trouble:
    """What is wrong when the customer's bank takes the money back, whatever the order may say."""
    if news.type == _DISPUTED:
        return Trouble(PAYMENT_DISPUTED, news.provider_id, f"the customer's bank wants the money back: {news.why}")
    return Trouble(DISPUTE_LOST, news.provider_id, f"the customer's bank keeps the money: {news.why}")
