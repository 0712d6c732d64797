"""The saga, driven step by step: which activities run, in which order, and what is undone when one of them fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from orchestrators.fulfil_order import fulfil_order
from tests.unit.conftest import AT

ORDER = {"tenant_id": "acme", "order_id": "o-42", "correlation_id": "corr-1"}
PRICED = {
    "outcome": "priced",
    "demand": [{"sku": "MUG", "quantity": 1}, {"sku": "TEA", "quantity": 3}],
    "prices": {"MUG": 1800, "TEA": 1250},
    "total_minor": 5550,
    "currency": "EUR",
    "payment_method": "pm_card_visa",
    "placed_at": "2026-11-02T09:59:00.000Z",
    "resumed": False,
}
KEY = "fulfil:acme:o-42:authorise_payment"

Answer = Any
Script = dict[str, list[Answer] | Answer]


@dataclass
class Step:
    """One scheduled activity."""

    activity: str
    payload: dict[str, Any]
    is_patient: bool = False

    @property
    def short(self) -> str:
        """`release_stock TEA`, `record_transition rejected`: as a person would say it."""
        return " ".join([self.activity, *(str(self.payload[key]) for key in ("sku", "to") if key in self.payload)])


@dataclass
class Together:
    """Several activities at once."""

    steps: list[Step]


class FakeContext:
    """What the SDK's context offers the saga. Its clock moves on with each step, as it does in a real history."""

    def __init__(self) -> None:
        self.current_utc_datetime = AT
        self.stages: list[str] = []

    def get_input(self) -> dict[str, Any]:
        return dict(ORDER)

    def call_activity_with_retry(self, name: str, retry: Any, payload: dict[str, Any]) -> Step:
        how_long = {(2000, 5): False, (30_000, 2880): True}
        is_patient = how_long[retry.first_retry_interval_in_milliseconds, retry.max_number_of_attempts]
        return Step(name, json.loads(json.dumps(payload)), is_patient)  # what is not plain JSON does not get through

    def task_all(self, steps: list[Step]) -> Together:
        return Together(steps)

    def set_custom_status(self, status: dict[str, Any]) -> None:
        self.stages.append(status["stage"])


@dataclass
class Run:
    """What happened: every activity in the order of its start, and the saga's output."""

    steps: list[Step] = field(default_factory=list)
    output: Any = None
    stages: list[str] = field(default_factory=list)

    @property
    def story(self) -> list[str]:
        return [step.short for step in self.steps]

    def payload(self, short: str) -> dict[str, Any]:
        return next(step.payload for step in self.steps if step.short == short)


GOOD: Script = {
    "price_order": PRICED,
    "reserve_stock": {"outcome": "reserved"},
    "release_stock": {"outcome": "released"},
    "authorise_payment": {"outcome": "authorised", "provider_id": "pi_1", "amount_minor": 5550},
    "void_payment": {"outcome": "voided"},
    "record_transition": {"outcome": "recorded", "total_minor": 5550},
    "send_confirmation": {"outcome": "sent"},
    "publish_outcome": {"outcome": "published"},
    "park_dead_letter": {"outcome": "parked"},
}


def failure(activity: str) -> Exception:
    """As the SDK raises it: a plain Exception with text alone."""
    return Exception(f"Activity function '{activity}' failed:  Transient: no answer \n Traceback ...")


def play(**answers: Answer) -> Run:
    """Run the saga to its end. Answers go by activity, or `activity__sku`, or `activity__to`; exceptions are raised."""
    script = {**GOOD, **answers}
    context, run = FakeContext(), Run()
    saga: Generator[Any, Any, Any] = fulfil_order(context)
    send: Callable[[], Any] = lambda: next(saga)  # noqa: E731  # rebound below for each answer
    settled: dict[int, Answer] = {}
    try:
        while True:
            task = send()
            context.current_utc_datetime += timedelta(seconds=1)
            steps = task.steps if isinstance(task, Together) else [task]
            for step in steps:
                if id(step) not in settled:
                    run.steps.append(step)
                    settled[id(step)] = answer_to(step, script)
            faults = [settled[id(step)] for step in steps if isinstance(settled[id(step)], Exception)]
            results = [settled[id(step)] for step in steps]
            value = faults[0] if faults else results if isinstance(task, Together) else results[0]
            send = (lambda fault=value: saga.throw(fault)) if faults else (lambda result=value: saga.send(result))
    except StopIteration as end:
        run.output, run.stages = end.value, context.stages
    return run


