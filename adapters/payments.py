"""Charges at the payment provider (Stripe): authorise, look up, void.

Every write carries our own idempotency key, so a call repeated after a crash finds what the first one did. What the
provider refuses for good is an outcome and comes back as data; what may work later raises Transient. The key is also
kept in the payment's metadata, because that is how a payment is found again whose answer never arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from adapters.provider import KeyBroken, KeyTaken, Refused, call, is_replayed, keys, once
from adapters.provider_units import to_minor, to_units
from domain.errors import Defect, Transient
from domain.payment_news import Standing

if TYPE_CHECKING:
    from stripe import PaymentIntent, StripeClient
    from stripe.params import PaymentIntentCreateParams

_HELD = "requires_capture"
_VOIDED = "canceled"
_UNDER_WAY = "processing"
_CLOCK_SKEW = timedelta(minutes=5)
_KEYS_ARE_KEPT = timedelta(hours=23)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An amount for an order that may have been asked for: under which key, and not before when."""

    tenant_id: str
    order_id: str
    amount_minor: int
    currency: str
    key: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge(Asked):
    """An amount to hold, and on which card."""

    payment_method: str


@dataclass(frozen=True, slots=True)
class Authorised:
    """The provider holds so much money under its own id."""

    provider_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider refuses, and says why."""

    code: str


async def authorise(charge: Charge) -> Authorised | Declined:
    """Hold the amount, once per key. Raises Transient when it is unknown whether the provider did."""
    try:
        intent = await once(charge.key, partial(_authorise, charge))
    except Refused as refused:
        return Declined(refused.code)
    return _held(intent) or Declined(intent.status)


async def find(key: str, since: datetime) -> Authorised | None:
    """The money held under this key by a payment made after `since`, or None. Raises Transient."""
    intent = await call(partial(_look_up, key, since))
    return _held(intent) if intent else None


async def void(asked: Asked, void_key: str) -> bool:
    """Let go of what is held, for good; False when nothing is held. Raises Transient."""
    intent = await call(partial(_look_up, asked.key, asked.since)) or await _use_up_keys(asked)
    if intent is None or intent.status == _VOIDED:
        return False
    await _cancel(intent, void_key)
    return bool(intent.amount_capturable)


async def standing(provider_id: str) -> Standing:
    """A payment as it is now. Raises Transient; Defect when the provider does not know it."""
    try:
        intent = await call(lambda stripe: stripe.v1.payment_intents.retrieve_async(provider_id))
    except Refused as refused:
        raise Defect(f"payment {provider_id} cannot be read: {refused.code}") from refused
    held, taken = (to_minor(units, intent.currency) for units in (intent.amount_capturable, intent.amount_received))
    return Standing(held, taken)


async def order_of(provider_id: str) -> tuple[str, str] | None:
    """Tenant and order that a payment was made for, or None when it is none of ours. Raises Transient."""
    try:
        intent = await call(lambda stripe: stripe.v1.payment_intents.retrieve_async(provider_id))
    except Refused:
        return None
    tenant_id, order_id = (getattr(intent.metadata, name, None) for name in ("tenant_id", "order_id"))
    return (tenant_id, order_id) if tenant_id and order_id else None


async def _authorise(charge: Charge, key: str, stripe: StripeClient) -> PaymentIntent:
    """A key protects from a second payment for a day, and while it is the same; otherwise one has to look first."""
    is_old = datetime.now(UTC) - charge.since > _KEYS_ARE_KEPT
    earlier = await _look_up(charge.key, charge.since, stripe) if is_old or key != charge.key else None
    return earlier or await _create_confirmed(charge, key, stripe)


async def _create_confirmed(charge: Charge, key: str, stripe: StripeClient) -> PaymentIntent:
    params: PaymentIntentCreateParams = {
        **_params(charge),
        "payment_method": charge.payment_method,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "capture_method": "manual",
        "payment_method_options": {"card": {"request_multicapture": "if_available"}},
        "confirm": True,
    }
    intent = await stripe.v1.payment_intents.create_async(params, {"idempotency_key": key})
    return await stripe.v1.payment_intents.retrieve_async(intent.id) if is_replayed(intent) else intent


async def _use_up_keys(asked: Asked) -> PaymentIntent | None:
    """Take the key with a payment that can hold nothing, so that a request still on its way is refused on arrival.

    Returns that payment; or the other one, if the request was faster; or None if that came to nothing. A request over
    which the provider broke down has left no payment, and may be on its way under the next key.
    """
    for key in keys(asked.key):
        try:
            return await call(partial(_create_empty, asked, key))
        except (KeyTaken, KeyBroken):
            if other := await call(partial(_look_up, asked.key, asked.since)):
                return other
        except Refused:  # then the request on its way is refused for the same reason
            return None
    return None


async def _create_empty(asked: Asked, key: str, stripe: StripeClient) -> PaymentIntent:
    return await stripe.v1.payment_intents.create_async(_params(asked), {"idempotency_key": key})


async def _cancel(intent: PaymentIntent, void_key: str) -> None:
    first = f"{void_key}:{intent.status}"  # a refusal is kept under its key, and must not outlive the state it is about
    try:
        await once(
            first, lambda key, stripe: stripe.v1.payment_intents.cancel_async(intent.id, {}, {"idempotency_key": key})
        )
    except Refused as refused:
        raise Transient(f"payment {intent.id} cannot be voided now: {refused.code}", retry_after_s=2) from refused


def _params(asked: Asked) -> PaymentIntentCreateParams:
    metadata = {"tenant_id": asked.tenant_id, "order_id": asked.order_id, "idempotency_key": asked.key}
    units = to_units(asked.amount_minor, asked.currency)
    return {"amount": units, "currency": asked.currency.lower(), "metadata": metadata}


def _held(intent: PaymentIntent) -> Authorised | None:
    if intent.status == _UNDER_WAY:
        raise Transient(f"payment {intent.id} is being processed", retry_after_s=2)
    if intent.status != _HELD:
        return None
    return Authorised(intent.id, to_minor(intent.amount_capturable, intent.currency))


async def _look_up(key: str, since: datetime, stripe: StripeClient) -> PaymentIntent | None:
    """Read the list, not the search: the provider's search index lags behind by up to a minute."""
    earliest = int((since - _CLOCK_SKEW).timestamp())
    page = await stripe.v1.payment_intents.list_async({"created": {"gte": earliest}, "limit": 100})
    async for intent in page.auto_paging_iter():
        if getattr(intent.metadata, "idempotency_key", None) == key:
            return intent
    return None
