"""The provider's public test payment methods, and what the bank behind each one says.

Names come from Stripe's testing page. The first word after `pm_card_` is often a brand that older examples leave out,
so both spellings are known: `pm_card_visa_chargeDeclined` and `pm_card_chargeDeclined`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RefundFate(StrEnum):
    """What becomes of a refund to this card: done at once, refused by the bank later, or done later."""

    SUCCEEDS = "succeeds"
    FAILS_LATER = "fails later"
    SUCCEEDS_LATER = "succeeds later"


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a bank refused: Stripe's error code, the issuer's decline code and the sentence for the customer."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True, slots=True)
class TestCard:
    """One test payment method. `authentication`: the customer must confirm the payment with the bank."""

    __test__ = False  # pytest would collect the name

    brand: str
    last4: str
    decline: Decline | None = None
    authentication: bool = False
    refund: RefundFate = RefundFate.SUCCEEDS


AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
AUTHENTICATION_FAILED = Decline(
    "payment_intent_authentication_failure",
    "authentication_failed",
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
    "to attempt to fulfill this PaymentIntent again.",
)

_DECLINED = "Your card was declined."

_GOOD: dict[str, TestCard] = {
    "visa": TestCard("visa", "4242"),
    "visa_debit": TestCard("visa", "5556"),
    "mastercard": TestCard("mastercard", "4444"),
    "mastercard_debit": TestCard("mastercard", "8210"),
    "mastercard_prepaid": TestCard("mastercard", "5100"),
    "amex": TestCard("amex", "8431"),
    "discover": TestCard("discover", "9424"),
    "diners": TestCard("diners", "3237"),
    "jcb": TestCard("jcb", "0505"),
    "unionpay": TestCard("unionpay", "0005"),
    "us": TestCard("visa", "4242"),
    "de": TestCard("visa", "0003"),
    "gb": TestCard("visa", "0003"),
    "refundFail": TestCard("visa", "5126", refund=RefundFate.FAILS_LATER),
    "pendingRefund": TestCard("visa", "7726", refund=RefundFate.SUCCEEDS_LATER),
    "authenticationRequired": TestCard("visa", "3184", authentication=True),
    "threeDSecure2Required": TestCard("visa", "3220", authentication=True),
}

_BAD: dict[str, TestCard] = {
    "chargeDeclined": TestCard("visa", "0002", Decline("card_declined", "generic_decline", _DECLINED)),
    "chargeDeclinedInsufficientFunds": TestCard(
        "visa", "9995", Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
    ),
    "chargeDeclinedLostCard": TestCard("visa", "9987", Decline("card_declined", "lost_card", _DECLINED)),
    "chargeDeclinedStolenCard": TestCard("visa", "9979", Decline("card_declined", "stolen_card", _DECLINED)),
    "chargeDeclinedFraudulent": TestCard("visa", "0019", Decline("card_declined", "fraudulent", _DECLINED)),
    "chargeDeclinedVelocityLimitExceeded": TestCard(
        "visa",
        "6975",
        Decline(
            "card_declined",
            "card_velocity_exceeded",
            "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        ),
    ),
    "chargeDeclinedExpiredCard": TestCard(
        "visa", "0069", Decline("expired_card", "expired_card", "Your card has expired.")
    ),
    "chargeDeclinedIncorrectCvc": TestCard(
        "visa", "0127", Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
    ),
    "chargeDeclinedProcessingError": TestCard(
        "visa",
        "0119",
        Decline(
            "processing_error",
            "processing_error",
            "An error occurred while processing your card. Try again in a little bit.",
        ),
    ),
    "chargeCustomerFail": TestCard("visa", "0341", Decline("card_declined", "generic_decline", _DECLINED)),
    "radarBlock": TestCard("visa", "0019", Decline("card_declined", "fraudulent", _DECLINED)),
}

CARDS: dict[str, TestCard] = {f"pm_card_{name}": card for name, card in (_GOOD | _BAD).items()} | {
    f"pm_card_visa_{name}": card for name, card in _BAD.items()
}
