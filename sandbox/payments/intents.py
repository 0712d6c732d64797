"""The life of a PaymentIntent (`intent_models`): pure, without clock, store or network.

`TRANSITIONS` is the one list of what may follow what, and `_move` the one place that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from sandbox.payments.cards import AUTHENTICATION_FAILED, AUTHENTICATION_REQUIRED, CARDS, Decline
from sandbox.payments.errors import StripeError, refused
from sandbox.payments.intent_models import Charge, Intent, Status
from sandbox.payments.money import in_words

AUTHORISATION_LASTS_S = 7 * 24 * 60 * 60
MOST_CAPTURES = 50


class Action(StrEnum):
    """What happens to an intent, in the word that Stripe's refusals use."""

    UPDATE = "updated"
    CONFIRM = "confirmed"
    AUTHENTICATE = "authenticated"
    CAPTURE = "captured"
    CANCEL = "canceled"
    EXPIRE = "expired"


_OPEN = frozenset({Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_CONFIRMATION, Status.REQUIRES_ACTION})
_PAID = frozenset({Status.REQUIRES_CAPTURE, Status.SUCCEEDED})
_TRIED = _PAID | {Status.REQUIRES_PAYMENT_METHOD}

TRANSITIONS: Mapping[tuple[Action, Status], frozenset[Status]] = {
    **{(Action.UPDATE, status): _OPEN - {Status.REQUIRES_ACTION} for status in _OPEN},
    **{(Action.CONFIRM, status): _TRIED | {Status.REQUIRES_ACTION} for status in _OPEN},
    (Action.AUTHENTICATE, Status.REQUIRES_ACTION): _TRIED,
    (Action.CAPTURE, Status.REQUIRES_CAPTURE): _PAID,
    **{(Action.CANCEL, status): frozenset({Status.CANCELED}) for status in _OPEN | {Status.REQUIRES_CAPTURE}},
    (Action.EXPIRE, Status.REQUIRES_CAPTURE): frozenset({Status.CANCELED}),
}


def status_before_confirmation(payment_method: str | None) -> Status:
    return Status.REQUIRES_CONFIRMATION if payment_method else Status.REQUIRES_PAYMENT_METHOD


def update(intent: Intent, *, amount: int, currency: str, payment_method: str | None) -> Intent:
    """Change what will be collected, or from whom. Raises when the intent is past that."""
    changes = {"amount": amount, "currency": currency, "payment_method": payment_method}
    return _move(intent, Action.UPDATE, status_before_confirmation(payment_method), **changes)


def confirm(intent: Intent, *, charge_id: str, now: int, off_session: bool) -> Intent:
    """Try to take the money. A decline is a new state, not an exception: `last_failure` tells it.

    `off_session`: no customer is there to authenticate, so a card that demands it declines.
    Raises payment_intent_unexpected_state without a payment method, or in a state that allows no attempt.
    """
    _check(intent, Action.CONFIRM)
    if intent.payment_method is None:
        raise refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
            intent=intent,
            code="payment_intent_unexpected_state",
        )
    card = CARDS[intent.payment_method]
    if card.authentication and not off_session:
        return _move(intent, Action.CONFIRM, Status.REQUIRES_ACTION, last_failure=None)
    decline = AUTHENTICATION_REQUIRED if card.authentication else card.decline
    return _attempt(intent, Action.CONFIRM, charge_id, now, decline)


def authenticate(intent: Intent, *, charge_id: str, now: int, passed: bool) -> Intent:
    """The customer has answered the bank's question, rightly or not. Raises unless the intent waits for it."""
    return _attempt(intent, Action.AUTHENTICATE, charge_id, now, None if passed else AUTHENTICATION_FAILED)


def capture(intent: Intent, *, amount: int | None, final: bool) -> Intent:
    """Take `amount` of what is held (None: all of it); a final capture releases the rest.

    Raises payment_intent_unexpected_state, amount_too_large, or a refusal of a further capture that was not agreed.
    """
    charge = _checked_charge(intent, Action.CAPTURE)
    amount = charge.capturable if amount is None else amount
    _check_capture(intent, charge, amount, final)
    rest = charge.capturable - amount
    captured = replace(
        charge,
        captured=charge.captured + amount,
        captures=charge.captures + 1,
        released=charge.released + (rest if final else 0),
    )
    status = Status.SUCCEEDED if final or not rest else Status.REQUIRES_CAPTURE
    return _move(intent, Action.CAPTURE, status, charges=(*intent.charges[:-1], captured))


