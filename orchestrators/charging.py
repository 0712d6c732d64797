"""The part of `fulfil_order` that holds the money, behind the circuit breaker of the payment provider."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from domain import names
from domain.orders import Reason
from domain.payments import MovementKind
from domain.shapes import JsonObject
from orchestrators.cancelling import Cancellation
from orchestrators.saga import Saga, Steps, rejected

ATTEMPTS = 5
BETWEEN_ATTEMPTS_S = 2
LONGEST_PAUSE_S = 600

_BREAKER = df.EntityId(names.CIRCUIT_BREAKER, names.PAYMENT_PROVIDER)


def charge(saga: Saga, cancellation: Cancellation, quote: JsonObject) -> Steps[JsonObject]:
    """Hold the order's total on the customer's card. Raises CalledOff when the card is declined.

    Returns the movement to be recorded. A provider that stays silent may hold the money all the same: it is asked.
    """
    asked = _asked(saga, quote)
    yield from _admitted(saga, cancellation)
    saga.stage("charging")
    saga.undo_with(names.VOID_PAYMENT, **asked)
    payment = yield from _authorise(saga, cancellation, {**asked, "payment_method": quote["payment_method"]})
    if payment["outcome"] == "declined":
        raise rejected(Reason.PAYMENT_DECLINED, payment["detail"])
    return {
        "kind": MovementKind.AUTHORISATION,
        "key": asked["idempotency_key"],
        "provider_id": payment["provider_id"],
        "amount_minor": payment["amount_minor"],
        "currency": quote["currency"],
    }


def expect_charge(saga: Saga, quote: JsonObject) -> None:
    """An earlier run of this saga may have asked for the money: whatever it asked for must be undone, too."""
    saga.undo_with(names.VOID_PAYMENT, **_asked(saga, quote))


def _asked(saga: Saga, quote: JsonObject) -> JsonObject:
    return {
        "idempotency_key": saga.key_of(names.AUTHORISE_PAYMENT),
        "amount_minor": quote["total_minor"],
        "currency": quote["currency"],
        "since": quote["placed_at"],
    }


def _authorise(saga: Saga, cancellation: Cancellation, charge: JsonObject) -> Steps[Any]:
    """Ask the provider until it answers; the breaker hears of every attempt."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            payment = yield saga.try_once(names.AUTHORISE_PAYMENT, **charge)
        except Exception:  # the SDK raises plain Exception for a failed activity
            saga.context.signal_entity(_BREAKER, names.BREAKER_FAILED, saga.now)
            if attempt == ATTEMPTS:
                payment = yield saga.step(names.FIND_PAYMENT, **charge)
                if payment["outcome"] != "authorised":
                    raise
                return payment
        else:
            saga.context.signal_entity(_BREAKER, names.BREAKER_SUCCEEDED, saga.now)
            return payment
        yield saga.pause(BETWEEN_ATTEMPTS_S)
        yield from _admitted(saga, cancellation)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _admitted(saga: Saga, cancellation: Cancellation) -> Steps[None]:
    """Wait until the breaker lets a request through; ever longer, so that a long outage makes no long history.

    Raises CalledOff.
    """
    refusals = 0
    while True:
        cancellation.heed()
        answer = yield saga.context.call_entity(_BREAKER, names.BREAKER_ADMIT, saga.now)
        cancellation.heed()
        if answer["admitted"]:
            return
        pause_s = max(answer["retry_after_s"], min(2**refusals, LONGEST_PAUSE_S))
        refusals += 1
        saga.stage("waiting_for_provider", retry_after_s=pause_s)
        yield from cancellation.first_within(timedelta(seconds=pause_s))
