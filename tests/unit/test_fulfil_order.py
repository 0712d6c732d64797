"""The saga in a task hub, activities replaced: which of them run, in which order, and what is undone when one fails.

Every step takes a second of the hub's clock; retries and outages cost no time at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from localazure.testing import Hub, Orchestration

from orchestrators.fulfil_order import fulfil_order
from tests.unit.conftest import AT, KEY, ORDER, PRICED

Answer = Any
Play = Callable[..., "Run"]

GOOD: dict[str, Answer] = {
    "price_order": PRICED,
    "reserve_stock": {"outcome": "reserved"},
    "release_stock": {"outcome": "released"},
    "authorise_payment": {"outcome": "authorised", "provider_id": "pi_1", "amount_minor": 5550},
    "find_payment": {"outcome": "not_found"},
    "void_payment": {"outcome": "voided"},
    "record_transition": {"outcome": "recorded", "total_minor": 5550},
    "send_confirmation": {"outcome": "sent"},
    "publish_outcome": {"outcome": "published"},
    "park_dead_letter": {"outcome": "parked"},
}


class Unanswered(Exception):
    """What an activity raises when a service is down."""


@dataclass
class Run:
    """One order from beginning to end."""

    instance: Orchestration

    def __post_init__(self) -> None:
        status = self.instance.wait()
        self.output = status.output
        self.calls = self.instance.calls()
        self.steps = [(call.name, call.input) for call in self.calls]

    @property
    def story(self) -> list[str]:
        """`release_stock TEA`, `record_transition rejected`: each step once, however often it was tried."""
        return list(dict.fromkeys(short(*step) for step in self.steps))

    @property
    def stages(self) -> list[str]:
        shown = [each["CustomStatus"] for each in self.instance.history if "CustomStatus" in each]
        return [json.loads(text)["stage"] for text in shown]

    def payload(self, wanted: str) -> dict[str, Any]:
        return next(payload for name, payload in self.steps if short(name, payload) == wanted)

    def attempts(self, wanted: str) -> list[float]:
        """When a step was tried: seconds of the hub's clock from the first time on."""
        moments = [call.at for call in self.calls if short(call.name, call.input) == wanted]
        return [(moment - moments[0]).total_seconds() for moment in moments]


def short(activity: str, payload: dict[str, Any]) -> str:
    """As a person would say it."""
    return " ".join([activity, *(str(payload[key]) for key in ("sku", "to", "subject") if payload.get(key))])


@pytest.fixture
def play(task_hub: Callable[..., Hub]) -> Play:
    """Run the saga. Answers go by activity, or `activity__sku`, or `activity__to`; exceptions are raised."""

    def run(**answers: Answer) -> Run:
        activities = {name: answer_to(name, {**GOOD, **answers}) for name in GOOD}
        hub = task_hub(orchestrators=[fulfil_order], activities=activities, time="skip", starts_at=AT)
        for name in activities:
            hub.on(name, None).delay(seconds=1)
        return Run(hub.start("fulfil_order", ORDER, instance_id="fulfil:acme:o-42"))

    return run


def answer_to(activity: str, script: dict[str, Answer]) -> Callable[[dict[str, Any]], Answer]:
    """Gives the most particular answer in the script."""

    def answer(payload: dict[str, Any]) -> Answer:
        particular = [f"{activity}__{payload.get(detail)}" for detail in ("sku", "to")]
        found = next((script[name] for name in particular if name in script), script[activity])
        value = found(payload) if callable(found) else found
        if isinstance(value, Exception):
            raise value.with_traceback(None)
        return {**value, "sku": payload["sku"]} if "sku" in payload else value

    return answer


DOWN = Unanswered("no answer")


@pytest.fixture
def back_after_an_outage() -> Callable[[Answer], Answer]:
    """An answer that comes after as many attempts as an outage takes: only to those who wait."""

    def made(good: Answer) -> Answer:
        attempts = iter(range(10))
        return lambda _: DOWN if next(attempts, None) is not None else good

    return made


def test_good_order_is_reserved_charged_confirmed_and_told(play: Play) -> None:
    run = play()

    assert run.story == [
        "price_order",
        "reserve_stock MUG",
        "reserve_stock TEA",
        "record_transition reserved",
        "authorise_payment",
        "record_transition confirmed",
        "send_confirmation",
        "publish_outcome",
    ]
    assert run.output == {"status": "confirmed", "reason": None}
    assert run.stages == ["pricing", "reserving", "charging", "confirming", "confirmed"]


