"""What the payment provider (Stripe) tells us of its own accord: whether it is really the provider, and what it says.

The SDK checks the signature and its age. The secret that signs may be rotated at any time: a signature that does not
fit is checked once more against the secret as the vault has it now.
"""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from adapters import idempotency, secrets
from adapters.idempotency import Claim
from domain.errors import Invalid
from domain.payment_news import OF_CONCERN, PaymentNews
from domain.shapes import JsonObject

TOLERANCE_S = 300
RENEW_EVERY_S = 10
"""Anyone may send forgeries; they make us ask the vault no more often than this."""

_REMEMBERED_S = 7 * 24 * 60 * 60  # the provider repeats what it was not thanked for, for three days
_OPERATION = "take_payment_event"


class _Subject(BaseModel):
    """The payment, refund or dispute that an event is about, as far as it concerns us."""

    id: str = ""
    status: str | None = None
    failure_reason: str | None = None
    cancellation_reason: str | None = None
    reason: str | None = None
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None


class _Data(BaseModel):
    object: JsonObject


class _Event(BaseModel):
    id: str
    type: str
    data: _Data


async def verified(content: bytes, signature: str | None) -> PaymentNews:
    """What an event says. Raises Invalid when the provider has not signed it, or long ago; Transient."""
    import stripe  # noqa: PLC0415  # slow to import

    check = stripe.WebhookSignature.verify_header
    try:
        try:
            check(content, signature, await secrets.secret(secrets.STRIPE_WEBHOOK_SECRET), TOLERANCE_S)
        except stripe.SignatureVerificationError:
            renewed = await secrets.renewed(secrets.STRIPE_WEBHOOK_SECRET, not_within_s=RENEW_EVERY_S)
            check(content, signature, renewed, TOLERANCE_S)
    except stripe.SignatureVerificationError as error:
        raise Invalid("the Stripe-Signature header is missing, forged or old") from error
    except UnicodeDecodeError as error:
        raise Invalid("the body is no text") from error
    return _news(content)


async def is_known(tenant_id: str, news: PaymentNews) -> bool:
    """Whether this event has been acted on before. Raises Transient."""
    return await idempotency.find(tenant_id, _key(tenant_id, news)) is not None


async def remember(tenant_id: str, news: PaymentNews, outcome: JsonObject) -> None:
    """Note that this event has been acted on: call it when that is stored, not before. Raises Transient."""
    claim = Claim(
        tenant_id=tenant_id,
        key=_key(tenant_id, news),
        body_hash=news.event_id,
        order_id=news.order_id or "",
        answer=outcome,
    )
    await idempotency.claim(tenant_id, claim, kept_s=_REMEMBERED_S)


def _key(tenant_id: str, news: PaymentNews) -> str:
    return idempotency.digest(tenant_id, _OPERATION, news.event_id)


def _news(content: bytes) -> PaymentNews:
    try:
        event = _Event.model_validate_json(content)
        if event.type not in OF_CONCERN:  # about objects with fields of other kinds
            return PaymentNews(event_id=event.id, type=event.type, provider_id="", status="")
        subject = _Subject.model_validate(event.data.object)
    except ValidationError as error:
        raise Invalid("the body is no event of the payment provider") from error
    metadata = subject.metadata or {}
    return PaymentNews(
        event_id=event.id,
        type=event.type,
        provider_id=subject.id,
        status=subject.status or "",
        why=subject.failure_reason or subject.cancellation_reason or subject.reason,
        payment_id=subject.payment_intent,
        tenant_id=metadata.get("tenant_id"),
        order_id=metadata.get("order_id"),
        key=metadata.get("idempotency_key"),
    )
