"""A PaymentIntent and its charges, as they are kept.

An intent collects one payment. Each attempt to confirm it makes a charge, failed or authorised; at most one charge is
ever authorised. What an authorisation holds is then captured, in one or more steps, or released, so that at any time

    authorised amount = captured + released + capturable,    refunded <= captured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.payments.cards import CARDS, Decline


class Status(StrEnum):
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One attempt to take the money. Amounts are minor units; `created` and `capture_before` are epoch seconds."""

    id: str
    created: int
    amount: int
    payment_method: str
    failure: Decline | None = None
    captured: int = 0
    captures: int = 0
    released: int = 0
    refunded: int = 0
    capture_before: int | None = None

    @property
    def authorised(self) -> bool:
        return self.failure is None

    @property
    def capturable(self) -> int:
        return self.amount - self.captured - self.released if self.authorised else 0

    @property
    def refundable(self) -> int:
        return self.captured - self.refunded


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A PaymentIntent. `details` holds texts that the provider only keeps: description, receipt_email and the like."""

    id: str
    created: int
    amount: int
    currency: str
    status: Status
    manual_capture: bool = False
    multicapture: bool = False
    payment_method: str | None = None
    charges: tuple[Charge, ...] = ()
    last_failure: Decline | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    @property
    def charge(self) -> Charge | None:
        """The latest attempt."""
        return self.charges[-1] if self.charges else None

    @property
    def can_be_captured_in_parts(self) -> bool:
        """Whether the merchant has asked for it, and the card that paid allows it."""
        return self.multicapture and self.charge is not None and CARDS[self.charge.payment_method].multicapture

    @property
    def amount_capturable(self) -> int:
        return self.charge.capturable if self.charge else 0

    @property
    def amount_received(self) -> int:
        return self.charge.captured if self.charge else 0
