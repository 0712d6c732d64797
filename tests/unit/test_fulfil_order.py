"""The saga from pricing to delivery: which steps run, in which order, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.conftest import AT, KEY, ORDER, PRICED
from tests.unit.sagas import CONFIRMED, DOWN, PARCEL, Answer, Run, back_after_an_outage, fulfil

Fulfil = Callable[..., Run]


@pytest.fixture
def run(task_hub: Any) -> Fulfil:
    return lambda **answers: fulfil(task_hub, **answers)


def test_good_order_is_reserved_charged_confirmed_told_and_delivered(run: Fulfil) -> None:
    order = run()

    assert order.deliver() == {"status": "delivered", "reason": None}
    assert order.story == [
        "price_order",
        "reserve_stock MUG",
        "reserve_stock TEA",
        "assess_risk",
        "record_transition reserved",
        "authorise_payment",
        "record_transition confirmed",
        "send_confirmation",
        "book_shipment",
        "record_shipment shipped",
        "commit_stock MUG",
        "commit_stock TEA",
        "capture_payment",
        "record_movement",
        "record_shipment delivered",
        "publish_outcome",
    ]
    assert order.stages == ["pricing", "reserving", "charging", "confirming", "shipping", "delivered"]


def test_every_step_is_told_whose_order_it_is_and_when(run: Fulfil) -> None:
    order = run()

    assert all(payload.items() >= ORDER.items() for _, payload in order.steps)
    times = [payload["at"] for _, payload in order.steps]
    assert times[0] == AT.isoformat()
    assert times[5] == (AT + timedelta(seconds=3)).isoformat()
    assert times == sorted(times)


def test_charge_has_the_recorded_total_and_its_deterministic_key(run: Fulfil) -> None:
    recorded = {"outcome": "recorded", "total_minor": 5000, "shipment_ids": ["o-42-1"]}
    payload = run(record_transition__reserved=recorded).payload("authorise_payment")

    assert payload["amount_minor"] == 5000
    assert payload["idempotency_key"] == KEY


def test_confirmation_records_what_the_provider_holds(run: Fulfil) -> None:
    held = run().payload("record_transition confirmed")["movement"]

    assert held == {
        "kind": "authorisation",
        "key": KEY,
        "provider_id": "pi_1",
        "amount_minor": 5550,
        "currency": "EUR",
    }


def test_reservation_records_prices_and_warehouses(run: Fulfil) -> None:
    assert run().payload("record_transition reserved")["offers"] == PRICED["offers"]


def test_every_warehouse_sends_a_parcel_of_its_own(run: Fulfil) -> None:
    two = {"outcome": "recorded", "total_minor": 5550, "shipment_ids": ["o-42-1", "o-42-2"]}
    half_way = {"outcome": "recorded", "status": "shipped", "order_status": "partially_shipped"}
    order = run(record_transition__confirmed=two, record_shipment__shipped=half_way)

    for number in (1, 2):
        for status in ("shipped", "delivered"):
            order.tell(status, {"actor": "carrier-1"}, f"ship:acme:o-42:o-42-{number}")

    assert order.end() == {"status": "delivered", "reason": None}
    assert [payload["shipment_id"] for name, payload in order.steps if name == "book_shipment"] == ["o-42-1", "o-42-2"]


def test_decided_order_ends_at_once(run: Fulfil) -> None:
    order = run(price_order={"outcome": "decided", "status": "rejected", "reason": "out_of_stock"})

    assert order.end() == {"status": "rejected", "reason": "out_of_stock"}
    assert order.story == ["price_order"]


def test_silent_provider_that_holds_the_money_leads_to_confirmation(run: Fulfil) -> None:
    found = {"outcome": "authorised", "provider_id": "pi_late", "amount_minor": 5550}
    order = run(authorise_payment=DOWN, find_payment=found)

    assert order.story[5:8] == ["authorise_payment", "find_payment", "record_transition confirmed"]
    assert order.attempts("authorise_payment") == [0, 3, 6, 9, 12]
    assert order.payload("record_transition confirmed")["movement"]["provider_id"] == "pi_late"
    assert order.payload("find_payment")["since"] == PRICED["placed_at"]


@pytest.mark.parametrize(("step", "good"), [("price_order", PRICED), ("record_transition__confirmed", CONFIRMED)])
def test_outage_before_the_first_or_at_the_last_step_is_waited_out(run: Fulfil, step: str, good: Answer) -> None:
    order = run(**{step: back_after_an_outage(good)})

    assert order.attempts(step.replace("__", " ")) == [0, 3, 6, 9, 12, 13, 44, 75, 106, 137, 168]
    assert order.deliver()["status"] == "delivered"
    assert "release_stock TEA" not in order.story


def test_mail_that_cannot_be_sent_is_parked_and_the_parcels_go(run: Fulfil) -> None:
    order = run(send_confirmation=DOWN)

    assert order.deliver()["status"] == "delivered"
    assert order.payload("park_dead_letter")["step"] == "send_confirmation"


def test_order_confirmed_by_another_run_is_left_to_it(run: Fulfil) -> None:
    order = run(record_transition__reserved={"outcome": "decided", "status": "confirmed"})

    assert order.end()["status"] == "confirmed"
    assert order.story[5:] == ["publish_outcome"]


def test_run_that_fails_beside_one_that_confirmed_reports_the_confirmation(run: Fulfil) -> None:
    order = run(
        reserve_stock__TEA={"outcome": "out_of_stock"},
        record_transition__rejected={"outcome": "decided", "status": "confirmed"},
    )

    assert order.end()["status"] == "confirmed"


def test_order_whose_only_parcel_is_lost_fails(run: Fulfil) -> None:
    lost = {"outcome": "recorded", "status": "lost", "order_status": "failed"}
    order = run(record_shipment__lost=lost)

    assert order.deliver(then="lost") == {"status": "failed", "reason": None}
    assert order.payload("record_shipment lost")["movement"]["kind"] == "refund"
    assert PARCEL in order.payload("refund_payment o-42-1")["idempotency_key"]
    assert order.payload("park_dead_letter")["fault"] == "every parcel was lost"


def test_order_of_which_something_has_come_back_by_the_time_it_is_recorded_as_delivered_ends_well(run: Fulfil) -> None:
    order = run(record_shipment__delivered={"outcome": "recorded", "status": "delivered", "order_status": "returned"})

    assert order.deliver() == {"status": "delivered", "reason": None}
