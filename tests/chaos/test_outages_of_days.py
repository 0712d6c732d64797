"""Outages longer than the day for which a step is insisted on: a person is called, and ends what they have caused."""

from __future__ import annotations

import azure.durable_functions as df
import pytest

from adapters.dead_letters import DeadLetter
from domain.names import fulfil_instance_id, ship_instance_id
from tests.chaos.stories import LEAVING, STORIES, TEA, TEA_AND_MUG, carry, finish
from tests.chaos.telling import MakeWorld, Prove
from tests.chaos.user_stories import USER_STORIES
from tests.chaos.user_world import UserWorld
from tests.chaos.world import World

STORY = {story.name: story for story in (*STORIES, *USER_STORIES)}
DOWN = ConnectionError("no answer")


@pytest.fixture(autouse=True)
def fewer_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day is as long, but takes the hub an instant: an attempt every hour."""
    hourly = df.RetryOptions(first_retry_interval_in_milliseconds=3_600_000, max_number_of_attempts=25)
    monkeypatch.setattr("orchestrators.saga.PATIENCE", hourly)


def opened(world: World) -> list[DeadLetter]:
    return [letter for letter in world.letters() if letter.is_open]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("function", ["price_order", "book_shipment", *LEAVING])
def test_order_ends_as_it_would_have_once_its_step_is_replayed(
    world: MakeWorld, prove: Prove, function: str, when: str
) -> None:
    told = world(STORY["delivered"])
    told.hub.on(function, None).fail(DOWN, when=when)
    order_id = told.place(TEA)
    if function in LEAVING:
        told.until_parcel(order_id, 1, "booked")
        told.report(order_id, 1, "shipped")
    told.hub.advance(hours=36)
    [letter] = opened(told)
    assert told.order(order_id).needs_attention
    assert letter.source == function
    assert told.hub.instance(str(letter.instance_id)).custom_status["stage"] == "needs_attention"
    assert told.call("DELETE", f"/v1/dead-letters/{letter.letter_id}")[0] == 409, "a workflow waits for it"

    told.hub.calm()
    assert told.replay(letter) == 202
    told.until(lambda: not told.order(order_id).needs_attention, "the end of the call for a person")
    carry(told, order_id, 1)
    finish(told, order_id)

    assert told.order(order_id).status == "delivered"
    [closed] = told.letters()
    assert (closed.status, closed.handled[0].actor) == ("replayed", "u-1")
    prove(told, "outage of days")


def test_order_needs_attention_until_the_last_of_its_parcels_goes_on(world: MakeWorld, prove: Prove) -> None:
    told = world(STORY["delivered in two parcels"])
    told.hub.on("capture_payment", None).fail(DOWN)
    order_id = told.place(TEA_AND_MUG)
    for number in (1, 2):
        told.until_parcel(order_id, number, "booked")
        told.report(order_id, number, "shipped")
    told.hub.advance(hours=36)
    first, second = opened(told)
    told.hub.calm()

    assert told.replay(first) == 202
    told.until_parcel(order_id, int(str(first.instance_id)[-1]), "shipped")
    told.hub.advance(minutes=5)
    assert [letter.letter_id for letter in opened(told)] == [second.letter_id]
    assert told.order(order_id).needs_attention
    assert told.replay(second) == 202
    for number in (1, 2):
        carry(told, order_id, number)
    finish(told, order_id)

    assert not told.order(order_id).needs_attention
    assert opened(told) == []
    prove(told, "outage of days in two parcels")


def shipped_and_not_captured(world: MakeWorld) -> tuple[World, str, DeadLetter]:
    """An order whose parcel has left, for which no money could be taken for over a day; and the letter about it."""
    told = world(STORY["delivered"])
    told.hub.on("capture_payment", None).fail(DOWN)
    order_id = told.place(TEA)
    told.until_parcel(order_id, 1, "booked")
    told.report(order_id, 1, "shipped")
    told.hub.advance(hours=36)
    [letter] = opened(told)
    return told, order_id, letter


def test_step_is_run_without_its_workflow_when_that_was_terminated(world: MakeWorld) -> None:
    told, order_id, letter = shipped_and_not_captured(world)
    told.hub.calm()
    told.hub.instance(fulfil_instance_id(told.tenant_id, order_id)).terminate("by hand")
    told.hub.instance(ship_instance_id(told.tenant_id, order_id, f"{order_id}-1")).terminate("by hand")

    assert told.replay(letter) == 202
    told.until(lambda: not opened(told), "the end of the replay")

    found = told.dossier(order_id)
    assert found.order.payment.captured_minor == found.ledger["captured"] == found.order.total_minor
    assert not found.order.needs_attention


@pytest.mark.parametrize("then", ["replay", "discard"])
def test_letter_is_open_when_its_workflow_was_terminated_while_it_ran_the_step_again(
    world: MakeWorld, then: str
) -> None:
    told, order_id, letter = shipped_and_not_captured(world)
    assert told.replay(letter) == 202
    told.hub.advance(hours=2)
    told.hub.calm()
    told.hub.instance(ship_instance_id(told.tenant_id, order_id, f"{order_id}-1")).terminate("by hand")

    if then == "discard":
        assert told.call("DELETE", f"/v1/dead-letters/{letter.letter_id}")[0] == 200
    else:
        assert told.replay(letter) == 202
        told.until(lambda: told.letters()[0].handled[-1].outcome == "done", "the end of the replay")
        found = told.dossier(order_id)
        assert found.order.payment.captured_minor == found.ledger["captured"] == found.order.total_minor

    assert opened(told) == []
    assert not told.order(order_id).needs_attention


def test_order_that_fails_by_a_replayed_step_needs_attention_until_its_own_letter_is_closed(world: MakeWorld) -> None:
    told = world(STORY["delivered"])
    order_id = told.place(TEA)
    told.until_parcel(order_id, 1, "booked")
    told.report(order_id, 1, "shipped")
    told.until_parcel(order_id, 1, "shipped")
    told.hub.advance(minutes=5)
    told.hub.on("record_shipment", None).fail(DOWN)
    told.report(order_id, 1, "lost")
    told.hub.advance(hours=36)
    [letter] = opened(told)
    told.hub.calm()

    assert told.replay(letter) == 202
    told.until_order(order_id, "failed")
    told.hub.advance(minutes=5)
    [failed] = opened(told)
    assert (failed.source, told.order(order_id).needs_attention) == ("fulfil_order", True)
    assert told.call("DELETE", f"/v1/dead-letters/{failed.letter_id}")[0] == 200
    assert not told.order(order_id).needs_attention


def newcomer(world: MakeWorld) -> tuple[UserWorld, DeadLetter]:
    """Somebody who has registered, and to whom no mail could be sent for more than a day; and the letter about it."""
    told = world(STORY["joined"])
    assert isinstance(told, UserWorld)
    told.hub.on("send_mail", None).fail(DOWN)
    assert told.register() in {201, 202}
    told.hub.advance(hours=36)
    [letter] = opened(told)
    told.hub.calm()
    return told, letter


def test_registration_goes_on_once_its_letter_is_replayed_though_it_has_no_order(
    world: MakeWorld, prove: Prove
) -> None:
    told, letter = newcomer(world)
    assert (letter.source, letter.order_id) == ("send_mail", None)
    assert told.call("DELETE", f"/v1/dead-letters/{letter.letter_id}")[0] == 409, "a workflow waits for it"

    assert told.replay(letter) == 202
    told.until(told.codes, "the welcome")
    told.until(lambda: told.verify() == 204, "the end of the verification")
    [registration] = told.registrations()
    told.until_ended(registration.id)

    assert registration.output == {"status": "verified"}
    assert opened(told) == []
    prove(told, "outage of days while joining")


def test_letter_of_a_registration_that_was_terminated_says_what_to_do(world: MakeWorld) -> None:
    told, letter = newcomer(world)
    [registration] = told.registrations()
    registration.terminate("by hand")

    status, answer = told.call("POST", f"/v1/dead-letters/{letter.letter_id}/replay")

    assert status == 409
    assert f"workflow {registration.id} has ended" in answer["detail"]
    assert told.call("DELETE", f"/v1/dead-letters/{letter.letter_id}")[0] == 200
