"""Taking held money parcel by parcel, and giving it back.

An idempotency key protects for a day. What a capture or a refund was for is therefore also kept in the metadata of the
payment or the refund, where a repeat that comes later finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from adapters.provider import Refused, call, is_replayed, once
from adapters.provider_units import to_minor, to_units

if TYPE_CHECKING:
    from stripe import PaymentIntent, Refund, StripeClient
    from stripe.params import PaymentIntentCaptureParams

_PAID = "succeeded"
_DEAD = frozenset({"failed", "canceled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """Money of a payment that is to move, for which parcel or return (`subject`), and the key that makes it once.

    `attempt` counts the times it was asked for after the provider had refused: each is a new request of the provider,
    which repeats its answer to an old one. What has moved is found by `key`, whichever attempt it was.
    """

    tenant_id: str
    order_id: str
    provider_id: str
    subject: str
    amount_minor: int
    currency: str
    key: str
    attempt: int = 1

    @property
    def request_key(self) -> str:
        """The idempotency key under which the provider is asked first."""
        return self.key if self.attempt == 1 else f"{self.key}:attempt-{self.attempt}"


@dataclass(frozen=True, slots=True)
class Moved:
    """So much money has moved, under the provider's own id."""

    provider_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The provider will not move the money, and says why."""

    code: str


async def capture(wish: Moving) -> Moved | Refusal:
    """Take a parcel's part of what a payment holds, once per key.

    A card that can be captured only once pays for everything with its first parcel, and nothing for the later ones.
    Raises Transient when it is unknown whether the money was taken.
    """
    try:
        return Moved(wish.provider_id, await once(wish.request_key, partial(_capture, wish)))
    except Refused as refused:
        taken = await call(partial(_taken_before, wish))  # two parcels may have left at the same moment
        return Refusal(refused.code) if taken is None else Moved(wish.provider_id, taken)


async def is_taken(wish: Moving) -> bool:
    """Whether the provider has taken anything for the parcel, or another parcel has paid for it. Raises Transient."""
    return await call(partial(_taken_before, wish)) is not None


async def refund(wish: Moving) -> Moved | Refusal:
    """Give back some of what a payment has taken, once per key.

    It may still come to nothing days later: the provider then says so by an event. Raises Transient when it is unknown
    whether the money was given back.
    """
    try:
        given = await once(wish.request_key, partial(_refund, wish))
    except Refused as refused:
        return Refusal(refused.code)
    if given.status in _DEAD:
        return Refusal(given.failure_reason or str(given.status))
    return Moved(given.id, to_minor(given.amount, given.currency))


async def _capture(wish: Moving, key: str, stripe: StripeClient) -> int:
    intent = await _read(wish, stripe)
    earlier = _noted(intent, wish)
    if earlier is not None:
        return earlier
    in_parts = _in_parts(intent)
    taken = wish.amount_minor if in_parts else to_minor(intent.amount_capturable, intent.currency)
    params: PaymentIntentCaptureParams = {
        "amount_to_capture": to_units(taken, wish.currency),
        "metadata": {_note(wish): str(taken)},
    }
    if in_parts:
        params["final_capture"] = False
    await stripe.v1.payment_intents.capture_async(wish.provider_id, params, {"idempotency_key": key})
    return taken


async def _taken_before(wish: Moving, stripe: StripeClient) -> int | None:
    return _noted(await _read(wish, stripe), wish)


async def _read(wish: Moving, stripe: StripeClient) -> PaymentIntent:
    return await stripe.v1.payment_intents.retrieve_async(wish.provider_id, {"expand": ["latest_charge"]})


def _note(wish: Moving) -> str:
    return f"captured:{wish.subject}"


def _noted(intent: PaymentIntent, wish: Moving) -> int | None:
    """What has been taken for the parcel: 0 when another one has paid for all; None when nothing has been yet.

    A payment that is over has not been taken whole when it expired between two parcels.
    """
    noted = getattr(intent.metadata, _note(wish), None)
    if noted is not None:
        return int(noted)
    is_whole = intent.status == _PAID and intent.amount_received == intent.amount
    return 0 if is_whole and not _in_parts(intent) else None


def _in_parts(intent: PaymentIntent) -> bool:
    charge = intent.latest_charge
    if charge is None or isinstance(charge, str):
        return False
    card = charge.payment_method_details and charge.payment_method_details.card
    return bool(card and card.multicapture and card.multicapture.status == "available")


async def _refund(wish: Moving, key: str, stripe: StripeClient) -> Refund:
    page = await stripe.v1.refunds.list_async({"payment_intent": wish.provider_id, "limit": 100})
    async for earlier in page.auto_paging_iter():
        if getattr(earlier.metadata, "idempotency_key", None) == wish.key and earlier.status not in _DEAD:
            return earlier
    metadata = {
        "tenant_id": wish.tenant_id,
        "order_id": wish.order_id,
        "idempotency_key": wish.key,
        "subject": wish.subject,
    }
    made = await stripe.v1.refunds.create_async(
        {
            "payment_intent": wish.provider_id,
            "amount": to_units(wish.amount_minor, wish.currency),
            "metadata": metadata,
        },
        {"idempotency_key": key},
    )
    return await stripe.v1.refunds.retrieve_async(made.id) if is_replayed(made) else made
