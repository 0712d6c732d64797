"""What a merchant does with PaymentIntents: read the parameters, ask the state machine, keep the result."""

from __future__ import annotations

from dataclasses import replace

from sandbox.payments import intents
from sandbox.payments.cards import CARDS
from sandbox.payments.desk import Call, Desk, Reply
from sandbox.payments.errors import invalid_request, no_such_object
from sandbox.payments.ids import new_id
from sandbox.payments.intent_models import Intent
from sandbox.payments.intents import status_before_confirmation
from sandbox.payments.money import check_amount, check_currency
from sandbox.payments.objects import decline_object, intent_object
from sandbox.payments.parameters import Parameters

_TEXTS = (
    "customer", "description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group",
)  # fmt: skip
_UPDATABLE = (*_TEXTS, "amount", "currency", "metadata", "payment_method", "payment_method_options",
              "payment_method_types", "setup_future_usage", "shipping")  # fmt: skip
_CONFIRMING = ("error_on_requires_action", "off_session", "return_url", "use_stripe_sdk", "mandate_data")
_CREATING = ("automatic_payment_methods", "capture_method", "confirm", "confirmation_method")
_CANCELLATION_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def create_payment_intent(desk: Desk, call: Call) -> Reply:
    parameters = call.parameters
    parameters.allow_only((*_UPDATABLE, *_CONFIRMING, *_CREATING))
    amount = parameters.required_integer("amount")
    currency = check_currency(parameters.required_text("currency"))
    payment_method = _payment_method(parameters, None)
    capture_method = parameters.choice("capture_method", ("automatic", "automatic_async", "manual"))
    _check_types(parameters)
    created = Intent(
        id=new_id("pi"),
        created=desk.now(),
        amount=check_amount(amount, currency),
        currency=currency,
        status=status_before_confirmation(payment_method),
        manual_capture=capture_method == "manual",
        multicapture=_wants_multicapture(parameters),
        payment_method=payment_method,
        metadata=parameters.metadata({}),
        details=_details(parameters, {}),
    )
    if parameters.boolean("confirm"):
        return _confirmed(desk, call, None, created)
    desk.save_intent(None, created, call)
    return 200, intent_object(created, call.expand)


def retrieve_payment_intent(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only(("client_secret",))
    return 200, intent_object(desk.intent(call.object_id), call.expand)


def update_payment_intent(desk: Desk, call: Call) -> Reply:
    parameters = call.parameters
    parameters.allow_only(_UPDATABLE)
    before = desk.intent(call.object_id)
    after = replace(before, metadata=parameters.metadata(before.metadata), details=_details(parameters, before.details))
    if any(name in parameters for name in ("amount", "currency", "payment_method")):
        currency = check_currency(parameters.text("currency") or before.currency)
        amount = check_amount(parameters.integer("amount") or before.amount, currency)
        payment_method = _payment_method(parameters, before.payment_method)
        after = intents.update(after, amount=amount, currency=currency, payment_method=payment_method)
    desk.save_intent(before, after, call)
    return 200, intent_object(after, call.expand)


def confirm_payment_intent(desk: Desk, call: Call) -> Reply:
    parameters = call.parameters
    parameters.allow_only((*_CONFIRMING, "payment_method", "payment_method_options", "capture_method", "receipt_email"))
    before = desk.intent(call.object_id)
    payment_method = _payment_method(parameters, before.payment_method)
    return _confirmed(desk, call, before, replace(before, payment_method=payment_method))


def capture_payment_intent(desk: Desk, call: Call) -> Reply:
    parameters = call.parameters
    parameters.allow_only(("amount_to_capture", "final_capture", "metadata", "statement_descriptor_suffix"))
    amount = parameters.integer("amount_to_capture", least=0)
    final = parameters.boolean("final_capture", default=True)
    before = desk.intent(call.object_id)
    after = intents.capture(replace(before, metadata=parameters.metadata(before.metadata)), amount=amount, final=final)
    desk.save_intent(before, after, call)
    return 200, intent_object(after, call.expand)


def cancel_payment_intent(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only(("cancellation_reason",))
    reason = call.parameters.choice("cancellation_reason", _CANCELLATION_REASONS)
    before = desk.intent(call.object_id)
    after = intents.cancel(before, now=desk.now(), reason=reason)
    desk.save_intent(before, after, call)
    return 200, intent_object(after, call.expand)


def authenticate_payment_intent(desk: Desk, call: Call) -> Reply:
    """Play the customer who answers the bank: `passed` is true or false. Not a part of Stripe's API."""
    call.parameters.allow_only(("passed",))
    passed = call.parameters.boolean("passed", default=True)
    before = desk.intent(call.object_id)
    after = intents.authenticate(before, charge_id=new_id("ch"), now=desk.now(), passed=passed)
    desk.save_intent(before, after, call)
    return 200, intent_object(after)


def _confirmed(desk: Desk, call: Call, before: Intent | None, intent: Intent) -> Reply:
    """Try to take the money. A decline is kept like any result, and answered with 402."""
    off_session = call.parameters.boolean("off_session") or call.parameters.boolean("error_on_requires_action")
    after = intents.confirm(intent, charge_id=new_id("ch"), now=desk.now(), off_session=off_session)
    desk.save_intent(before, after, call)
    return (402, decline_object(after)) if after.last_failure else (200, intent_object(after, call.expand))


def _payment_method(parameters: Parameters, current: str | None) -> str | None:
    payment_method = parameters.text("payment_method")
    if payment_method is not None and payment_method not in CARDS:
        raise no_such_object("PaymentMethod", payment_method, param="payment_method", in_path=False)
    return payment_method or current


def _details(parameters: Parameters, current: dict[str, str]) -> dict[str, str]:
    """The descriptive texts with the request's changes; an empty value removes one."""
    given = {name: parameters.text(name) or "" for name in _TEXTS if name in parameters}
    return {name: text for name, text in {**current, **given}.items() if text}


def _wants_multicapture(parameters: Parameters) -> bool:
    card = Parameters(parameters.group("payment_method_options")).group("card")
    return Parameters(card).choice("request_multicapture", ("if_available", "never")) == "if_available"


def _check_types(parameters: Parameters) -> None:
    types = parameters.texts("payment_method_types")
    if types and "card" not in types:
        raise invalid_request(
            f"The payment method type provided: {types[0]} is invalid. The sandbox knows cards only.",
            param="payment_method_types",
        )