def cancel(intent: Intent, *, now: int, reason: str | None) -> Intent:
    """Give up, releasing what is held. Raises payment_intent_unexpected_state once there is nothing to give up."""
    return _close(intent, Action.CANCEL, now, reason)


def expire(intent: Intent, *, now: int) -> Intent:
    """The bank no longer holds the money. Raises unless the intent waits for its capture."""
    return _close(intent, Action.EXPIRE, now, "expired")


def refund(intent: Intent, amount: int) -> Intent:
    """Count `amount` as given back; negative when a refund failed. The bounds are checked by refunds.py."""
    charge = intent.charges[-1]
    return replace(intent, charges=(*intent.charges[:-1], replace(charge, refunded=charge.refunded + amount)))


def _attempt(intent: Intent, action: Action, charge_id: str, now: int, decline: Decline | None) -> Intent:
    _check(intent, action)
    attempt = Charge(
        id=charge_id,
        created=now,
        amount=intent.amount,
        payment_method=intent.payment_method or "",
        failure=decline,
    )
    if decline:
        failed = {"charges": (*intent.charges, attempt), "last_failure": decline, "payment_method": None}
        return _move(intent, action, Status.REQUIRES_PAYMENT_METHOD, **failed)
    if intent.manual_capture:
        held = replace(attempt, capture_before=now + AUTHORISATION_LASTS_S)
        return _move(intent, action, Status.REQUIRES_CAPTURE, charges=(*intent.charges, held), last_failure=None)
    taken = replace(attempt, captured=intent.amount, captures=1)
    return _move(intent, action, Status.SUCCEEDED, charges=(*intent.charges, taken), last_failure=None)


def _close(intent: Intent, action: Action, now: int, reason: str | None) -> Intent:
    _check(intent, action)
    charges = intent.charges
    if intent.charge and intent.charge.capturable:
        released = replace(intent.charge, released=intent.charge.released + intent.charge.capturable)
        charges = (*charges[:-1], released)
    return _move(intent, action, Status.CANCELED, charges=charges, canceled_at=now, cancellation_reason=reason)


def _check_capture(intent: Intent, charge: Charge, amount: int, final: bool) -> None:
    if amount > charge.capturable:
        raise refused(
            f"The amount to capture ({in_words(amount, intent.currency)}) is greater than the amount capturable "
            f"({in_words(charge.capturable, intent.currency)}).",
            intent=intent,
            code="amount_too_large",
            param="amount_to_capture",
        )
    if amount == 0 and not (final and charge.captures):
        raise refused(
            "This value must be greater than or equal to 1.",
            intent=intent,
            code="parameter_invalid_integer",
            param="amount_to_capture",
        )
    if not final and not intent.can_be_captured_in_parts:
        raise refused(
            "You cannot set `final_capture` to `false` because multicapture is not available for this PaymentIntent. "
            "Request it with `payment_method_options[card][request_multicapture]=if_available`.",
            intent=intent,
            param="final_capture",
        )
    if charge.captures >= MOST_CAPTURES:
        raise refused(f"A PaymentIntent can be captured at most {MOST_CAPTURES} times.", intent=intent)


def _checked_charge(intent: Intent, action: Action) -> Charge:
    _check(intent, action)
    return intent.charges[-1]


def _check(intent: Intent, action: Action) -> None:
    if (action, intent.status) not in TRANSITIONS:
        raise _unexpected_state(intent, action)


def _move(intent: Intent, action: Action, status: Status, **changes: object) -> Intent:
    _check(intent, action)
    if status not in TRANSITIONS[action, intent.status]:
        raise ValueError(f"{intent.id}: {intent.status} cannot become {status} by being {action}")
    return replace(intent, status=status, **changes)  # type: ignore[arg-type]  # names come from the callers above


def _unexpected_state(intent: Intent, action: Action) -> StripeError:
    allowed = sorted(status for allowed_action, status in TRANSITIONS if allowed_action == action)
    if action is Action.CAPTURE and intent.status is Status.SUCCEEDED:
        message = "This PaymentIntent could not be captured because it has already been captured."
    elif action is Action.CONFIRM and intent.status is Status.SUCCEEDED:
        message = (
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
        )
    elif action is Action.CANCEL:
        message = (
            f"You cannot cancel this PaymentIntent because it has a status of {intent.status}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(allowed)}."
        )
    else:
        message = (
            f"This PaymentIntent could not be {action} because it has a status of {intent.status}. Only a "
            f"PaymentIntent with one of the following statuses may be {action}: {', '.join(allowed)}."
        )
    return refused(message, intent=intent, code="payment_intent_unexpected_state")
