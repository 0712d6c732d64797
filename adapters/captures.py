"""Taking held money parcel by parcel, and giving it back.

An idempotency key protects for a day. What a capture or a refund was for is therefore also kept in the metadata of the
payment or the refund, where a repeat that comes later finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from adapters.provider import Refused, call
from domain.errors import Transient

if TYPE_CHECKING:
    from stripe import PaymentIntent, Refund, StripeClient

_HELD = "requires_capture"
_DEAD = frozenset({"failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Moved:
    """So much money has moved, under the provider's own id."""

    provider_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The provider will not move the money, and says why."""

    code: str


async def capture(provider_id: str, subject: str, amount_minor: int, key: str) -> Moved | Refusal:
    """Take `amount_minor` of what a payment holds, for the parcel `subject`, once per key.

    A card that can be captured only once pays for everything with its first parcel, and nothing for the later ones.
    Raises Transient when it is unknown whether the money was taken.
    """
    try:
        return Moved(provider_id, await call(partial(_capture, provider_id, subject, amount_minor, key)))
    except Refused as refused:
        return Refusal(refused.code)


async def refund(provider_id: str, subject: str, amount_minor: int, key: str) -> Moved | Refusal:
    """Give back `amount_minor` of what a payment has taken, for the parcel or return `subject`, once per key.

    Raises Transient when it is unknown whether the money was given back.
    """
    try:
        given = await call(partial(_refund, provider_id, subject, amount_minor, key))
    except Refused as refused:
        return Refusal(refused.code)
    if given.status in _DEAD:
        return Refusal(given.failure_reason or str(given.status))
    return Moved(given.id, given.amount)


async def _capture(provider_id: str, subject: str, amount_minor: int, key: str, stripe: StripeClient) -> int:
    intent = await stripe.v1.payment_intents.retrieve_async(provider_id, {"expand": ["latest_charge"]})
    note = f"captured:{subject}"
    noted = getattr(intent.metadata, note, None) if intent.metadata else None
    if noted is not None:
        return int(noted)
    in_parts = _in_parts(intent)
    if intent.status != _HELD and not in_parts and intent.amount_received:
        return 0
    taken = amount_minor if in_parts else intent.amount_capturable
    await stripe.v1.payment_intents.capture_async(
        provider_id,
        {"amount_to_capture": taken, "metadata": {note: str(taken)}, **({"final_capture": False} if in_parts else {})},
        {"idempotency_key": key},
    )
    return taken


def _in_parts(intent: PaymentIntent) -> bool:
    charge = intent.latest_charge
    if charge is None or isinstance(charge, str):
        return False
    card = charge.payment_method_details and charge.payment_method_details.card
    return bool(card and card.multicapture and card.multicapture.status == "available")


async def _refund(provider_id: str, subject: str, amount_minor: int, key: str, stripe: StripeClient) -> Refund:
    page = await stripe.v1.refunds.list_async({"payment_intent": provider_id, "limit": 100})
    async for earlier in page.auto_paging_iter():
        if getattr(earlier.metadata, "idempotency_key", None) == key and earlier.status not in _DEAD:
            return earlier
    made = await stripe.v1.refunds.create_async(
        {
            "payment_intent": provider_id,
            "amount": amount_minor,
            "metadata": {"idempotency_key": key, "subject": subject},
        },
        {"idempotency_key": key},
    )
    if made.status == "requires_action":
        raise Transient(f"refund {made.id} waits for the customer", retry_after_s=60)
    return made
