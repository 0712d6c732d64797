"""Users who act while something is being done for them: during a step, before it takes effect and after."""

from __future__ import annotations

import pytest

from tests.chaos.stories import TEA, carry, finish
from tests.chaos.telling import IS_WHOLE, MakeWorld, Prove
from tests.chaos.user_stories import USER_STORIES, all_ended, join
from tests.chaos.user_world import CUSTOMER, UserWorld

SHOP = USER_STORIES[0]
UNTIL_IT_LEAVES = (
    "price_order",
    "reserve_stock",
    "record_transition",
    "authorise_payment",
    "book_shipment",
    "record_shipment",
    "capture_payment",
)
CORE = ("book_shipment", "record_shipment")

moments = pytest.mark.parametrize("when", ["before", "after"])


@moments
@pytest.mark.parametrize("function", ["store_user", "send_mail"])
def test_user_who_is_forgotten_during_a_step_of_the_registration(
    function: str, when: str, world: MakeWorld, prove: Prove
) -> None:
    told = world(SHOP)
    held = told.hub.on(function).hold(when=when)
    told.register()
    assert held.fired

    is_known = told.user() is not None
    status, _ = told.call("DELETE", f"/v1/users/{CUSTOMER}")
    held.release()

    assert status == (202 if is_known else 404)
    if not is_known:
        told.ask_to_be_forgotten()
    all_ended(told, told.registrations)
    all_ended(told, told.erasures)
    prove(told, "forgotten during the registration")


@moments
@pytest.mark.parametrize("function", [name for name in UNTIL_IT_LEAVES if IS_WHOLE or name in CORE])
def test_user_who_moves_during_a_step_of_an_order(function: str, when: str, world: MakeWorld, prove: Prove) -> None:
    told = world(SHOP)
    join(told)
    held = told.hub.on(function).hold(when=when)
    order_id = told.place(TEA)
    if not held.fired:
        told.report(order_id, 1, "shipped")
    assert held.fired

    told.move()
    held.release()

    all_ended(told, told.propagations)
    carry(told, order_id, 1)
    finish(told, order_id)
    prove(told, "moved during a step")


@moments
def test_user_who_is_forgotten_while_an_order_gets_the_new_address(when: str, world: MakeWorld, prove: Prove) -> None:
    told = world(SHOP)
    join(told)
    order_id = told.place(TEA)
    told.until_parcel(order_id, 1, "booked")
    told.feed()
    held = told.hub.on("change_address").hold(when=when)
    told.move()
    assert held.fired

    told.ask_to_be_forgotten()
    held.release()

    carry(told, order_id, 1)
    finish(told, order_id)
    all_ended(told, told.propagations)
    all_ended(told, told.erasures)
    prove(told, "forgotten while moving")


def test_order_of_somebody_who_has_been_forgotten_is_forgotten_at_its_end(world: MakeWorld, prove: Prove) -> None:
    told = world(SHOP)
    join(told)
    told.ask_to_be_forgotten()
    all_ended(told, told.erasures)

    order_id = told.place(TEA)
    told.feed()
    carry(told, order_id, 1)
    finish(told, order_id)
    all_ended(told, told.erasures)

    prove(told, "ordered after having been forgotten")


def test_two_registrations_at_once_under_one_key_are_one(world: MakeWorld, prove: Prove) -> None:
    told = world(SHOP)

    with told.hub.together():
        for _ in range(3):
            told.register()

    told.user_ids = [CUSTOMER]
    told.until(told.codes, "the welcome")
    assert told.verify() == 204
    all_ended(told, told.registrations)
    assert len(told.registrations()) == 1
    prove(told, "registered three times at once")


def test_of_two_who_want_one_email_at_once_one_gets_it(world: MakeWorld, prove: Prove) -> None:
    told: UserWorld = world(SHOP)  # type: ignore[assignment]  # its story says so

    with told.hub.together():
        for user_id in (CUSTOMER, "c-18"):
            told.register(user_id)

    for user_id in told.user_ids:
        all_ended(told, lambda user_id=user_id: told.registrations(user_id))
    assert len(told.users()) == 1
    prove(told, "two for one e-mail")
