"""The payment provider in trouble: each story with each of its requests refused, unanswered, broken or cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from domain.names import fulfil_instance_id
from tests.chaos.stories import STORIES, TEA, carry, finish
from tests.chaos.telling import IS_WHOLE, MakeWorld, Prove, with_trouble
from tests.chaos.world import World
from tests.services import Services

ATTEMPTS_OF_THE_SDK = 3
FAULTS: dict[str, dict[str, Any]] = {
    "done_and_unanswered": {"times": ATTEMPTS_OF_THE_SDK, "action": {"drop": "after"}},
    "done_and_unanswered_once": {"times": 1, "action": {"drop": "after"}},
    "cut_off": {"times": ATTEMPTS_OF_THE_SDK, "action": {"drop": "before"}},
    "unavailable": {"times": ATTEMPTS_OF_THE_SDK, "action": {"status": 503}},
    "broken": {"times": 1, "action": {"status": 500}},
    "done_too_late": {"times": 1, "action": {"delay_ms": 400}},
}
CREATE, READ, LIST = "create_payment_intent", "retrieve_payment_intent", "list_payment_intents"
CAPTURE, CANCEL = "capture_payment_intent", "cancel_payment_intent"
REQUESTS = {
    "delivered": {CREATE: 1, READ: 1, CAPTURE: 1},
    "delivered in two parcels": {CAPTURE: 2},
    "declined": {CREATE: 1, LIST: 1, CANCEL: 1},
    "cancelled after confirmation": {CREATE: 1, LIST: 1, CANCEL: 1},
    "lost": {"list_refunds": 1, "create_refund": 1},
    "returned": {"list_refunds": 1, "create_refund": 1},
}
CORE = {
    ("delivered", CREATE, "done_and_unanswered"),
    ("delivered", CREATE, "broken"),
    ("delivered", CAPTURE, "done_and_unanswered"),
    ("delivered", CAPTURE, "broken"),
    ("cancelled after confirmation", CANCEL, "broken"),
    ("returned", "create_refund", "done_and_unanswered"),
    ("returned", "create_refund", "broken"),
}

CASES = [
    pytest.param(story, operation, number, fault, id=f"{story.id}-{operation}-{number}-{fault}")
    for story in STORIES
    for operation, calls in REQUESTS.get(story.name, {}).items()
    for number in range(1, calls + 1)
    for fault in FAULTS
    if IS_WHOLE or (story.name, operation, fault) in CORE
]

Trouble = Callable[..., Any]


@pytest.fixture
def trouble(local_services: Services, hasty_stripe: None) -> Trouble:
    """`with trouble(operation, skip=0, times=1, action={…}) as hits:` makes the provider misbehave."""
    url = f"{local_services.endpoints['payments']}/_sandbox/faults"

    @contextmanager
    def make(operation: str, **rule: Any) -> Iterator[Callable[[], int]]:
        requests.post(url, json={"operation": operation, **rule}, timeout=10).raise_for_status()
        try:
            yield lambda: rule["times"] - sum(left["times"] for left in requests.get(url, timeout=10).json()["rules"])
        finally:
            requests.delete(url, timeout=10).raise_for_status()

    return make


@pytest.mark.parametrize(("story", "operation", "number", "fault"), CASES)
def test_story_ends_the_same(
    story: Any, operation: str, number: int, fault: str, world: MakeWorld, prove: Prove, trouble: Trouble
) -> None:
    told = world(story)
    with trouble(operation, skip=number - 1, **FAULTS[fault]) as hits:
        with_trouble(story, told, prove, f"{fault} at {operation}")
        assert hits() > 0


def in_attention(world: World, order_id: str) -> bool:
    return world.order(order_id).needs_attention and bool(world.letters())


def test_charge_during_an_outage_is_let_go_once_a_person_asks_for_it(
    world: MakeWorld, prove: Prove, trouble: Trouble
) -> None:
    told = world(STORIES[0])
    with trouble(CREATE, times=1000, action={"status": 503}):
        order_id = told.place(TEA)
        told.until(lambda: in_attention(told, order_id), "the call for a person")
        assert told.order(order_id).status == "reserved"
    [letter] = told.letters()
    assert told.replay(letter) == 202
    told.until_ended(fulfil_instance_id(told.tenant_id, order_id))

    assert told.order(order_id).status == "failed"
    prove(told, "outage while charging")


@pytest.mark.parametrize("action", [{"status": 503}, {"drop": "after"}], ids=["unavailable", "done_and_unanswered"])
def test_void_during_an_outage_is_done_once_a_person_asks_for_it(
    action: dict[str, Any], world: MakeWorld, prove: Prove, trouble: Trouble
) -> None:
    told = world(STORIES[0])
    order_id = told.place(TEA)
    told.until_parcel(order_id, 1, "booked")
    with trouble(LIST, times=1000, action=action):
        told.cancel(order_id)
        told.until(lambda: in_attention(told, order_id), "the call for a person")
        [letter] = told.letters()
        assert told.replay(letter) == 202
        told.until(lambda: told.stage(order_id) == "needs_attention", "the second call for a person")
    assert told.replay(letter) == 202
    finish(told, order_id)

    order = told.order(order_id)
    assert (order.status, order.needs_attention) == ("cancelled", False)
    prove(told, "outage while cancelling")


def test_charge_that_is_never_answered_is_found_and_kept(world: MakeWorld, prove: Prove, trouble: Trouble) -> None:
    told = world(STORIES[0])
    with trouble(CREATE, times=1000, action={"drop": "after"}):
        order_id = told.place(TEA)
        carry(told, order_id, 1)
        finish(told, order_id)

    assert "find_payment" in {call.name for call in told.hub.calls()}
    prove(told, "charge never answered")


def test_outage_while_capturing_is_waited_out(world: MakeWorld, prove: Prove, trouble: Trouble) -> None:
    told = world(STORIES[0])
    order_id = told.place(TEA)
    told.until_parcel(order_id, 1, "booked")
    with trouble(CAPTURE, times=1000, action={"status": 503}):
        told.report(order_id, 1, "shipped")
        told.hub.advance(minutes=2)
        assert told.order(order_id).payment.captured_minor == 0
    carry(told, order_id, 1)
    finish(told, order_id)

    prove(told, "outage while capturing")
