"""A step on which nobody may give up: what becomes of it when even a day was not enough."""

from __future__ import annotations

from typing import Any

import azure.durable_functions as df
import pytest

from activities.flag_order import FlagOrder
from activities.park_dead_letter import ParkDeadLetter
from activities.settle_dead_letter import SettleDeadLetter
from tests.unit.conftest import ORDER, PRICED
from tests.unit.sagas import DOWN, FULFIL, GOOD, HELD, PARCEL, Run, fulfil, play

SHIPPED = {**ORDER, "shipment_id": "o-42-1", "silent_days": 7}
RETURN = "return:acme:o-42:o-42-r1"
USER = {"tenant_id": "acme", "user_id": "c-17", "correlation_id": "corr-1", "verification_id": "r1"}
CARRIER = {"actor": "carrier-1"}
ADMIN = {"actor": "admin-1"}
A_DAY_S = 24 * 3600


@pytest.fixture(autouse=True)
def fewer_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day is as long, but takes the hub an instant: an attempt every hour."""
    hourly = df.RetryOptions(first_retry_interval_in_milliseconds=3_600_000, max_number_of_attempts=25)
    monkeypatch.setattr("orchestrators.saga.PATIENCE", hourly)


def left(task_hub: Any, **answers: Any) -> Run:
    """A parcel that has left, a day and a half later."""
    parcel = play(task_hub, "ship_parcel", SHIPPED, PARCEL, **answers)
    parcel.tell("shipped", CARRIER)
    parcel.hub.advance(hours=36)
    return parcel


def told(run: Run, activity: str) -> list[dict[str, Any]]:
    return [payload for name, payload in run.steps if name == activity]


def replay(run: Run, days: float = 1.5) -> None:
    run.tell("replay", ADMIN)
    run.hub.advance(days=days)


def test_step_that_failed_for_a_day_calls_a_person_and_waits_for_one(task_hub: Any) -> None:
    parcel = left(task_hub, capture_payment=DOWN)

    assert parcel.attempts("capture_payment")[-1] >= A_DAY_S
    letter = ParkDeadLetter.model_validate(told(parcel, "park_dead_letter")[0])
    assert (letter.step, letter.instance_id, letter.awaited) == ("capture_payment", PARCEL, True)
    assert letter.payload["amount_minor"] == 5550
    assert "no answer" in letter.fault
    [flag] = told(parcel, "flag_order")
    assert FlagOrder.model_validate(flag).needs_attention
    assert parcel.instance.runtime_status == "Running"
    assert parcel.instance.custom_status == {"stage": "needs_attention", "detail": "capture_payment kept failing"}
    assert "record_movement" not in parcel.story


def test_workflow_ends_as_it_would_have_once_the_step_is_replayed(task_hub: Any) -> None:
    parcel = left(task_hub, capture_payment=DOWN)
    parcel.hub.replace("capture_payment", GOOD["capture_payment"])

    replay(parcel)
    assert parcel.instance.custom_status == {"stage": "shipped"}
    parcel.tell("delivered", CARRIER)

    assert parcel.end() == {"status": "delivered", "order_status": "delivered"}
    assert len(told(parcel, "record_movement")) == 1
    [settled] = told(parcel, "settle_dead_letter")
    SettleDeadLetter.model_validate(settled)
    assert (settled["letter_id"], settled["actor"], settled["outcome"]) == (
        "capture_payment:awaited",
        "admin-1",
        "done",
    )


def test_step_whose_replay_fails_for_a_day_is_parked_under_the_same_letter_and_calls_again(task_hub: Any) -> None:
    parcel = left(task_hub, capture_payment=DOWN)
    replay(parcel)
    assert parcel.instance.custom_status["stage"] == "needs_attention"

    parcel.hub.replace("capture_payment", GOOD["capture_payment"])
    replay(parcel)

    assert [letter["subject"] for letter in told(parcel, "park_dead_letter")] == ["awaited", "awaited"]
    assert [flag["subject"] for flag in told(parcel, "flag_order")] == [
        f"{PARCEL}:capture_payment:1",
        f"{PARCEL}:capture_payment:2",
    ]
    assert len(told(parcel, "settle_dead_letter")) == 1


def test_steps_that_are_parked_one_after_another_have_calls_of_their_own(task_hub: Any) -> None:
    parcel = left(task_hub, record_shipment=DOWN, commit_stock__MUG=DOWN)
    for activity in ("record_shipment", "commit_stock"):
        parcel.hub.replace(activity, GOOD[activity])
        replay(parcel)
    parcel.hub.replace("record_shipment", DOWN)
    parcel.tell("delivered", CARRIER)
    parcel.hub.advance(days=1.5)

    assert [(letter["step"], letter["subject"]) for letter in told(parcel, "park_dead_letter")] == [
        ("record_shipment", "awaited"),
        ("commit_stock", "MUG:awaited"),
        ("record_shipment", "awaited"),
    ]
    assert [flag["subject"] for flag in told(parcel, "flag_order")] == [
        f"{PARCEL}:record_shipment:1",
        f"{PARCEL}:commit_stock:2",
        f"{PARCEL}:record_shipment:3",
    ]


def test_letter_of_a_step_that_was_waited_for_is_not_the_one_of_its_refusal(task_hub: Any) -> None:
    """Nobody waits for what was refused, and a replay of it must not be told to a workflow that does not listen."""
    parcel = left(task_hub, capture_payment=DOWN)
    parcel.hub.replace("capture_payment", {"outcome": "refused", "detail": "charge_expired_for_capture"})

    replay(parcel)

    awaited, refused = told(parcel, "park_dead_letter")
    assert (awaited["awaited"], refused["awaited"]) == (True, False)
    assert awaited["subject"] != refused["subject"]


@pytest.mark.parametrize("activity", ["park_dead_letter", "flag_order"])
def test_call_for_a_person_is_never_parked_and_outlasts_days_at_an_hour_each(task_hub: Any, activity: str) -> None:
    parcel = left(task_hub, **{"capture_payment": DOWN, activity: DOWN})
    parcel.hub.advance(days=9)

    assert {letter["step"] for letter in told(parcel, "park_dead_letter")} == {"capture_payment"}
    moments = [call.at for call in parcel.hub.calls(activity)]
    assert (moments[-1] - moments[0]).days >= 8
    assert {round((b - a).total_seconds() / 3600) for a, b in zip(moments[-20:], moments[-19:], strict=False)} == {1}
    assert parcel.instance.custom_status["stage"] == "shipped"

    parcel.hub.replace(activity, GOOD[activity])
    parcel.hub.advance(hours=2)
    assert parcel.instance.custom_status["stage"] == "needs_attention"


def test_letter_that_cannot_be_closed_is_closed_days_later_without_another_letter(task_hub: Any) -> None:
    parcel = left(task_hub, capture_payment=DOWN, settle_dead_letter=DOWN)
    parcel.hub.replace("capture_payment", GOOD["capture_payment"])
    replay(parcel, days=3)
    assert "record_movement" not in parcel.story

    parcel.hub.replace("settle_dead_letter", GOOD["settle_dead_letter"])
    parcel.hub.advance(hours=2)

    assert "record_movement" in parcel.story
    assert len(told(parcel, "park_dead_letter")) == 1


def test_replay_that_nobody_waited_for_runs_a_step_once_more_under_its_open_letter(task_hub: Any) -> None:
    parcel = play(task_hub, "ship_parcel", SHIPPED, PARCEL, capture_payment=DOWN)
    parcel.tell("replay", ADMIN)
    parcel.tell("shipped", CARRIER)
    parcel.hub.advance(days=1.5)
    assert len(told(parcel, "park_dead_letter")) == 1
    assert "needs_attention" in parcel.stages

    parcel.hub.advance(days=1.5)
    assert parcel.instance.custom_status["stage"] == "needs_attention"
    parcel.hub.replace("capture_payment", GOOD["capture_payment"])
    replay(parcel)
    parcel.tell("delivered", CARRIER)

    assert parcel.end()["status"] == "delivered"
    assert len(told(parcel, "record_movement")) == len(told(parcel, "settle_dead_letter")) == 1


def test_order_whose_confirmation_cannot_be_recorded_waits_with_its_money_and_goes_on(task_hub: Any) -> None:
    order = fulfil(task_hub, record_transition__confirmed=DOWN, seconds=1.5 * A_DAY_S)
    assert order.instance.custom_status["stage"] == "needs_attention"
    assert not {"void_payment", "release_stock TEA"} & set(order.story)

    order.hub.replace("record_transition", GOOD["record_transition__confirmed"])
    order.tell("replay", ADMIN)

    assert order.deliver() == {"status": "delivered", "reason": None}


def test_order_that_cannot_be_priced_for_days_can_be_cancelled_once_it_can(task_hub: Any) -> None:
    order = fulfil(task_hub, price_order=DOWN, seconds=1.5 * A_DAY_S)
    [letter] = told(order, "park_dead_letter")
    assert (letter["step"], letter["instance_id"]) == ("price_order", FULFIL)
    order.tell("cancel", {"actor": "c-17"})

    order.hub.replace("price_order", PRICED)
    order.tell("replay", ADMIN)

    assert order.end()["status"] == "cancelled"
    assert "reserve_stock TEA" not in order.story


def test_return_whose_refund_fails_for_days_is_paid_back_at_the_replay(task_hub: Any) -> None:
    returned = {"return_id": "o-42-r1", "days": 30, "refund_minor": 2500, "payment": HELD}
    given = {**ORDER, **returned, "lines": [{"sku": "TEA", "quantity": 2}]}
    run = play(task_hub, "return_order", given, RETURN, refund_payment=DOWN)
    run.tell("received", {"actor": "u-1"})
    run.hub.advance(days=1.5)
    assert [letter["step"] for letter in told(run, "park_dead_letter")] == ["refund_payment"]

    run.hub.replace("refund_payment", GOOD["refund_payment"])
    run.tell("replay", ADMIN)

    assert run.end()["status"] == "received"
    assert told(run, "record_return")[0]["movement"]["amount_minor"] == 5550


def test_step_for_a_user_is_parked_and_replayed_without_an_order_to_flag(task_hub: Any) -> None:
    user = play(task_hub, "register_user", USER, "register:acme:c-17:r1", seconds=1.5 * A_DAY_S, send_mail=DOWN)
    letter = ParkDeadLetter.model_validate(told(user, "park_dead_letter")[0])
    assert (letter.order_id, letter.step, letter.awaited) == (None, "send_mail", True)
    assert user.instance.custom_status["stage"] == "needs_attention"

    user.hub.replace("send_mail", GOOD["send_mail"])
    replay(user, days=0.1)
    user.tell("verified", {"actor": "c-17"})

    assert user.end() == {"status": "verified"}
    SettleDeadLetter.model_validate(told(user, "settle_dead_letter")[0])
    assert told(user, "flag_order") == []


@pytest.mark.parametrize("down", ["capture_payment", "record_movement"])
def test_second_chance_that_fails_for_a_day_is_told_to_its_letter_alone(task_hub: Any, down: str) -> None:
    payload = {**SHIPPED, "idempotency_key": "k", "amount_minor": 5550, "payment": HELD}
    parked = {**ORDER, "letter_id": "l-1", "actor": "admin-1", "step": "capture_payment", "attempt": 2}
    answers: dict[str, Any] = {down: DOWN}
    run = play(task_hub, "replay_step", {**parked, "payload": payload}, "replay:acme:o-42:abc-2", **answers)

    assert run.end()["outcome"] == "failed"
    [settled] = told(run, "settle_dead_letter")
    assert (settled["letter_id"], settled["outcome"]) == ("l-1", "failed")
    assert "no answer" in settled["detail"]
    assert run.attempts(down)[-1] >= A_DAY_S
    assert not {"park_dead_letter", "flag_order"} & {name for name, _ in run.steps}


def test_second_chance_of_a_step_whose_answer_is_no_outcome_ends(task_hub: Any) -> None:
    payload = {**ORDER, "shipment_id": "o-42-1"}
    parked = {**ORDER, "letter_id": "l-1", "actor": "admin-1", "step": "book_shipment", "attempt": 2}
    run = play(task_hub, "replay_step", {**parked, "payload": payload}, "replay:acme:o-42:abc-2")

    assert run.end() == {"outcome": "done", "detail": None}
