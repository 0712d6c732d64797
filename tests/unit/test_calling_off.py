"""The saga when an order cannot or must not go on: what is undone, in which order, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.conftest import KEY, PRICED
from tests.unit.sagas import DOWN, GOOD, PARCEL, RECORDED, Run, back_after_an_outage, fulfil

Fulfil = Callable[..., Run]

UNDONE = ["release_stock TEA", "release_stock MUG"]
DECLINED = {"outcome": "declined", "detail": "stolen_card"}


@pytest.fixture
def run(task_hub: Any) -> Fulfil:
    return lambda **answers: fulfil(task_hub, **answers)


def cancel(order: Run) -> None:
    order.tell("cancel", {"actor": "c-17", "note": "changed my mind"})


@pytest.mark.parametrize("reason", ["unknown_sku", "currency_mismatch"])
def test_order_that_cannot_be_priced_is_rejected_with_nothing_to_undo(run: Fulfil, reason: str) -> None:
    order = run(price_order={"outcome": reason, "detail": "why"})

    assert order.story == ["price_order", "record_transition rejected", "publish_outcome"]
    assert order.payload("record_transition rejected")["reason"] == reason
    assert order.payload("record_transition rejected")["detail"] == "why"


@pytest.mark.parametrize("reason", ["out_of_stock", "unknown_sku"])
def test_missing_stock_releases_every_sku_before_the_rejection(run: Fulfil, reason: str) -> None:
    order = run(reserve_stock__TEA={"outcome": reason})

    assert order.story[4:] == [*UNDONE, "record_transition rejected", "publish_outcome"]
    assert order.end() == {"status": "rejected", "reason": reason}


def test_risk_that_is_too_high_rejects_the_order(run: Fulfil) -> None:
    order = run(assess_risk={"verdict": "reject", "findings": ["nothing is shipped to XX"]})

    assert order.end() == {"status": "rejected", "reason": "risk"}
    assert order.story[4:] == [*UNDONE, "record_transition rejected", "publish_outcome"]


def test_declined_card_is_compensated_in_reverse_before_the_rejection(run: Fulfil) -> None:
    order = run(authorise_payment=DECLINED)

    assert order.story[6:] == ["void_payment", *UNDONE, "record_transition rejected", "publish_outcome"]
    assert order.payload("record_transition rejected")["detail"] == "stolen_card"
    assert order.payload("void_payment")["idempotency_key"] == KEY


def test_silent_provider_that_holds_nothing_fails_the_order_after_compensations(run: Fulfil) -> None:
    order = run(authorise_payment=DOWN)

    assert order.story[7:] == [
        "void_payment",
        *UNDONE,
        "record_transition failed",
        "park_dead_letter",
        "publish_outcome",
    ]
    recorded = order.payload("record_transition failed")
    assert recorded["needs_attention"] is True
    assert recorded["detail"] == "authorise_payment kept failing"
    assert order.payload("park_dead_letter")["fault"] == "authorise_payment kept failing"


def test_reservation_that_keeps_failing_waits_for_the_others_and_is_released_too(run: Fulfil) -> None:
    order = run(reserve_stock__MUG=DOWN)

    assert order.story[4:] == [*UNDONE, "record_transition failed", "park_dead_letter", "publish_outcome"]


def test_reservation_that_cannot_be_recorded_undoes_everything(run: Fulfil) -> None:
    order = run(record_transition__reserved=DOWN)

    assert order.story[-5:-3] == UNDONE
    assert "void_payment" not in order.story
    assert order.end()["status"] == "failed"


def test_later_run_lets_go_of_what_an_earlier_one_may_have_asked_for(run: Fulfil) -> None:
    order = run(price_order={**PRICED, "resumed": True}, reserve_stock__TEA={"outcome": "out_of_stock"})

    assert order.story[4:7] == [*UNDONE, "void_payment"]


def test_order_called_off_by_another_run_is_undone_and_keeps_that_ending(run: Fulfil) -> None:
    order = run(record_transition__confirmed={"outcome": "decided", "status": "cancelled"})

    assert order.story[7:] == ["void_payment", *UNDONE, "record_transition cancelled", "publish_outcome"]
    assert order.end()["status"] == "cancelled"


def test_ending_of_a_called_off_order_outlives_an_outage(run: Fulfil) -> None:
    order = run(authorise_payment=DECLINED, record_transition__rejected=back_after_an_outage(RECORDED))

    assert len(order.attempts("record_transition rejected")) == 11
    assert order.end()["status"] == "rejected"


def test_compensation_that_keeps_failing_waits_for_a_person_and_goes_on_where_it_stopped(run: Fulfil) -> None:
    order = run(authorise_payment=DECLINED, release_stock__TEA=DOWN)

    assert order.story[6:] == ["void_payment", *UNDONE, "park_dead_letter TEA", "flag_order compensation:1"]
    letter = order.payload("park_dead_letter TEA")
    assert (letter["step"], letter["payload"]["sku"]) == ("release_stock", "TEA")
    assert "no answer" in letter["fault"]
    assert order.instance.custom_status["stage"] == "needs_attention"

    order.hub.replace("release_stock", GOOD["release_stock"])
    order.tell("replay", {"actor": "u-1"})

    assert order.end() == {"status": "rejected", "reason": "payment_declined"}
    assert [name for name, _ in order.steps].count("void_payment") == 1
    assert [payload["sku"] for name, payload in order.steps[-4:] if name == "release_stock"] == ["TEA"]
    called, attended = (payload for name, payload in order.steps if name == "flag_order")
    assert "needs_attention" not in called
    assert (attended["needs_attention"], attended["actor"]) == (False, "u-1")


def test_replay_that_comes_too_early_parks_the_step_again(run: Fulfil) -> None:
    order = run(authorise_payment=DECLINED, release_stock=DOWN)

    order.tell("replay")
    order.hub.advance(minutes=1)

    assert order.instance.runtime_status == "Running"
    flags = [payload["subject"] for name, payload in order.steps if name == "flag_order"]
    assert flags == ["compensation:1", "compensation:2"]


@pytest.mark.parametrize(
    ("seconds", "last_step", "undone"),
    [
        (0.5, "price_order", []),
        (1.5, "assess_risk", UNDONE),
        (2.5, "record_transition reserved", UNDONE),
    ],
)
def test_cancellation_is_heeded_before_the_next_step_that_has_an_effect(
    run: Fulfil, seconds: float, last_step: str, undone: list[str]
) -> None:
    order = run(seconds=seconds)

    cancel(order)

    assert order.end()["status"] == "cancelled"
    steps = order.story
    assert steps[steps.index(last_step) + 1 :] == [*undone, "record_transition cancelled", "publish_outcome"]
    recorded = order.payload("record_transition cancelled")
    assert (recorded["actor"], recorded["detail"]) == ("c-17", "changed my mind")


def test_cancellation_during_the_charge_lets_go_of_the_money_once_the_parcels_are_called_back(run: Fulfil) -> None:
    order = run(seconds=3.5)

    cancel(order)
    order.hub.advance(minutes=1)
    order.tell("cancelled", {}, PARCEL)

    assert order.end()["status"] == "cancelled"
    assert "void_payment" in order.story


def test_cancelled_order_that_was_confirmed_calls_its_parcels_back(run: Fulfil) -> None:
    order = run()

    cancel(order)
    order.hub.advance(minutes=1)
    order.tell("cancelled", {}, PARCEL)

    assert order.end()["status"] == "cancelled"
    assert order.story[-6:] == ["cancel_shipments", "call_back_parcels", "void_payment", *UNDONE, "publish_outcome"]
    assert order.payload("cancel_shipments")["actor"] == "c-17"


def test_cancellation_that_comes_too_late_changes_nothing(run: Fulfil) -> None:
    order = run(cancel_shipments={"outcome": "too_late", "status": "shipped"})

    cancel(order)

    assert order.deliver()["status"] == "delivered"
    assert "void_payment" not in order.story
