"""The breaker by itself, and the sagas that it holds back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.breaker import Breaker, BreakerState
from tests.unit import sagas
from tests.unit.conftest import AT
from tests.unit.sagas import DOWN, GOOD, fulfil


def after_failures(*seconds: float) -> Breaker:
    breaker = Breaker()
    for second in seconds:
        breaker = breaker.failed(AT + timedelta(seconds=second))
    return breaker


@pytest.mark.parametrize(
    ("failures", "state"),
    [
        ((0, 1, 2, 3), BreakerState.CLOSED),
        ((0, 1, 2, 3, 4), BreakerState.OPEN),
        ((0, 20, 40, 59, 61), BreakerState.CLOSED),
        ((0, 15, 30, 45, 59), BreakerState.OPEN),
    ],
)
def test_five_failures_within_a_minute_open_it(failures: tuple[float, ...], state: BreakerState) -> None:
    assert after_failures(*failures).state is state


def test_success_forgets_the_failures() -> None:
    assert after_failures(0, 1, 2, 3).succeeded().failed(AT + timedelta(seconds=4)).state is BreakerState.CLOSED


def test_open_breaker_lets_one_request_through_after_half_a_minute() -> None:
    breaker = after_failures(0, 0, 0, 0, 0)

    _, wait_s = breaker.admit(AT + timedelta(seconds=10))
    half_open, goes = breaker.admit(AT + timedelta(seconds=30))
    _, others_wait_s = half_open.admit(AT + timedelta(seconds=31))

    assert (wait_s, goes, others_wait_s) == (20, None, 29)
    assert half_open.succeeded().state is BreakerState.CLOSED
    assert half_open.failed(AT + timedelta(seconds=32)).state is BreakerState.OPEN


def test_request_that_never_reported_does_not_close_the_door_for_ever() -> None:
    half_open, _ = after_failures(0, 0, 0, 0, 0).admit(AT + timedelta(seconds=30))

    assert half_open.admit(AT + timedelta(seconds=60))[1] is None


def test_breaker_reads_back_as_it_was_stored() -> None:
    breaker = after_failures(0, 1)

    assert Breaker.model_validate(breaker.to_json()) == breaker


def test_provider_that_is_down_is_left_alone_by_the_next_order(task_hub: Any) -> None:
    first = fulfil(task_hub, authorise_payment=DOWN, seconds=30)
    assert first.hub.entity("circuit_breaker", "payments")["state"] == "open"

    second = first.hub.start("fulfil_order", {**first.payload("price_order"), "order_id": "o-43"})
    first.hub.advance(seconds=5)
    tried = len(first.hub.calls("authorise_payment"))
    assert second.custom_status["stage"] == "waiting_for_provider"

    first.hub.replace("authorise_payment", GOOD["authorise_payment"])
    first.hub.advance(seconds=60)

    assert len(first.hub.calls("authorise_payment")) == tried + 1
    assert first.hub.entity("circuit_breaker", "payments")["state"] == "closed"


def test_order_that_is_held_back_for_long_asks_ever_less_often(task_hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def circuit_breaker(context: Any) -> None:
        context.set_result({"admitted": False, "retry_after_s": 30})

    monkeypatch.setattr(sagas, "ENTITIES", (circuit_breaker,))
    order = fulfil(task_hub)
    for _ in range(24):  # the hub's patience is for each step: hundreds of replays in one are much for a busy machine
        order.hub.advance(hours=1)

    assert order.instance.custom_status == {"stage": "waiting_for_provider", "retry_after_s": 600}
    assert len(order.instance.history) < 2500
