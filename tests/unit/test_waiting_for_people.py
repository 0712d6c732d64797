"""The saga while a person decides: approvers over large and doubtful orders, customers over what is short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.conftest import PRICED
from tests.unit.sagas import ASKING, DOWN, PLENTY, REVIEW, SHORT, Run, fulfil

Fulfil = Callable[..., Run]

UNDONE = ["release_stock TEA", "release_stock MUG"]


@pytest.fixture
def run(task_hub: Any) -> Fulfil:
    return lambda **answers: fulfil(task_hub, **answers)


@pytest.fixture
def doubtful(run: Fulfil) -> Run:
    return run(assess_risk=REVIEW)


@pytest.fixture
def short(run: Fulfil) -> Run:
    return run(price_order=ASKING, reserve_stock__TEA=SHORT, reserve_stock__MUG=PLENTY)


def test_doubtful_order_waits_for_an_approver(doubtful: Run) -> None:
    assert doubtful.story[4:] == [
        "record_transition reserved",
        "record_transition awaiting_approval",
        "tell_approvers",
    ]
    assert doubtful.payload("record_transition awaiting_approval")["detail"] == "goes to XX"
    assert doubtful.instance.custom_status == {"stage": "awaiting_approval", "why": "goes to XX"}


@pytest.mark.parametrize(("limit", "waits"), [(5549, True), (5550, False), (None, False)])
def test_order_over_the_tenants_threshold_waits_for_an_approver(run: Fulfil, limit: int | None, waits: bool) -> None:
    settings = {**PRICED["settings"], "approval_over_minor": limit}

    order = run(price_order={**PRICED, "settings": settings})

    assert ("record_transition awaiting_approval" in order.story) is waits


def test_approved_order_goes_on_and_the_timeline_says_who_approved(doubtful: Run) -> None:
    doubtful.tell("approval", {"approved": True, "note": "known customer", "actor": "boss"})

    assert doubtful.deliver()["status"] == "delivered"
    assert doubtful.payload("record_transition confirmed")["detail"] == "approved by boss: known customer"


def test_denied_order_is_undone_and_rejected_in_the_approvers_name(doubtful: Run) -> None:
    doubtful.tell("approval", {"approved": False, "note": "no", "actor": "boss"})

    assert doubtful.end() == {"status": "rejected", "reason": "approval_denied"}
    assert doubtful.story[7:] == [*UNDONE, "record_transition rejected", "publish_outcome"]
    assert doubtful.payload("record_transition rejected")["actor"] == "boss"


def test_order_that_nobody_approves_in_time_is_rejected(doubtful: Run) -> None:
    begun = doubtful.hub.now

    assert doubtful.end() == {"status": "rejected", "reason": "approval_timed_out"}
    assert 23 < (doubtful.hub.now - begun).total_seconds() / 3600 < 25


def test_order_that_waits_for_approval_can_be_cancelled(doubtful: Run) -> None:
    doubtful.tell("cancel", {"actor": "c-17"})

    assert doubtful.end()["status"] == "cancelled"
    assert doubtful.story[7:] == [*UNDONE, "record_transition cancelled", "publish_outcome"]


def test_approvers_that_cannot_be_told_are_waited_for_all_the_same(run: Fulfil) -> None:
    order = run(assess_risk=REVIEW, tell_approvers=DOWN)

    order.tell("approval", {"approved": True, "actor": "boss"})

    assert order.payload("park_dead_letter")["step"] == "tell_approvers"
    assert order.deliver()["status"] == "delivered"


def test_threshold_of_many_days_is_kept_in_timers_that_can_be_cancelled(run: Fulfil) -> None:
    settings = {**PRICED["settings"], "approval_timeout_hours": 24 * 14}
    order = run(assess_risk=REVIEW, price_order={**PRICED, "settings": settings})

    order.hub.advance(days=13)
    assert order.instance.runtime_status == "Running"

    assert order.end()["reason"] == "approval_timed_out"


def test_short_order_asks_its_customer_and_holds_what_there_is(short: Run) -> None:
    assert short.story[4:] == ["record_shortage"]
    assert short.payload("record_shortage")["held"] == {"MUG": 1, "TEA": 2}
    assert short.instance.custom_status == {"stage": "awaiting_customer", "held": {"MUG": 1, "TEA": 2}}


def test_customer_who_accepts_gets_what_there_is(short: Run) -> None:
    short.tell("shortage_answered", {"decision": "accept", "kept": {"MUG": 1, "TEA": 2}, "actor": "c-17"})

    assert short.deliver()["status"] == "delivered"
    assert short.payload("record_transition reserved")["kept"] == {"MUG": 1, "TEA": 2}


def test_customer_who_amends_keeps_so_much_and_the_rest_is_free_again(short: Run) -> None:
    short.tell("shortage_answered", {"decision": "amend", "kept": {"TEA": 1}, "actor": "c-17"})

    assert short.deliver()["status"] == "delivered"
    assert short.payload("trim_reservation MUG")["quantity"] == 0
    assert short.payload("trim_reservation TEA")["quantity"] == 1
    assert short.payload("record_transition reserved")["kept"] == {"MUG": 0, "TEA": 1}


def test_answer_that_makes_no_sense_holds_nothing_and_never_less(short: Run) -> None:
    short.tell("shortage_answered", {"kept": {"TEA": -1, "MUG": 9}, "actor": "u-1"})

    short.deliver()

    assert short.payload("record_transition reserved")["kept"] == {"MUG": 1, "TEA": 0}


def test_customer_who_cancels_gets_nothing_and_owes_nothing(short: Run) -> None:
    short.tell("shortage_answered", {"decision": "cancel", "note": "no", "actor": "c-17"})

    assert short.end()["status"] == "cancelled"
    assert short.story[5:] == [*UNDONE, "record_transition cancelled", "publish_outcome"]


def test_customer_who_does_not_answer_is_let_go_after_two_days(short: Run) -> None:
    begun = short.hub.now

    assert short.end() == {"status": "rejected", "reason": "out_of_stock"}
    assert 47 < (short.hub.now - begun).total_seconds() / 3600 < 49


def test_order_that_was_settled_before_is_not_asked_about_again(run: Fulfil) -> None:
    gone = {"outcome": "out_of_stock", "quantity": 0}

    order = run(price_order={**ASKING, "resumed": True}, reserve_stock=gone)

    assert order.end() == {"status": "rejected", "reason": "out_of_stock"}
    assert {payload["in_part"] for name, payload in order.steps if name == "reserve_stock"} == {False}


def test_order_of_which_nothing_is_left_is_not_asked_about(run: Fulfil) -> None:
    nothing = {"outcome": "reserved_in_part", "quantity": 0}

    order = run(price_order=ASKING, reserve_stock=nothing)

    assert order.end() == {"status": "rejected", "reason": "out_of_stock"}
    assert "record_shortage" not in order.story
