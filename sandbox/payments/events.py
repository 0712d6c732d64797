"""Which events Stripe would send about a change: pure, by comparing what was with what is."""

from __future__ import annotations

from sandbox.payments.intent_models import Charge, Intent, Status
from sandbox.payments.objects import Json, charge_object, intent_object, refund_object
from sandbox.payments.refunds import Refund, RefundStatus

Happening = tuple[str, Json]
"""An event's type and the object it is about, as it is now."""


def about_intent(before: Intent | None, after: Intent) -> list[Happening]:
    """What a change of an intent means to its owner, in the order in which it happened."""
    types = [] if before else ["payment_intent.created"]
    changed = before is None or before.status is not after.status
    if after.last_failure and (before is None or before.charge != after.charge):
        types.append("payment_intent.payment_failed")
    if changed and after.status is Status.REQUIRES_ACTION:
        types.append("payment_intent.requires_action")
    if after.amount_capturable and (before is None or before.amount_capturable != after.amount_capturable):
        types.append("payment_intent.amount_capturable_updated")
    if changed and after.status is Status.SUCCEEDED:
        types.append("payment_intent.succeeded")
    if changed and after.status is Status.CANCELED:
        types.append("payment_intent.canceled")
    return [
        *_about_charge(before.charge if before else None, after),
        *((type_, intent_object(after)) for type_ in types),
    ]


def about_refund(before: Refund | None, after: Refund) -> list[Happening]:
    """A refund's own events; the charge tells of the new sum by `charge.refunded`."""
    types = ["refund.updated"] if before else ["refund.created"]
    if after.status is RefundStatus.FAILED:
        types.append("refund.failed")
    return [(type_, refund_object(after)) for type_ in types]


def _about_charge(before: Charge | None, intent: Intent) -> list[Happening]:
    after = intent.charge
    if after is None or after == before:
        return []
    types = []
    if before is None or before.id != after.id:
        types.append("charge.succeeded" if after.authorised else "charge.failed")
        before = None
    if after.capture_before and before and after.captured > before.captured:
        types.append("charge.captured")
    if intent.cancellation_reason == "expired" and before and after.released > before.released:
        types.append("charge.expired")
    if before and after.refunded > before.refunded:
        types.append("charge.refunded")
    return [(type_, charge_object(intent, after)) for type_ in types]
