"""Calls to the payment provider (Stripe): one client per key, its errors turned into ours.

What the provider refuses for good raises Refused, for the caller to turn into an outcome; what may work later raises
Transient.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from adapters import clients, secrets
from adapters.settings import settings
from domain.errors import Defect, Transient

if TYPE_CHECKING:
    from stripe import StripeClient, StripeError, StripeObject

T = TypeVar("T")

_RETRIES = 2
_KEYS = 5


class KeyTaken(Defect):
    """The idempotency key belongs to a request with other parameters."""


class KeyBroken(Transient):
    """The provider broke down over a request (500), and for a day its idempotency key keeps repeating just that."""


class Refused(Exception):
    """The provider will give the same answer for ever."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def call(request: Callable[[StripeClient], Awaitable[T]]) -> T:
    """The provider's answer. Raises Refused, KeyTaken, Defect, Transient."""
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


async def once(key: str, request: Callable[[str, StripeClient], Awaitable[T]]) -> T:
    """The answer to a request that takes effect once: under `key`, or the next one where the provider broke down.

    A request over which it broke down may have taken effect. So `request` must look for what an earlier one did, at
    least whenever it is given another key than the first. Raises as `call` does.
    """
    *others, last = keys(key)
    for each in others:
        with suppress(KeyBroken):
            return await call(partial(request, each))
    return await call(partial(request, last))


def keys(first: str) -> Iterator[str]:
    """The idempotency keys of one request, in the order in which they are tried; the same for whoever asks."""
    return (first if number == 1 else f"{first}:{number}" for number in range(1, _KEYS + 1))


def is_replayed(answer: StripeObject) -> bool:
    """Whether the provider has repeated an earlier answer: it tells how things stood then, not how they stand."""
    response = getattr(answer, "last_response", None)
    return bool(response and response.headers.get("idempotent-replayed") == "true")


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
        return Refused((details and details.decline_code) or error.code or "card_declined")
    if isinstance(error, stripe.InvalidRequestError):
        return Refused(error.code or "invalid_request")
    if isinstance(error, stripe.IdempotencyError):
        return KeyTaken("the payment provider knows this idempotency key for another request")
    if error.http_status == 500 and (error.headers or {}).get("idempotent-replayed") == "true":
        return KeyBroken("the payment provider broke down over this request", retry_after_s=2)
    if isinstance(error, stripe.PermissionError):
        return Defect(f"the payment provider refuses our request: {type(error).__name__}")
    return Transient(f"the payment provider does not answer: {type(error).__name__}", retry_after_s=2)
