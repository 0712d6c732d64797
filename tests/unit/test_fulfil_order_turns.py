"""The saga as a generator, driven by hand: what it yields, where a task hub cannot show it or takes long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from orchestrators.fulfil_order import fulfil_order
from tests.unit.conftest import AT, ORDER, PRICED

RESERVED = [{"outcome": "reserved"}] * 2
RECORDED = {"outcome": "recorded", "total_minor": 5550}
AUTHORISED = {"outcome": "authorised", "provider_id": "pi_1", "amount_minor": 5550}


@dataclass
class Step:
    """One scheduled activity."""

    activity: str
    payload: dict[str, Any]


@dataclass
class Together:
    """Several activities at once."""

    steps: list[Step]


class FakeContext:
    """What the SDK's context offers the saga."""

    current_utc_datetime = AT

    def get_input(self) -> dict[str, Any]:
        return dict(ORDER)

    def call_activity_with_retry(self, name: str, _: Any, payload: dict[str, Any]) -> Step:
        return Step(name, payload)

    def task_all(self, steps: list[Step]) -> Together:
        return Together(steps)

    def set_custom_status(self, status: dict[str, Any]) -> None:
        """Shown to people; the saga never reads it."""


@pytest.fixture
def saga() -> Any:
    return fulfil_order(FakeContext())  # type: ignore[arg-type]  # the SDK has no types to check against


def failure(activity: str) -> Exception:
    """As the SDK raises it: a plain Exception with text alone."""
    return Exception(f"Activity function '{activity}' failed:  Transient: no answer \n Traceback ...")


def test_all_parallel_steps_are_awaited_before_a_failure_is_acted_on(saga: Any) -> None:
    next(saga)
    together = saga.send(PRICED)
    awaited = [saga.throw(failure("reserve_stock")), saga.throw(failure("reserve_stock"))]
    compensation = saga.send({"outcome": "reserved"})

    assert awaited == together.steps
    assert (compensation.activity, compensation.payload["sku"]) == ("release_stock", "TEA")


def test_confirmation_that_cannot_be_recorded_ever_undoes_nothing_as_it_may_have_been(saga: Any) -> None:
    next(saga)
    for answer in (PRICED, RESERVED, RECORDED):
        saga.send(answer)
    confirmation = saga.send(AUTHORISED)
    insisted = saga.throw(failure("record_transition"))

    assert confirmation == insisted
    assert insisted.payload["to"] == "confirmed"
    with pytest.raises(Exception, match="record_transition"):
        saga.throw(failure("record_transition"))


@pytest.mark.parametrize("steps", range(5))
def test_stopping_the_saga_at_any_step_starts_nothing_more(saga: Any, steps: int) -> None:
    answers: list[Any] = [PRICED, RESERVED, RECORDED, AUTHORISED, RECORDED]
    next(saga)
    for answer in answers[:steps]:
        saga.send(answer)

    saga.close()  # raises RuntimeError if the generator yields again
