"""A parked step is run again: what becomes of its letter, and of the money that moves at last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from activities.capture_payment import CapturePayment
from activities.record_movement import RecordMovement
from activities.record_shipment import RecordShipment
from activities.refund_payment import RefundPayment
from activities.settle_dead_letter import SettleDeadLetter
from tests.unit.conftest import ORDER
from tests.unit.sagas import DOWN, GOOD, HELD, PARCEL, Run, back_after_an_outage, play

Replay = Callable[..., Run]

RETURN = "return:acme:o-42:o-42-r1"
REFUSED = {"outcome": "refused", "detail": "charge_disputed"}
CARRIER = {"actor": "carrier-1"}
RETURNED = {
    **ORDER,
    "return_id": "o-42-r1",
    "days": 30,
    "refund_minor": 2500,
    "lines": [{"sku": "TEA", "quantity": 2}],
    "payment": HELD,
}
SHIPPED = {**ORDER, "shipment_id": "o-42-1", "silent_days": 7}


def given(step: str, payload: dict[str, Any], attempt: int = 2) -> dict[str, Any]:
    return {**ORDER, "letter_id": "l-1", "actor": "admin-1", "step": step, "payload": payload, "attempt": attempt}


@pytest.fixture
def replay(task_hub: Any) -> Replay:
    """`replay(step, payload, …)`: `replay_step` with what a letter holds; activities answer as in `play`."""

    def run(step: str, payload: dict[str, Any], **answers: Any) -> Run:
        return play(task_hub, "replay_step", given(step, payload), "replay:acme:o-42:abc-2", **answers)

    return run


def letter(run: Run) -> dict[str, Any]:
    """What the letter is told."""
    told = [payload for name, payload in run.steps if name == "settle_dead_letter"][-1]
    SettleDeadLetter.model_validate(told)
    return {name: told[name] for name in ("letter_id", "actor", "outcome", "detail")}


def test_step_is_run_with_what_it_was_told_and_its_letter_is_closed(replay: Replay) -> None:
    run = replay("tell_approvers", {**ORDER, "at": "2026-11-01T10:00:00Z", "why": "goes to XX", "hours": 24})

    assert run.end() == {"outcome": "done", "detail": None}
    told = run.payload("tell_approvers")
    assert (told["why"], told["hours"], told["order_id"]) == ("goes to XX", 24, "o-42")
    assert told["at"] > "2026-11-02"  # its own time, not that of the failure
    assert letter(run) == {"letter_id": "l-1", "actor": "admin-1", "outcome": "done", "detail": None}


def test_step_that_fails_again_leaves_its_letter_open_with_the_reason_of_today(replay: Replay) -> None:
    run = replay("send_confirmation", ORDER, send_confirmation=DOWN)

    assert run.end()["outcome"] == "failed"
    assert len(run.attempts("send_confirmation")) == 5
    assert letter(run)["outcome"] == "failed"
    assert "no answer" in letter(run)["detail"]
    assert "\n" not in letter(run)["detail"]


PARKED = {
    "capture": ("ship_parcel", SHIPPED, PARCEL, {"capture_payment": REFUSED}, ["shipped"]),
    "refund of a lost parcel": ("ship_parcel", SHIPPED, PARCEL, {"refund_payment": REFUSED}, ["shipped", "lost"]),
    "refund of a return": ("return_order", RETURNED, RETURN, {"refund_payment": REFUSED}, ["received"]),
}
MODELS = {"capture_payment": CapturePayment, "refund_payment": RefundPayment, "record_shipment": RecordShipment}


@pytest.fixture(params=PARKED)
def parked(request: pytest.FixtureRequest, task_hub: Any) -> dict[str, Any]:
    """What is parked when the provider refuses to move money."""
    orchestrator, told, instance_id, answers, words = PARKED[request.param]
    run = play(task_hub, orchestrator, told, instance_id, seconds=60, **answers)
    for word in words:
        run.tell(word, CARRIER)
    run.hub.advance(minutes=1)
    assert [payload for name, payload in run.steps if name == "flag_order"], "nobody is called"
    return run.payload("park_dead_letter")


def test_money_that_moves_at_last_is_noted_on_the_order_once(replay: Replay, parked: dict[str, Any]) -> None:
    step, payload = parked["step"], parked["payload"]
    MODELS[step].model_validate(payload)

    run = replay(step, payload)

    assert run.end()["outcome"] == "done"
    assert run.payload(f"{step} {payload['subject']}" if "subject" in payload else step)["attempt"] == 2
    noted = next(told for name, told in run.steps if name == "record_movement")
    movement = RecordMovement.model_validate(noted).movement
    assert movement.kind == ("capture" if step == "capture_payment" else "refund")
    assert (movement.key, movement.amount_minor) == (payload["idempotency_key"], 5550)
    assert movement.subject == payload.get("subject", payload.get("shipment_id"))


def test_money_that_is_refused_again_is_not_noted(replay: Replay, parked: dict[str, Any]) -> None:
    run = replay(parked["step"], parked["payload"], capture_payment=REFUSED, refund_payment=REFUSED)

    assert run.end() == {"outcome": "failed", "detail": "charge_disputed"}
    assert "record_movement" not in [name for name, _ in run.steps]
    assert letter(run)["detail"] == "charge_disputed"


def test_money_of_which_nothing_is_known_is_asked_for_until_something_is(replay: Replay) -> None:
    payload = {**SHIPPED, "idempotency_key": "k", "amount_minor": 5550, "payment": HELD}

    run = replay("capture_payment", payload, capture_payment=back_after_an_outage(GOOD["capture_payment"]))

    assert run.end()["outcome"] == "done"
    assert len(run.attempts("capture_payment")) == 11


def test_cancelled_parcel_that_has_left_is_refused_as_often_as_it_is_replayed(task_hub: Any, replay: Replay) -> None:
    gone = {"outcome": "refused", "status": "cancelled", "order_status": "cancelled"}
    run = play(task_hub, "ship_parcel", SHIPPED, PARCEL, seconds=60, record_shipment=gone)
    run.tell("shipped", CARRIER)
    assert run.end()["status"] == "cancelled"
    assert run.payload("flag_order o-42-1")["detail"] == "a cancelled parcel has left"
    parked = run.payload("park_dead_letter")
    RecordShipment.model_validate(parked["payload"])

    again = replay("record_shipment", parked["payload"], record_shipment=gone)

    assert again.end() == {"outcome": "failed", "detail": "refused: cancelled"}