def test_every_step_is_told_whose_order_it_is_and_when(play: Play) -> None:
    run = play()

    assert all(payload.items() >= ORDER.items() for _, payload in run.steps)
    times = [payload["at"] for _, payload in run.steps]
    assert times[0] == AT.isoformat()
    assert times[-1] == (AT + timedelta(seconds=6)).isoformat()
    assert times == sorted(times)


def test_charge_has_the_total_and_its_deterministic_key(play: Play) -> None:
    payload = play().payload("authorise_payment")

    assert payload["amount_minor"] == 5550
    assert payload["idempotency_key"] == KEY


def test_confirmation_records_what_the_provider_holds(play: Play) -> None:
    held = play().payload("record_transition confirmed")["authorisation"]

    assert held == {"key": KEY, "provider_id": "pi_1", "amount_minor": 5550, "currency": "EUR"}


@pytest.mark.parametrize("reason", ["unknown_sku", "currency_mismatch"])
def test_order_that_cannot_be_priced_is_rejected_with_nothing_to_undo(play: Play, reason: str) -> None:
    run = play(price_order={"outcome": reason, "detail": "why"})

    assert run.story == ["price_order", "record_transition rejected", "publish_outcome"]
    assert run.payload("record_transition rejected")["reason"] == reason
    assert run.payload("record_transition rejected")["detail"] == "why"


@pytest.mark.parametrize("reason", ["out_of_stock", "unknown_sku"])
def test_missing_stock_releases_every_sku_before_the_rejection(play: Play, reason: str) -> None:
    run = play(reserve_stock__TEA={"outcome": reason})

    assert run.story[3:] == [
        "release_stock TEA",
        "release_stock MUG",
        "record_transition rejected",
        "publish_outcome",
    ]
    assert run.output == {"status": "rejected", "reason": reason}


def test_declined_card_is_compensated_in_reverse_before_the_rejection(play: Play) -> None:
    run = play(authorise_payment={"outcome": "declined", "detail": "insufficient_funds"})

    assert run.story[5:] == [
        "void_payment",
        "release_stock TEA",
        "release_stock MUG",
        "record_transition rejected",
        "publish_outcome",
    ]
    assert run.payload("record_transition rejected")["detail"] == "insufficient_funds"
    assert run.payload("void_payment")["idempotency_key"] == KEY


def test_decided_order_ends_at_once(play: Play) -> None:
    run = play(price_order={"outcome": "decided", "status": "rejected", "reason": "out_of_stock"})

    assert run.story == ["price_order"]
    assert run.output == {"status": "rejected", "reason": "out_of_stock"}


def test_silent_provider_that_holds_the_money_leads_to_confirmation(play: Play) -> None:
    found = {"outcome": "authorised", "provider_id": "pi_late", "amount_minor": 5550}
    run = play(authorise_payment=DOWN, find_payment=found)

    assert run.story[4:7] == ["authorise_payment", "find_payment", "record_transition confirmed"]
    assert run.attempts("authorise_payment") == [0, 3, 6, 9, 12]
    assert run.payload("record_transition confirmed")["authorisation"]["provider_id"] == "pi_late"
    assert run.payload("find_payment")["since"] == PRICED["placed_at"]


def test_silent_provider_that_holds_nothing_fails_the_order_after_compensations(play: Play) -> None:
    run = play(authorise_payment=DOWN)

    assert run.story[6:] == [
        "void_payment",
        "release_stock TEA",
        "release_stock MUG",
        "record_transition failed",
        "publish_outcome",
    ]
    recorded = run.payload("record_transition failed")
    assert recorded["needs_attention"] is True
    assert recorded["detail"] == "authorise_payment kept failing"


def test_reservation_that_keeps_failing_waits_for_the_others_and_is_released_too(play: Play) -> None:
    run = play(reserve_stock__MUG=DOWN)

    assert run.story[1:] == [
        "reserve_stock MUG",
        "reserve_stock TEA",
        "release_stock TEA",
        "release_stock MUG",
        "record_transition failed",
        "publish_outcome",
    ]


def test_reservation_that_cannot_be_recorded_undoes_everything(play: Play) -> None:
    run = play(record_transition__reserved=DOWN)

    assert run.story[-4:-2] == ["release_stock TEA", "release_stock MUG"]
    assert "void_payment" not in run.story
    assert run.output["status"] == "failed"