def answer_to(step: Step, script: Script) -> Answer:
    """The most particular answer in the script."""
    for detail in ("sku", "to"):
        particular = f"{step.activity}__{step.payload.get(detail)}"
        if particular in script:
            answer = script[particular]
            return answer(step) if callable(answer) else answer
    answer = script[step.activity]
    if callable(answer):
        return answer(step)
    return {**answer, "sku": step.payload["sku"]} if "sku" in step.payload and isinstance(answer, dict) else answer


def test_good_order_is_reserved_charged_confirmed_and_told() -> None:
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


def test_every_step_is_told_whose_order_it_is_and_when() -> None:
    run = play()

    assert all(step.payload.items() >= ORDER.items() for step in run.steps)
    times = [step.payload["at"] for step in run.steps]
    assert times == sorted(times)
    assert times[0] == AT.isoformat()


def test_charge_has_the_total_and_its_deterministic_key() -> None:
    payload = play().payload("authorise_payment")

    assert payload["amount_minor"] == 5550
    assert payload["idempotency_key"] == KEY


def test_confirmation_records_what_the_provider_holds() -> None:
    held = play().payload("record_transition confirmed")["authorisation"]

    assert held == {"key": KEY, "provider_id": "pi_1", "amount_minor": 5550, "currency": "EUR"}


@pytest.mark.parametrize("reason", ["unknown_sku", "currency_mismatch"])
def test_order_that_cannot_be_priced_is_rejected_with_nothing_to_undo(reason: str) -> None:
    run = play(price_order={"outcome": reason, "detail": "why"})

    assert run.story == ["price_order", "record_transition rejected", "publish_outcome"]
    assert run.payload("record_transition rejected")["reason"] == reason
    assert run.payload("record_transition rejected")["detail"] == "why"


@pytest.mark.parametrize("reason", ["out_of_stock", "unknown_sku"])
def test_missing_stock_releases_every_sku_before_the_rejection(reason: str) -> None:
    run = play(reserve_stock__TEA={"outcome": reason, "sku": "TEA"})

    assert run.story[3:] == [
        "release_stock TEA",
        "release_stock MUG",
        "record_transition rejected",
        "publish_outcome",
    ]
    assert run.output == {"status": "rejected", "reason": reason}


def test_declined_card_is_compensated_in_reverse_before_the_rejection() -> None:
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


def test_decided_order_ends_at_once() -> None:
    run = play(price_order={"outcome": "decided", "status": "rejected", "reason": "out_of_stock"})

    assert run.story == ["price_order"]
    assert run.output == {"status": "rejected", "reason": "out_of_stock"}


def test_silent_provider_that_holds_the_money_leads_to_confirmation() -> None:
    run = play(
        authorise_payment=failure("authorise_payment"),
        find_payment={"outcome": "authorised", "provider_id": "pi_late", "amount_minor": 5550},
    )

    assert run.story[4:7] == ["authorise_payment", "find_payment", "record_transition confirmed"]
    assert run.payload("record_transition confirmed")["authorisation"]["provider_id"] == "pi_late"
    assert run.payload("find_payment")["since"] == PRICED["placed_at"]


def test_silent_provider_that_holds_nothing_fails_the_order_after_compensations() -> None:
    run = play(authorise_payment=failure("authorise_payment"), find_payment={"outcome": "not_found"})

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


def test_reservation_that_keeps_failing_waits_for_the_others_and_is_released_too() -> None:
    run = play(reserve_stock__MUG=failure("reserve_stock"))

    assert run.story[1:] == [
        "reserve_stock MUG",
        "reserve_stock TEA",
        "release_stock TEA",
        "release_stock MUG",
        "record_transition failed",
        "publish_outcome",
    ]


def test_all_parallel_steps_are_awaited_before_a_failure_is_acted_on() -> None:
    context = FakeContext()
    saga = fulfil_order(context)  # type: ignore[arg-type]  # the SDK has no types to check against
    next(saga)
    together = saga.send(PRICED)
    awaited = [saga.throw(failure("reserve_stock")), saga.throw(failure("reserve_stock"))]
    compensation = saga.send({"outcome": "reserved"})

    assert awaited == together.steps
    assert compensation.short == "release_stock TEA"


def test_reservation_that_cannot_be_recorded_undoes_everything() -> None:
    run = play(record_transition__reserved=failure("record_transition"))

    assert run.story[-4:-2] == ["release_stock TEA", "release_stock MUG"]
    assert "void_payment" not in run.story
    assert run.output["status"] == "failed"


def patient(step: Step) -> Answer:
    """An answer that comes only to those who wait."""
    return GOOD[step.activity] if step.is_patient else failure(step.activity)


