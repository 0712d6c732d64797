"""What an order's customer is charged: movements of money, and what they add up to."""

from __future__ import annotations

from enum import StrEnum

from domain.money import amount_text
from domain.shapes import Model


class MovementKind(StrEnum):
    """What a movement does with the money."""

    AUTHORISATION = "authorisation"
    CAPTURE = "capture"
    REFUND = "refund"
    FAILED_REFUND = "failed_refund"


_TOTALS = {
    MovementKind.AUTHORISATION: "authorised_minor",
    MovementKind.CAPTURE: "captured_minor",
    MovementKind.REFUND: "refunded_minor",
    MovementKind.FAILED_REFUND: "refunded_minor",
}


_DONE = {
    MovementKind.AUTHORISATION: "authorised",
    MovementKind.CAPTURE: "captured",
    MovementKind.REFUND: "refunded",
    MovementKind.FAILED_REFUND: "not refunded after all",
}


class Held(Model):
    """The payment that holds the order's money."""

    provider_id: str
    currency: str


class Movement(Model):
    """Money held, taken or given back by the provider; `key` is the idempotency key under which it was asked for."""

    kind: MovementKind
    key: str
    provider_id: str
    amount_minor: int
    currency: str
    subject: str | None = None
    """The shipment or return that it is for."""

    @property
    def done(self) -> str:
        """What has been done with the money: `captured`."""
        return _DONE[self.kind]

    @property
    def text(self) -> str:
        """As people read it: `12.50 EUR captured`."""
        return f"{amount_text(self.amount_minor, self.currency)} {self.done}"


class PaymentStatus(StrEnum):
    """Where an order's money stands."""

    NONE = "none"
    AUTHORISED = "authorised"
    DECLINED = "declined"
    VOIDED = "voided"
    PARTIALLY_CAPTURED = "partially_captured"
    CAPTURED = "captured"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class PaymentSummary(Model):
    """What has become of an order's money so far, in minor units."""

    status: PaymentStatus = PaymentStatus.NONE
    authorised_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0

    def after(self, movement: Movement) -> PaymentSummary:
        """The summary once this movement has been made."""
        field = _TOTALS[movement.kind]
        change_minor = movement.amount_minor * (-1 if movement.kind is MovementKind.FAILED_REFUND else 1)
        moved = self.model_copy(update={field: getattr(self, field) + change_minor})
        return moved.model_copy(update={"status": moved._added_up()})

    def declined(self) -> PaymentSummary:
        """The summary once the provider has refused."""
        return self.model_copy(update={"status": PaymentStatus.DECLINED})

    def voided(self) -> PaymentSummary:
        """The summary once what was held, and not taken, has been let go."""
        if self.status is not PaymentStatus.AUTHORISED:
            return self
        return self.model_copy(update={"status": PaymentStatus.VOIDED, "authorised_minor": 0})

    def _added_up(self) -> PaymentStatus:
        if self.refunded_minor:
            is_all = self.refunded_minor >= self.captured_minor
            return PaymentStatus.REFUNDED if is_all else PaymentStatus.PARTIALLY_REFUNDED
        if self.captured_minor:
            is_all = self.captured_minor >= self.authorised_minor
            return PaymentStatus.CAPTURED if is_all else PaymentStatus.PARTIALLY_CAPTURED
        return PaymentStatus.AUTHORISED
