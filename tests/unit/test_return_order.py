"""Pieces that come back: what is paid for them, and what happens when they do not come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.conftest import ORDER
from tests.unit.sagas import HELD, Run, play

Return = Callable[..., Run]

INSTANCE = "return:acme:o-42:o-42-r1"
GIVEN = {
    **ORDER,
    "return_id": "o-42-r1",
    "days": 30,
    "refund_minor": 2500,
    "lines": [{"sku": "MUG", "quantity": 1}, {"sku": "TEA", "quantity": 2}],
    "payment": HELD,
}


@pytest.fixture
def announced(task_hub: Any) -> Return:
    return lambda **answers: play(task_hub, "return_order", GIVEN, INSTANCE, **answers)


def test_pieces_that_arrive_are_paid_back_and_put_on_the_shelf(announced: Return) -> None:
    returned = announced()
    assert returned.story == []

    returned.tell("received", {"actor": "u-1"})

    assert returned.end() == {"status": "received", "order_status": "returned"}
    assert returned.story == ["refund_payment o-42-r1", "restock MUG", "restock TEA", "record_return received"]
    refund = returned.payload("refund_payment o-42-r1")
    assert (refund["amount_minor"], refund["idempotency_key"]) == (2500, f"{INSTANCE}:refund_payment")
    recorded = returned.payload("record_return received")
    assert (recorded["movement"]["kind"], recorded["actor"]) == ("refund", "u-1")


def test_refused_pieces_bring_no_money(announced: Return) -> None:
    returned = announced()

    returned.tell("refused", {"actor": "u-1", "note": "worn"})

    assert returned.end()["status"] == "refused"
    assert returned.story == ["record_return refused"]
    assert returned.payload("record_return refused")["detail"] == "worn"


def test_pieces_that_do_not_come_within_thirty_days_are_not_waited_for(announced: Return) -> None:
    returned = announced()
    begun = returned.hub.now

    assert returned.end()["status"] == "expired"
    assert (returned.hub.now - begun).days in (29, 30)
    assert returned.story == ["record_return expired"]


def test_refund_that_the_provider_refuses_calls_for_a_person(announced: Return) -> None:
    returned = announced(refund_payment={"outcome": "refused", "detail": "charge_disputed"})

    returned.tell("received", {"actor": "u-1"})

    assert returned.end()["status"] == "received"
    assert returned.payload("park_dead_letter")["step"] == "refund_payment"
    assert "charge_disputed" in returned.payload("flag_order o-42-r1")["detail"]
    assert returned.payload("record_return received")["movement"] is None


def test_pieces_that_nobody_paid_for_go_on_the_shelf_and_bring_no_money(task_hub: Any) -> None:
    returned = play(task_hub, "return_order", {**GIVEN, "refund_minor": 0}, INSTANCE)

    returned.tell("received", {"actor": "u-1"})

    assert returned.end()["status"] == "received"
    assert returned.story == ["restock MUG", "restock TEA", "record_return received"]
    assert returned.payload("record_return received")["movement"] is None
