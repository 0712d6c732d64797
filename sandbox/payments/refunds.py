"""The life of a refund: pure. Most succeed at once; test cards make one fail or succeed only later.

A refund that has not failed counts against what was captured, so the sum of them never exceeds it. A failed one gives
its amount back to be refunded again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sandbox.payments.cards import CARDS, RefundFate
from sandbox.payments.errors import refused
from sandbox.payments.intent_models import Charge, Intent
from sandbox.payments.money import in_words

SETTLES_AFTER_S = 5


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


TRANSITIONS: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.PENDING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELED}),
    RefundStatus.SUCCEEDED: frozenset({RefundStatus.FAILED}),
    RefundStatus.FAILED: frozenset(),
    RefundStatus.CANCELED: frozenset(),
}
GIVEN_BACK = frozenset({RefundStatus.PENDING, RefundStatus.SUCCEEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back. `becomes`: the status that the bank will report at `settles_at`, epoch seconds."""

    id: str
    created: int
    amount: int
    currency: str
    intent_id: str
    charge_id: str
    status: RefundStatus
    reason: str | None = None
    failure_reason: str | None = None
    becomes: RefundStatus | None = None
    settles_at: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def check_refundable(intent: Intent, amount: int | None) -> int:
    """The amount that a refund would give back (None: all that is left).

    Raises payment_intent_unexpected_state when nothing was captured, charge_already_refunded, or a refusal of an
    amount above what is left.
    """
    charge = intent.charge
    if charge is None or not charge.captured:
        raise refused(
            f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.",
            intent=intent,
            code="payment_intent_unexpected_state",
        )
    if not charge.refundable:
        raise refused(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    if amount is not None and amount > charge.refundable:
        raise refused(_too_large(charge, amount, intent.currency), param="amount")
    return charge.refundable if amount is None else amount


def new_refund(
    intent: Intent, *, refund_id: str, amount: int, now: int, reason: str | None, metadata: dict[str, str]
) -> Refund:
    """A refund of an amount that `check_refundable` allowed, with the fate that its test card is made for."""
    charge = intent.charges[-1]
    fate = CARDS[charge.payment_method].refund
    settled = fate is RefundFate.SUCCEEDS
    return Refund(
        id=refund_id,
        created=now,
        amount=amount,
        currency=intent.currency,
        intent_id=intent.id,
        charge_id=charge.id,
        status=RefundStatus.PENDING if fate is RefundFate.SUCCEEDS_LATER else RefundStatus.SUCCEEDED,
        reason=reason,
        becomes=None if settled else _BECOMES[fate],
        settles_at=None if settled else now + SETTLES_AFTER_S,
        metadata=metadata,
    )


def settle(refund: Refund, status: RefundStatus) -> Refund:
    """The bank's last word, or the merchant's cancellation. Raises a refusal when the refund is past that."""
    if status not in TRANSITIONS[refund.status]:
        raise refused(f"A refund with a status of {refund.status} cannot become {status}.")
    failure = "lost_or_stolen_card" if status is RefundStatus.FAILED else None
    return replace(refund, status=status, failure_reason=failure, becomes=None, settles_at=None)


_BECOMES = {RefundFate.FAILS_LATER: RefundStatus.FAILED, RefundFate.SUCCEEDS_LATER: RefundStatus.SUCCEEDED}


def _too_large(charge: Charge, amount: int, currency: str) -> str:
    if amount > charge.captured:
        bound = f"charge amount ({in_words(charge.captured, currency)})"
    else:
        bound = f"unrefunded amount on charge ({in_words(charge.refundable, currency)})"
    return f"Refund amount ({in_words(amount, currency)}) is greater than {bound}"
