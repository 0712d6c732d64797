"""Dead letters that no workflow waits for: their second chance in the whole app, asked for twice and over crashes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from localazure.testing import Rule

from adapters.dead_letters import DeadLetter
from domain.names import fulfil_instance_id, ship_instance_id
from tests.chaos.stories import STORIES, TEA, TEA_AND_MUG, carry, finish
from tests.chaos.telling import MakeWorld, Prove
from tests.chaos.world import World

STORY = {story.name: story for story in STORIES}
TROUBLES: dict[str, Callable[[Rule], Rule]] = {
    "none": lambda rule: rule.delay(seconds=1),
    "crash_before": lambda rule: rule.crash("before"),
    "crash_after": lambda rule: rule.crash("after"),
    "answer_lost": lambda rule: rule.fail(TimeoutError("no answer"), when="after"),
}


def replayed(world: World, letter: DeadLetter) -> DeadLetter:
    """The letter, once it is closed; everybody asks twice."""
    world.says_everything_twice = True
    assert world.replay(letter) == 202

    def closed() -> DeadLetter | None:
        [now] = [each for each in world.letters() if each.letter_id == letter.letter_id]
        return None if now.is_open else now

    found = world.until(closed, "the end of the replay")
    runs = world.hub.instances(f"replay:{world.tenant_id}:")
    assert [run.wait().runtime_status for run in runs] == ["Completed"]
    return found


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("function", ["send_confirmation", "settle_dead_letter"])
def test_mail_that_was_parked_is_sent(world: MakeWorld, prove: Prove, function: str, trouble: str) -> None:
    told = world(STORY["delivered"])
    told.hub.on("send_confirmation", None).fail(ConnectionError("no mail server"))
    order_id = told.place(TEA)
    carry(told, order_id, 1)
    finish(told, order_id)
    [letter] = told.letters()
    assert "no mail server" in letter.reason
    told.hub.calm()

    rule = TROUBLES[trouble](told.hub.on(function))
    after = replayed(told, letter)

    assert rule.fired
    assert [(each.actor, each.outcome) for each in after.handled] == [("u-1", "done")]
    assert [event.type for event in told.dossier(order_id).events].count("confirmation_sent") == 1
    prove(told, "mail replayed")


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("function", ["refund_payment", "record_movement"])
def test_refund_that_was_refused_is_given_once(world: MakeWorld, prove: Prove, function: str, trouble: str) -> None:
    told = world(STORY["lost in part"])
    told.hub.replace("refund_payment", {"outcome": "refused", "detail": "balance_insufficient"})
    order_id = told.place(TEA_AND_MUG)
    carry(told, order_id, 1)
    carry(told, order_id, 2, end="lost")
    finish(told, order_id)
    [letter] = told.letters()
    assert letter.letter_id.startswith(ship_instance_id(told.tenant_id, order_id, f"{order_id}-2"))
    assert told.order(order_id).needs_attention
    told.hub.restore("refund_payment")

    rule = TROUBLES[trouble](told.hub.on(function))
    replayed(told, letter)

    assert rule.fired
    order = told.order(order_id)
    assert (order.status, order.needs_attention) == ("delivered", False)
    assert order.payment.refunded_minor == told.dossier(order_id).ledger["refunded"] > 0
    prove(told, "refund replayed")


def test_step_of_a_workflow_that_was_terminated_is_run_without_it(world: MakeWorld, prove: Prove) -> None:
    told = world(STORY["delivered"])
    told.hub.on("release_stock", None).fail(ConnectionError("down"))
    told.hub.on("authorise_payment", None).fail(ConnectionError("down"))
    told.hub.on("find_payment", None).fail(ConnectionError("down"))
    order_id = told.place(TEA)
    told.until(lambda: told.order(order_id).needs_attention, "the call for a person")
    told.hub.calm()
    told.hub.instance(fulfil_instance_id(told.tenant_id, order_id)).terminate("by hand")
    assert told.shelves()["TEA"].stock.reserved == 2

    replayed(told, told.letters()[0])

    assert told.shelves()["TEA"].stock.reserved == 0
