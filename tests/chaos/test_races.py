"""People who act at the same moment, or at the most awkward one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.names import fulfil_instance_id
from tests.chaos.stories import STORIES, TEA, TEA_AND_MUG, TWO, Story, carry, finish
from tests.chaos.telling import IS_WHOLE, MakeWorld, Prove, with_trouble
from tests.chaos.world import World

DELIVERED, IN_TWO, *_ = STORIES
UNTIL_SHIPPED = (
    ("price_order", 1),
    ("reserve_stock", 1),
    ("assess_risk", 1),
    ("record_transition", 1),
    ("authorise_payment", 1),
    ("record_transition", 2),
    ("send_confirmation", 1),
    ("book_shipment", 1),
    ("record_shipment", 1),
    ("commit_stock", 1),
    ("capture_payment", 1),
    ("record_movement", 1),
)
CORE = ("authorise_payment", "book_shipment", "record_shipment")


def end(world: World, order_id: str) -> None:
    """Let the carrier do its part, if there is still something to carry."""
    instance = world.hub.instance(fulfil_instance_id(world.tenant_id, order_id))
    world.hub.advance(minutes=1)
    if instance.runtime_status == "Running":
        carry(world, order_id, 1)
    finish(world, order_id)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("function", "number"), [case for case in UNTIL_SHIPPED if IS_WHOLE or case[0] in CORE])
def test_cancellation_during_a_step_ends_in_one_way_or_the_other(
    function: str, number: int, when: str, world: MakeWorld, prove: Prove
) -> None:
    told = world(DELIVERED)
    held = told.hub.on(function, number).hold(when=when)
    order_id = told.place(TEA)
    if not held.fired:
        told.report(order_id, 1, "shipped")
    assert held.fired

    told.cancel(order_id)
    held.release()

    end(told, order_id)
    has_left = told.dossier(order_id).ledger.get("captured", 0) > 0
    assert told.order(order_id).status == ("delivered" if has_left else "cancelled")
    prove(told, "cancelled during a step")


@pytest.mark.parametrize("order", [("cancel", "ship"), ("ship", "cancel")], ids="-".join)
def test_cancellation_and_departure_at_the_same_moment(order: tuple[str, str], world: MakeWorld, prove: Prove) -> None:
    told = world(DELIVERED)
    order_id = told.place(TEA)
    told.until_parcel(order_id, 1, "booked")
    acts = {"cancel": lambda: told.cancel(order_id), "ship": lambda: told.report(order_id, 1, "shipped")}

    with told.hub.together():
        for act in order:
            acts[act]()

    end(told, order_id)
    prove(told, "cancelled while it leaves")


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_singleCapture"])
def test_two_parcels_that_leave_and_arrive_at_the_same_moment(card: str, world: MakeWorld, prove: Prove) -> None:
    told = world(IN_TWO)
    order_id = told.place(TEA_AND_MUG, card=card)
    for number in (1, 2):
        told.until_parcel(order_id, number, "booked")

    for status in ("shipped", "delivered"):
        with told.hub.together():
            for number in (1, 2):
                told.report(order_id, number, status)
        for number in (1, 2):
            told.until_parcel(order_id, number, status)

    finish(told, order_id)
    assert told.order(order_id).status == "delivered"
    prove(told, "two parcels at once")


def test_orders_that_want_the_last_pieces_at_the_same_moment(world: MakeWorld, prove: Prove) -> None:
    told = world(DELIVERED)
    with told.hub.together():
        order_ids = [told.place(TEA) for _ in range(5)]

    told.hub.advance(minutes=1)
    standing = [order_id for order_id in order_ids if told.order(order_id).status == "confirmed"]
    assert len(standing) == 2
    for order_id in standing:
        carry(told, order_id, 1)
    for order_id in order_ids:
        finish(told, order_id)
    assert told.shelves()["TEA"].stock.on_hand == 1
    prove(told, "five orders for the last five pieces")


@pytest.mark.parametrize(
    "story", [each for each in STORIES if IS_WHOLE or each.name == "returned"], ids=lambda each: each.id
)
def test_people_who_say_everything_twice(story: Story, world: MakeWorld, prove: Prove) -> None:
    told = world(story)
    told.says_everything_twice = True
    with_trouble(story, told, prove, "everything is said twice")


def test_order_that_is_placed_twice_under_one_key_is_one_order(world: MakeWorld, prove: Prove) -> None:
    told = world(DELIVERED)
    with told.hub.together():
        first, second = (told.place(TEA, key="once") for _ in range(2))
    told.order_ids = [first]

    assert first == second
    carry(told, first, 1)
    finish(told, first)
    prove(told, "placed twice")


@pytest.mark.parametrize("story", ["approved", "short and accepted"])
def test_order_whose_workflow_is_gone_is_taken_up_where_it_stands(story: str, world: MakeWorld, prove: Prove) -> None:
    shop = next(each for each in STORIES if each.name == story)
    told = world(replace(shop, stock=TWO, settings={"when_short": "ask", "approval_over_minor": 2000}))
    wanted = {"TEA": 9, "MUG": 1} if story == "short and accepted" else TEA_AND_MUG
    order_id = told.place(wanted, key="once")
    if told.order(order_id).shortage:
        told.answer_shortage(order_id, "amend", TEA=2)
    total_minor = told.until_order(order_id, "awaiting_approval").total_minor

    first = told.hub.instance(fulfil_instance_id(told.tenant_id, order_id))
    first.terminate("an operator's slip")
    first.purge()
    assert told.place(wanted, key="once") == order_id
    told.order_ids = [order_id]
    told.until(lambda: told.stage(order_id) == "awaiting_approval", "the second call for an approver")
    told.decide(order_id, approved=True)

    for number in range(1, len(told.until_order(order_id, "confirmed").lines) + 1):
        carry(told, order_id, number)
        if told.order(order_id).status == "delivered":
            break
    finish(told, order_id)
    assert told.order(order_id).total_minor == total_minor
    prove(told, "taken up again")
