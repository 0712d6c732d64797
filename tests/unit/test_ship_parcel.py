"""One parcel from booking to the door, and what becomes of one that is silent, lost or called back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.conftest import ORDER
from tests.unit.sagas import PARCEL, Run, back_after_an_outage, play

Ship = Callable[..., Run]

GIVEN = {**ORDER, "shipment_id": "o-42-1", "silent_days": 7}
CARRIER = {"actor": "carrier-1"}


@pytest.fixture
def ship(task_hub: Any) -> Ship:
    return lambda **answers: play(task_hub, "ship_parcel", GIVEN, PARCEL, **answers)


def test_parcel_that_leaves_takes_its_money_and_its_stock(ship: Ship) -> None:
    parcel = ship()
    parcel.tell("shipped", CARRIER)
    parcel.hub.advance(minutes=1)

    left = ["record_shipment shipped", "commit_stock MUG", "commit_stock TEA", "capture_payment", "record_movement"]
    assert parcel.story == ["book_shipment", *left]
    capture = parcel.payload("capture_payment")
    assert capture["amount_minor"] == 5550
    assert capture["idempotency_key"] == f"{PARCEL}:capture_payment"
    assert parcel.payload("record_shipment shipped")["actor"] == "carrier-1"
    movement = next(payload["movement"] for name, payload in parcel.steps if name == "record_movement")
    assert (movement["kind"], movement["subject"]) == ("capture", "o-42-1")


@pytest.mark.parametrize("end", ["delivered", "lost"])
def test_carrier_who_skips_a_word_is_understood(ship: Ship, end: str) -> None:
    parcel = ship()

    parcel.tell(end, CARRIER)

    assert parcel.end()["status"] == end
    assert [step for step in parcel.story if "record_shipment" in step] == [
        "record_shipment shipped",
        f"record_shipment {end}",
    ]


def test_lost_parcel_is_paid_back(ship: Ship) -> None:
    parcel = ship()
    for word in ("shipped", "lost"):
        parcel.tell(word, CARRIER)

    assert parcel.end()["status"] == "lost"
    assert parcel.payload("refund_payment o-42-1")["idempotency_key"] == f"{PARCEL}:refund_payment"
    assert parcel.payload("record_shipment lost")["movement"]["kind"] == "refund"


def test_silent_parcel_is_escalated_every_week_and_still_waited_for(ship: Ship) -> None:
    parcel = ship()

    parcel.hub.advance(days=22)
    parcel.tell("shipped", CARRIER)
    parcel.tell("delivered", CARRIER)

    assert parcel.end()["status"] == "delivered"
    assert [payload["silences"] for name, payload in parcel.steps if name == "escalate_parcel"] == [1, 2, 3]


@pytest.mark.parametrize("booked", ["cancelled", "booked"])
def test_parcel_of_a_cancelled_order_ends_without_leaving(ship: Ship, booked: str) -> None:
    parcel = ship(
        **({"book_shipment": {"status": "cancelled", "order_status": "cancelled"}} if booked != "booked" else {})
    )
    if booked == "booked":
        parcel.tell("cancelled", {})

    assert parcel.end()["status"] == "cancelled"
    assert parcel.story == ["book_shipment"]


def test_parcel_that_was_never_told_finds_out_when_it_is_looked_after(ship: Ship) -> None:
    parcel = ship(escalate_parcel={"outcome": "cancelled", "status": "cancelled"})

    assert parcel.end()["status"] == "cancelled"


def test_cancelled_parcel_that_left_all_the_same_is_a_dead_letter_and_takes_no_money(ship: Ship) -> None:
    refused = {"outcome": "refused", "status": "cancelled", "order_status": "cancelled"}
    parcel = ship(record_shipment__shipped=refused)

    parcel.tell("shipped", CARRIER)

    assert parcel.end()["status"] == "cancelled"
    assert parcel.payload("park_dead_letter")["fault"] == "a cancelled parcel has left"
    assert parcel.payload("flag_order o-42-1")["detail"] == "a cancelled parcel has left"
    assert "capture_payment" not in parcel.story


def test_refused_capture_calls_for_a_person_and_the_parcel_travels_on(ship: Ship) -> None:
    parcel = ship(capture_payment={"outcome": "refused", "detail": "charge_expired_for_capture"})
    for word in ("shipped", "delivered"):
        parcel.tell(word, CARRIER)

    assert parcel.end()["status"] == "delivered"
    assert parcel.payload("park_dead_letter")["step"] == "capture_payment"
    assert "charge_expired_for_capture" in parcel.payload("flag_order o-42-1")["detail"]
    assert not [name for name, _ in parcel.steps if name == "record_movement"]


def test_outage_of_the_provider_is_waited_out_because_the_parcel_has_left(ship: Ship) -> None:
    good = {"outcome": "captured", "movement": {"provider_id": "pi_1", "currency": "EUR", "amount_minor": 5550}}
    parcel = ship(capture_payment=back_after_an_outage(good))
    for word in ("shipped", "delivered"):
        parcel.tell(word, CARRIER)

    assert parcel.end()["status"] == "delivered"
    assert len(parcel.attempts("capture_payment")) == 11


def test_lost_parcel_that_was_never_paid_for_brings_no_money_and_calls_nobody_again(ship: Ship) -> None:
    refused = {"outcome": "refused", "detail": "charge_expired_for_capture"}
    parcel = ship(capture_payment=refused, refund_payment={"outcome": "nothing_taken"})
    for word in ("shipped", "lost"):
        parcel.tell(word, CARRIER)

    assert parcel.end()["status"] == "lost"
    assert parcel.payload("refund_payment o-42-1")["shipment_id"] == "o-42-1"
    assert [payload["step"] for name, payload in parcel.steps if name == "park_dead_letter"] == ["capture_payment"]
    assert parcel.payload("record_shipment lost")["movement"] is None


def test_lost_parcel_that_cannot_be_paid_back_calls_for_a_person(ship: Ship) -> None:
    parcel = ship(refund_payment={"outcome": "refused", "detail": "charge_disputed"})
    for word in ("shipped", "lost"):
        parcel.tell(word, CARRIER)

    assert parcel.end()["status"] == "lost"
    assert parcel.payload("park_dead_letter")["step"] == "refund_payment"
    [flag] = [payload for name, payload in parcel.steps if name == "flag_order"]
    assert flag["detail"] == "the refund was refused: charge_disputed"
