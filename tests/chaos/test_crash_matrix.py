"""The crash matrix: each story with one trouble, for every function, every call of it and every moment there is.

A crash is the hub's: its memory is dropped at that moment, and it is opened again from its file. What the app keeps in
mind of orders would die with the process, so here it keeps nothing. (That a killed process comes to the same is shown
by tests/e2e/test_recovery.py.)
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from localazure.testing import Rule

from adapters import orders
from domain.names import ENTITIES, ORDER_ACTIVITIES, ORDER_ORCHESTRATORS, USER_ACTIVITIES, USER_ORCHESTRATORS
from tests.chaos.stories import STORIES, Story
from tests.chaos.telling import IS_WHOLE, MakeWorld, Prove, calls_of, with_trouble
from tests.chaos.user_stories import USER_STORIES

ALL = (*STORIES, *USER_STORIES)

TROUBLES: dict[str, Callable[[Rule], Rule]] = {
    "crash_before": lambda rule: rule.crash("before"),
    "crash_after": lambda rule: rule.crash("after"),
    "crash_after_commit": lambda rule: rule.crash("after_commit"),
    "delivered_twice": lambda rule: rule.duplicate(),
    "delivered_late": lambda rule: rule.reorder(),
    "answer_lost": lambda rule: rule.fail(TimeoutError("no answer"), when="after"),
}
HAVE_NO_EFFECT_BUT_THEIR_COMMIT = frozenset({*ORDER_ORCHESTRATORS, *USER_ORCHESTRATORS, *ENTITIES})
NEVER_NEEDED = {"find_payment", "flag_order"}
"""Called only when the provider or a compensation keeps failing: see test_provider_faults."""

CORE = {
    ("delivered", "authorise_payment", "crash_after"),
    ("delivered", "capture_payment", "answer_lost"),
    ("delivered", "record_shipment", "crash_after"),
    ("cancelled after confirmation", "fulfil_order", "crash_after_commit"),
    ("lost", "ship_parcel", "crash_before"),
    ("declined", "void_payment", "crash_after"),
    ("cancelled before confirmation", "release_stock", "delivered_twice"),
    ("cancelled after confirmation", "cancel_shipments", "crash_after"),
    ("denied", "release_stock", "delivered_late"),
    ("cancelled after confirmation", "call_back_parcels", "crash_before"),
    ("timed out", "record_transition", "crash_after"),
    ("lost", "refund_payment", "crash_after"),
    ("returned", "restock", "answer_lost"),
    ("returned", "record_return", "crash_after_commit"),
    ("joined", "store_user", "crash_after"),
    ("joined", "send_mail", "crash_after"),
    ("joined", "record_verification", "answer_lost"),
    ("joined under another's e-mail", "store_user", "crash_after"),
    ("moved", "change_address", "crash_after"),
    ("moved twice", "find_user_orders", "answer_lost"),
    ("moved twice", "change_address", "delivered_late"),
    ("forgotten without having joined", "erase_order", "crash_after"),
    ("forgotten without having joined", "erase_user", "crash_before"),
    ("forgotten while joining", "send_mail", "delivered_late"),
}

CASES = [
    pytest.param(story, function, trouble, id=f"{story.id}-{function}-{trouble}")
    for story in ALL
    for function in story.troubled
    for trouble in TROUBLES
    if not (trouble == "answer_lost" and function in HAVE_NO_EFFECT_BUT_THEIR_COMMIT)
    and (IS_WHOLE or (story.name, function, trouble) in CORE)
]


@pytest.mark.parametrize("story", ALL, ids=lambda story: story.id)
def test_story_without_trouble_calls_what_is_written_down(story: Story, world: MakeWorld, prove: Prove) -> None:
    assert set(calls_of(story, world, prove)) == set(story.functions)


def test_stories_call_every_function_there_is() -> None:
    told = {function for story in ALL for function in story.functions}
    assert {*ORDER_ACTIVITIES, *USER_ACTIVITIES} - told == NEVER_NEEDED
    assert told >= HAVE_NO_EFFECT_BUT_THEIR_COMMIT


@pytest.mark.parametrize(("story", "function", "trouble"), CASES)
def test_story_ends_the_same(
    story: Story, function: str, trouble: str, world: MakeWorld, prove: Prove, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trouble.startswith("crash"):
        monkeypatch.setattr(orders, "_KEPT_IN_MIND", 0)
    for number in range(1, calls_of(story, world, prove)[function] + 1):
        told = world(story)
        rule = TROUBLES[trouble](told.hub.on(function, number))
        with_trouble(story, told, prove, rule)
        assert rule.fired or (number > 1 and function in HAVE_NO_EFFECT_BUT_THEIR_COMMIT)  # turns may merge
