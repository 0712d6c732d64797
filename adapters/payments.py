"""Charges at the payment provider (Stripe): authorise, look up, void.

Every write carries our own idempotency key, so a call repeated after a crash finds what the first one did. What the
provider refuses for good is an outcome and comes back as data; what may work later raises Transient. The key is also
kept in the payment's metadata, because that is how a payment is found again whose answer never arrived.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from adapters import clients, secrets
from adapters.settings import settings
from domain.errors import Defect, Transient

if TYPE_CHECKING:
    from stripe import PaymentIntent, StripeClient, StripeError
    from stripe.params import PaymentIntentCreateParams

T = TypeVar("T")

_RETRIES = 2
_HELD = "requires_capture"
_VOIDED = "canceled"
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount to hold: for whom, from which card, under which key."""

    tenant_id: str
    order_id: str
    amount_minor: int
    currency: str
    payment_method: str
    key: str


@dataclass(frozen=True, slots=True)
class Authorised:
    """The provider holds the money under its own id."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider refuses, and says why."""

    code: str


async def authorise(charge: Charge) -> Authorised | Declined:
    """Hold the amount, once per key. Raises Transient when it is unknown whether the provider did."""
    params: PaymentIntentCreateParams = {
        "amount": charge.amount_minor,
        "currency": charge.currency.lower(),
        "payment_method": charge.payment_method,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "capture_method": "manual",
        "confirm": True,
        "metadata": {
            "tenant_id": charge.tenant_id,
            "order_id": charge.order_id,
            "idempotency_key": charge.key,
        },
    }
    try:
        intent = await _call(
            lambda stripe: stripe.v1.payment_intents.create_async(params, {"idempotency_key": charge.key})
        )
    except _Refused as refused:
        return Declined(refused.code)
    return Authorised(intent.id) if intent.status == _HELD else Declined(intent.status)


async def find(key: str, since: datetime) -> Authorised | None:
    """The money held under this key by a payment made after `since`, or None. Raises Transient."""
    intent = await _call(partial(_look_up, key, since))
    return Authorised(intent.id) if intent and intent.status == _HELD else None


async def void(key: str, since: datetime, void_key: str) -> bool:
    """Let go of what is held under `key` since `since`; False when nothing is. Raises Transient."""
    intent = await _call(partial(_look_up, key, since))
    if intent is None or intent.status == _VOIDED:
        return False
    payment_id = intent.id
    await _call(lambda stripe: stripe.v1.payment_intents.cancel_async(payment_id, {}, {"idempotency_key": void_key}))
    return True


async def _look_up(key: str, since: datetime, stripe: StripeClient) -> PaymentIntent | None:
    """Read the list, not the search: the provider's search index lags behind by up to a minute."""
    earliest = int((since - _CLOCK_SKEW).timestamp())
    page = await stripe.v1.payment_intents.list_async({"created": {"gte": earliest}, "limit": 100})
    async for intent in page.auto_paging_iter():
        if getattr(intent.metadata, "idempotency_key", None) == key:
            return intent
    return None


class _Refused(Exception):
    """The provider will give the same answer for ever."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def _call(request: Callable[[StripeClient], Awaitable[T]]) -> T:
    import stripe  # noqa: PLC0415  # slow to import

    try:
        return await request(await _client(await secrets.secret(secrets.STRIPE_API_KEY)))
    except stripe.AuthenticationError:
        key = await secrets.renewed(secrets.STRIPE_API_KEY)
    except stripe.StripeError as error:
        raise _kind(error) from error
    try:
        return await request(await _client(key))
    except stripe.StripeError as error:
        raise _kind(error) from error


async def _client(api_key: str) -> StripeClient:
    import stripe  # noqa: PLC0415  # slow to import

    url = settings().payments_api_url
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": url} if url else {},
        http_client=await clients.payments_http(),
        max_network_retries=_RETRIES,
    )


def _kind(error: StripeError) -> Exception:
    import stripe  # noqa: PLC0415  # slow to import

    if isinstance(error, stripe.CardError):
        details = error.error
        return _Refused((details and details.decline_code) or error.code or "card_declined")
    if isinstance(error, stripe.InvalidRequestError):
        return _Refused(error.code or "invalid_request")
    if isinstance(error, (stripe.IdempotencyError, stripe.PermissionError)):
        return Defect(f"the payment provider refuses our request: {type(error).__name__}")
    return Transient(f"the payment provider does not answer: {type(error).__name__}", retry_after_s=2)