@pytest.mark.parametrize(
    ("step", "good"), [("price_order", PRICED), ("record_transition__confirmed", GOOD["record_transition"])]
)
def test_outage_before_the_first_or_at_the_last_step_is_waited_out(
    play: Play, back_after_an_outage: Callable[[Answer], Answer], step: str, good: Answer
) -> None:
    run = play(**{step: back_after_an_outage(good)})

    assert run.attempts(step.replace("__", " ")) == [0, 3, 6, 9, 12, 13, 44, 75, 106, 137, 168]
    assert "release_stock TEA" not in run.story
    assert run.output["status"] == "confirmed"


def test_ending_of_a_called_off_order_and_its_dead_letters_outlive_an_outage(
    play: Play, back_after_an_outage: Callable[[Answer], Answer]
) -> None:
    run = play(
        authorise_payment={"outcome": "declined", "detail": "stolen_card"},
        release_stock=DOWN,
        park_dead_letter=back_after_an_outage(GOOD["park_dead_letter"]),
        record_transition__failed=back_after_an_outage(GOOD["record_transition"]),
    )

    assert [step for step in run.story if "dead_letter" in step] == ["park_dead_letter TEA", "park_dead_letter MUG"]
    assert len(run.attempts("record_transition failed")) == 11
    assert run.output["status"] == "failed"


def test_order_called_off_by_another_run_is_undone_and_keeps_that_ending(play: Play) -> None:
    run = play(record_transition__confirmed={"outcome": "decided", "status": "cancelled"})

    assert run.story[6:] == [
        "void_payment",
        "release_stock TEA",
        "release_stock MUG",
        "record_transition cancelled",
        "publish_outcome",
    ]
    assert run.output["status"] == "cancelled"


def test_order_confirmed_by_another_run_stays_so(play: Play) -> None:
    run = play(record_transition__reserved={"outcome": "decided", "status": "confirmed"})

    assert run.story[4:] == ["send_confirmation", "publish_outcome"]
    assert run.output["status"] == "confirmed"


def test_run_that_fails_beside_one_that_confirmed_reports_the_confirmation(play: Play) -> None:
    run = play(
        reserve_stock__TEA={"outcome": "out_of_stock"},
        record_transition__rejected={"outcome": "decided", "status": "confirmed"},
    )

    assert run.output["status"] == "confirmed"


def test_later_run_lets_go_of_what_an_earlier_one_may_have_asked_for(play: Play) -> None:
    run = play(price_order={**PRICED, "resumed": True}, reserve_stock__TEA={"outcome": "out_of_stock"})

    assert run.story[3:6] == ["release_stock TEA", "release_stock MUG", "void_payment"]


def test_charge_is_the_recorded_total_and_the_confirmation_names_what_is_held(play: Play) -> None:
    run = play(
        record_transition__reserved={"outcome": "recorded", "total_minor": 5000},
        authorise_payment={"outcome": "authorised", "provider_id": "pi_1", "amount_minor": 5000},
    )

    assert run.payload("authorise_payment")["amount_minor"] == 5000
    assert run.payload("record_transition confirmed")["authorisation"]["amount_minor"] == 5000


def test_compensation_that_keeps_failing_parks_a_dead_letter_and_the_rest_is_undone(play: Play) -> None:
    run = play(authorise_payment={"outcome": "declined", "detail": "stolen_card"}, release_stock__TEA=DOWN)

    assert run.story[5:] == [
        "void_payment",
        "release_stock TEA",
        "release_stock MUG",
        "park_dead_letter TEA",
        "record_transition failed",
        "publish_outcome",
    ]
    letter = run.payload("park_dead_letter TEA")
    assert (letter["step"], letter["payload"]["sku"]) == ("release_stock", "TEA")
    assert "no answer" in letter["fault"]
    recorded = run.payload("record_transition failed")
    assert (recorded["reason"], recorded["needs_attention"]) == ("payment_declined", True)


def test_mail_that_cannot_be_sent_leaves_the_order_confirmed(play: Play) -> None:
    run = play(send_confirmation=DOWN)

    assert run.story[-3:] == ["send_confirmation", "park_dead_letter", "publish_outcome"]
    assert run.output["status"] == "confirmed"
