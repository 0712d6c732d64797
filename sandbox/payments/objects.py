"""Intents, charges, refunds and errors as Stripe shows them on the wire."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sandbox.payments.cards import CARDS, Decline
from sandbox.payments.errors import DOCS, StripeError
from sandbox.payments.intent_models import Charge, Intent, Status
from sandbox.payments.refunds import Refund

Json = dict[str, object]


def intent_object(intent: Intent, expand: Collection[str] = ()) -> Json:
    """`expand` may name `latest_charge`."""
    charge = intent.charge
    multicapture = {"request_multicapture": "if_available"} if intent.multicapture else {}
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_details": {"tip": {}},
        "amount_received": intent.amount_received,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": "manual" if intent.manual_capture else "automatic",
        "client_secret": f"{intent.id}_secret_sandbox",
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "customer": intent.details.get("customer"),
        "description": intent.details.get("description"),
        "last_payment_error": _last_error(intent),
        "latest_charge": charge and (charge_object(intent, charge) if "latest_charge" in expand else charge.id),
        "livemode": False,
        "metadata": intent.metadata,
        "next_action": _next_action(intent),
        "on_behalf_of": None,
        "payment_method": intent.payment_method,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic", **multicapture}},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": intent.details.get("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": intent.details.get("statement_descriptor"),
        "statement_descriptor_suffix": intent.details.get("statement_descriptor_suffix"),
        "status": intent.status,
        "transfer_data": None,
        "transfer_group": intent.details.get("transfer_group"),
    }


def dispute_object(intent: Intent, charge: Charge, status: str, now: int) -> Json:
    """It has no metadata: which order it is about is known by its payment alone."""
    return {
        "id": f"dp_{charge.id.removeprefix('ch_')}",
        "object": "dispute",
        "amount": charge.captured,
        "charge": charge.id,
        "created": now,
        "currency": intent.currency,
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": intent.id,
        "reason": "fraudulent",
        "status": status,
    }


def charge_object(intent: Intent, charge: Charge) -> Json:
    failure = charge.failure
    released = charge.authorised and not charge.captured and charge.released == charge.amount
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.captured,
        "amount_refunded": charge.refunded + charge.released,
        "balance_transaction": None,
        "captured": charge.captured > 0,
        "created": charge.created,
        "currency": intent.currency,
        "customer": intent.details.get("customer"),
        "description": intent.details.get("description"),
        "disputed": False,
        "failure_code": failure and failure.code,
        "failure_message": failure and failure.message,
        "livemode": False,
        "metadata": intent.metadata,
        "outcome": {
            "network_status": "declined_by_network" if failure else "approved_by_network",
            "reason": failure and failure.decline_code,
            "type": "issuer_declined" if failure else "authorized",
        },
        "paid": charge.authorised,
        "payment_intent": intent.id,
        "payment_method": charge.payment_method,
        "payment_method_details": {"type": "card", "card": _card_details(intent, charge)},
        "receipt_email": intent.details.get("receipt_email"),
        "refunded": released or (charge.captured > 0 and charge.refunded == charge.captured),
        "status": "succeeded" if charge.authorised else "failed",
    }


def refund_object(refund: Refund) -> Json:
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": None,
        "charge": refund.charge_id,
        "created": refund.created,
        "currency": refund.currency,
        "destination_details": {"type": "card", "card": {"type": "refund", "reference_status": "pending"}},
        "failure_reason": refund.failure_reason,
        "metadata": refund.metadata,
        "payment_intent": refund.intent_id,
        "reason": refund.reason,
        "receipt_number": None,
        "status": refund.status,
    }


def list_object(url: str, data: Sequence[Json], *, has_more: bool) -> Json:
    return {"object": "list", "url": url, "has_more": has_more, "data": data}


def error_object(error: StripeError) -> Json:
    """Absent rather than null: Stripe leaves out what an error does not tell."""
    told: Json = {"type": error.type, "message": error.message, "code": error.code, "param": error.param}
    if error.code:
        told["doc_url"] = DOCS + error.code.replace("_", "-")
    if error.intent:
        told["payment_intent"] = intent_object(error.intent)
    return {"error": {name: value for name, value in told.items() if value is not None}}


def decline_object(intent: Intent) -> Json:
    """The `error` of an attempt that the bank refused, with the intent inside."""
    error = _last_error(intent)
    if error is None:
        raise ValueError(f"{intent.id} was not declined")
    return {"error": {**error, "payment_intent": intent_object(intent)}}


def _last_error(intent: Intent) -> Json | None:
    failure, charge = intent.last_failure, intent.charge
    if failure is None or charge is None:
        return None
    return {**_decline(failure), "charge": charge.id, "payment_method": _payment_method(charge)}


def _decline(failure: Decline) -> Json:
    return {
        "type": "card_error",
        "code": failure.code,
        "decline_code": failure.decline_code,
        "doc_url": DOCS + failure.code.replace("_", "-"),
        "message": failure.message,
    }


def _payment_method(charge: Charge) -> Json:
    card = CARDS[charge.payment_method]
    return {
        "id": charge.payment_method,
        "object": "payment_method",
        "type": "card",
        "card": {"brand": card.brand, "last4": card.last4, "exp_month": 12, "exp_year": 2034, "funding": "credit"},
        "created": charge.created,
        "livemode": False,
    }


def _card_details(intent: Intent, charge: Charge) -> Json:
    card = CARDS[charge.payment_method]
    return {
        "brand": card.brand,
        "last4": card.last4,
        "exp_month": 12,
        "exp_year": 2034,
        "funding": "credit",
        "network": card.brand,
        "capture_before": charge.capture_before,
        "multicapture": {"status": "available" if intent.can_be_captured_in_parts else "unavailable"},
    }


def _next_action(intent: Intent) -> Json | None:
    if intent.status is not Status.REQUIRES_ACTION:
        return None
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