@pytest.mark.parametrize(
    ("script", "insisted"),
    [
        ({"price_order": lambda step: PRICED if step.is_patient else failure("price_order")}, "price_order"),
        ({"record_transition__confirmed": patient}, "record_transition confirmed"),
    ],
)
def test_outage_before_the_first_or_at_the_last_step_is_waited_out(script: Script, insisted: str) -> None:
    run = play(**script)

    assert [step.is_patient for step in run.steps if step.short == insisted] == [False, True]
    assert "release_stock TEA" not in run.story
    assert run.output["status"] == "confirmed"


def test_confirmation_that_cannot_be_recorded_ever_undoes_nothing_as_it_may_have_been() -> None:
    with pytest.raises(Exception, match="record_transition"):
        play(record_transition__confirmed=failure("record_transition"))


def test_ending_of_a_called_off_order_and_its_dead_letters_outlive_an_outage() -> None:
    run = play(
        authorise_payment={"outcome": "declined", "detail": "stolen_card"},
        release_stock=failure("release_stock"),
        park_dead_letter=patient,
        record_transition__failed=patient,
    )

    assert run.story.count("park_dead_letter") == 4
    assert run.output["status"] == "failed"


def test_order_called_off_by_another_run_is_undone_and_keeps_that_ending() -> None:
    decided = {"outcome": "decided", "status": "cancelled"}
    run = play(record_transition__confirmed=decided)

    assert run.story[6:] == [
        "void_payment",
        "release_stock TEA",
        "release_stock MUG",
        "record_transition cancelled",
        "publish_outcome",
    ]
    assert run.output["status"] == "cancelled"


def test_order_confirmed_by_another_run_stays_so() -> None:
    run = play(record_transition__reserved={"outcome": "decided", "status": "confirmed"})

    assert run.story[4:] == ["send_confirmation", "publish_outcome"]
    assert run.output["status"] == "confirmed"


def test_run_that_fails_beside_one_that_confirmed_reports_the_confirmation() -> None:
    run = play(
        reserve_stock__TEA={"outcome": "out_of_stock", "sku": "TEA"},
        record_transition__rejected={"outcome": "decided", "status": "confirmed"},
    )

    assert run.output["status"] == "confirmed"


def test_later_run_lets_go_of_what_an_earlier_one_may_have_asked_for() -> None:
    run = play(price_order={**PRICED, "resumed": True}, reserve_stock__TEA={"outcome": "out_of_stock", "sku": "TEA"})

    assert run.story[3:6] == ["release_stock TEA", "release_stock MUG", "void_payment"]


def test_charge_is_the_recorded_total_and_the_confirmation_names_what_is_held() -> None:
    run = play(
        record_transition__reserved={"outcome": "recorded", "total_minor": 5000},
        authorise_payment={"outcome": "authorised", "provider_id": "pi_1", "amount_minor": 5000},
    )

    assert run.payload("authorise_payment")["amount_minor"] == 5000
    assert run.payload("record_transition confirmed")["authorisation"]["amount_minor"] == 5000


def test_compensation_that_keeps_failing_parks_a_dead_letter_and_the_rest_is_undone() -> None:
    run = play(
        authorise_payment={"outcome": "declined", "detail": "stolen_card"},
        release_stock__TEA=failure("release_stock"),
    )

    assert run.story[5:] == [
        "void_payment",
        "release_stock TEA",
        "release_stock MUG",
        "park_dead_letter",
        "record_transition failed",
        "publish_outcome",
    ]
    letter = run.payload("park_dead_letter")
    assert (letter["step"], letter["subject"], letter["payload"]["sku"]) == ("release_stock", "TEA", "TEA")
    assert "no answer" in letter["fault"]
    recorded = run.payload("record_transition failed")
    assert (recorded["reason"], recorded["needs_attention"]) == ("payment_declined", True)


def test_mail_that_cannot_be_sent_leaves_the_order_confirmed() -> None:
    run = play(send_confirmation=failure("send_confirmation"))

    assert run.story[-3:] == ["send_confirmation", "park_dead_letter", "publish_outcome"]
    assert run.output["status"] == "confirmed"


def test_stopping_the_saga_at_any_step_starts_nothing_more() -> None:
    for steps in range(5):
        saga = fulfil_order(FakeContext())  # type: ignore[arg-type]  # the SDK has no types to check against
        answers: list[Any] = [
            PRICED,
            [{"outcome": "reserved"}] * 2,
            {"outcome": "recorded", "total_minor": 5550},
            {"outcome": "authorised", "provider_id": "pi_1", "amount_minor": 5550},
            {"outcome": "recorded", "total_minor": 5550},
        ]
        next(saga)
        for answer in answers[:steps]:
            saga.send(answer)
        saga.close()  # raises RuntimeError if the generator yields again
