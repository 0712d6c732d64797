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
class Card:
    """One test payment method.

    `authentication`: the customer must confirm the payment with the bank. `multicapture`: what is held may be taken in
    more than one capture, if the merchant asks for that.
    """

    brand: str
    last4: str
    decline: Decline | None = None
    authentication: bool = False
    refund: RefundFate = RefundFate.SUCCEEDS
    multicapture: bool = True


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

_GOOD: dict[str, Card] = {
    "visa": Card("visa", "4242"),
    "visa_debit": Card("visa", "5556"),
    "mastercard": Card("mastercard", "4444"),
    "mastercard_debit": Card("mastercard", "8210"),
    "mastercard_prepaid": Card("mastercard", "5100"),
    "amex": Card("amex", "8431"),
    "discover": Card("discover", "9424"),
    "diners": Card("diners", "3237"),
    "jcb": Card("jcb", "0505"),
    "unionpay": Card("unionpay", "0005"),
    "us": Card("visa", "4242"),
    "de": Card("visa", "0003"),
    "gb": Card("visa", "0003"),
    "refundFail": Card("visa", "5126", refund=RefundFate.FAILS_LATER),
    "pendingRefund": Card("visa", "7726", refund=RefundFate.SUCCEEDS_LATER),
    "singleCapture": Card("visa", "1111", multicapture=False),  # the sandbox's own: the provider has no such test card
    "authenticationRequired": Card("visa", "3184", authentication=True),
    "threeDSecure2Required": Card("visa", "3220", authentication=True),
}

_BAD: dict[str, Card] = {
    "chargeDeclined": Card("visa", "0002", Decline("card_declined", "generic_decline", _DECLINED)),
    "chargeDeclinedInsufficientFunds": Card(
        "visa", "9995", Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
    ),
    "chargeDeclinedLostCard": Card("visa", "9987", Decline("card_declined", "lost_card", _DECLINED)),
    "chargeDeclinedStolenCard": Card("visa", "9979", Decline("card_declined", "stolen_card", _DECLINED)),
    "chargeDeclinedFraudulent": Card("visa", "0019", Decline("card_declined", "fraudulent", _DECLINED)),
    "chargeDeclinedVelocityLimitExceeded": Card(
        "visa",
        "6975",
        Decline(
            "card_declined",
            "card_velocity_exceeded",
            "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        ),
    ),
    "chargeDeclinedExpiredCard": Card(
        "visa", "0069", Decline("expired_card", "expired_card", "Your card has expired.")
    ),
    "chargeDeclinedIncorrectCvc": Card(
        "visa", "0127", Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
    ),
    "chargeDeclinedProcessingError": Card(
        "visa",
        "0119",
        Decline(
            "processing_error",
            "processing_error",
            "An error occurred while processing your card. Try again in a little bit.",
        ),
    ),
    "chargeCustomerFail": Card("visa", "0341", Decline("card_declined", "generic_decline", _DECLINED)),
    "radarBlock": Card("visa", "0019", Decline("card_declined", "fraudulent", _DECLINED)),
}

CARDS: dict[str, Card] = {f"pm_card_{name}": card for name, card in (_GOOD | _BAD).items()} | {
    f"pm_card_visa_{name}": card for name, card in _BAD.items()
}
