"""What a merchant, the bank and the passing of time do with refunds, and with authorisations left alone."""

from __future__ import annotations

from dataclasses import replace

from sandbox.payments import intents, refunds
from sandbox.payments.desk import Call, Desk, Reply
from sandbox.payments.errors import invalid_request, no_such_object
from sandbox.payments.ids import new_id
from sandbox.payments.intent_models import Intent
from sandbox.payments.objects import refund_object
from sandbox.payments.parameters import Parameters
from sandbox.payments.refunds import GIVEN_BACK, Refund, RefundStatus

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create_refund(desk: Desk, call: Call) -> Reply:
    parameters = call.parameters
    parameters.allow_only(("amount", "charge", "metadata", "payment_intent", "reason"))
    amount = parameters.integer("amount")
    reason = parameters.choice("reason", _REASONS)
    metadata = parameters.metadata({})
    intent = _intent_to_refund(desk, parameters)
    refund = refunds.new_refund(
        intent,
        refund_id=new_id("re"),
        amount=refunds.check_refundable(intent, amount),
        now=desk.now(),
        reason=reason,
        metadata=metadata,
    )
    desk.save_refund(None, refund, call)
    desk.save_intent(intent, intents.refund(intent, refund.amount), call)
    return 200, refund_object(refund)


def retrieve_refund(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only(())
    return 200, refund_object(desk.refund(call.object_id))


def update_refund(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only(("metadata",))
    before = desk.refund(call.object_id)
    after = replace(before, metadata=call.parameters.metadata(before.metadata))
    desk.save_refund(before, after, call)
    return 200, refund_object(after)


def cancel_refund(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only(())
    return 200, refund_object(_settled(desk, desk.refund(call.object_id), RefundStatus.CANCELED, call))


def settle_refund(desk: Desk, call: Call) -> Reply:
    """Play the bank that has its last word now: `status` is succeeded or failed. Not a part of Stripe's API."""
    call.parameters.allow_only(("status",))
    status = RefundStatus(call.parameters.choice("status", ("succeeded", "failed")) or "failed")
    return 200, refund_object(_settled(desk, desk.refund(call.object_id), status, call))


def let_time_pass(desk: Desk) -> None:
    """Do what is due by now: expire authorisations, settle refunds. Runs inside one transaction."""
    now = desk.now()
    for intent in desk.store.expired_intents(now):
        desk.save_intent(intent, intents.expire(intent, now=now))
    for refund in desk.store.refunds_to_settle(now):
        if refund.becomes:
            _settled(desk, refund, refund.becomes, None)


def _settled(desk: Desk, before: Refund, status: RefundStatus, call: Call | None) -> Refund:
    after = refunds.settle(before, status)
    desk.save_refund(before, after, call)
    if before.status in GIVEN_BACK and after.status not in GIVEN_BACK:
        intent = desk.intent(before.intent_id)
        desk.save_intent(intent, intents.refund(intent, -before.amount), call)
    return after


def _intent_to_refund(desk: Desk, parameters: Parameters) -> Intent:
    intent_id, charge_id = parameters.text("payment_intent"), parameters.text("charge")
    if intent_id:
        return desk.intent(intent_id, param="payment_intent", in_path=False)
    if not charge_id:
        raise invalid_request(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    intent = desk.store.intent_of_charge(charge_id)
    if intent is None:
        raise no_such_object("charge", charge_id, param="charge", in_path=False)
    return intent
