"""The clock of a hub: it moves only when it is told to, and stops at every moment at which something is due."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import localazure.testing
import pytest
from localazure.testing import Hub, StillWaiting, TestingError


def test_a_day_passes_in_milliseconds(hub: Hub) -> None:
    order = hub.start("approve")
    began = time.process_time()
    hub.advance(hours=24)
    assert order.wait().output == "timed out"
    assert time.process_time() - began < 1
    assert hub.now == datetime(2026, 1, 2, tzinfo=UTC)


def test_nothing_fires_before_its_time(hub: Hub) -> None:
    order = hub.start("approve")
    hub.advance(hours=23, minutes=59)
    assert order.runtime_status == "Running"
    hub.advance(timedelta(minutes=1))
    assert order.runtime_status == "Completed"


def test_timers_on_the_way_fire_in_order_and_each_at_its_own_moment(hub: Hub) -> None:
    hub.start("sleepers", [30, 30])
    hub.start("sleepers", [20, 25])
    hub.advance(hours=2)
    noted = [(call.input[0], call.input[1][11:16]) for call in hub.calls("note")]
    assert noted == [(20, "00:20"), (30, "00:30"), (25, "00:45"), (30, "01:00")]
    assert hub.now.hour == 2


def test_wait_says_what_an_instance_waits_for(hub: Hub) -> None:
    order = hub.start("approve", instance_id="o-1")
    order.raise_event("aproval")
    with pytest.raises(StillWaiting) as waiting:
        order.wait()
    assert str(waiting.value).splitlines() == [
        "instance 'o-1' of approve is Running at 2026-01-01T00:00:00.000000Z on the hub's clock and waits for",
        "  - a timer, due at 2026-01-02T00:00:00.000000Z, in 1 day, 0:00:00: hub.advance(...)",
        "  - event 'approval': raise_event(...)",
        "  - (event 'aproval' has come, and nothing asks for it)",
    ]


def test_a_retry_is_named_as_what_it_is(hub: Hub) -> None:
    hub.replace("charge", RuntimeError("down"))
    order = hub.start("insist")
    assert "the next attempt of charge, due at 2026-01-01T00:01:00" in order.waits_for()


def test_with_skipping_wait_lets_time_jump(make_hub: Any) -> None:
    hub = make_hub(time="skip")
    assert hub.run("sleepers", [60, 600]).output == "awake"
    assert hub.now == datetime(2026, 1, 1, 11, tzinfo=UTC)


def test_with_skipping_time_stands_still_outside_of_wait(make_hub: Any) -> None:
    hub = make_hub(time="skip")
    order = hub.start("approve")
    order.raise_event("approval")
    assert order.wait().output == "charged"
    assert hub.now == datetime(2026, 1, 1, tzinfo=UTC)


def test_skipping_ends_at_its_limit(make_hub: Any) -> None:
    hub = make_hub(time="skip")
    order = hub.start("approve")
    with pytest.raises(StillWaiting, match="a timer, due at"):
        order.wait(within=timedelta(hours=23))


def test_skipping_ends_when_nothing_is_due(make_hub: Any, orchestrators: Any) -> None:
    def listen(context: Any) -> Any:
        return (yield context.wait_for_external_event("word"))

    hub = make_hub(time="skip", orchestrators=[listen])
    with pytest.raises(StillWaiting, match="event 'word'"):
        hub.run("listen")


def test_retries_come_at_their_intervals(make_hub: Any) -> None:
    hub = make_hub(time="skip", activities={"charge": RuntimeError("down")})
    assert hub.run("insist").runtime_status == "Failed"
    assert len(hub.calls("charge")) == 3
    assert hub.now == datetime(2026, 1, 1, 0, 2, tzinfo=UTC)


def test_a_hub_is_not_driven_from_within(make_hub: Any) -> None:
    async def meddle(_: Any) -> str:
        hub.advance(hours=1)
        return "moved"

    hub = make_hub(activities={"charge": meddle})
    assert "a Hub is driven by tests" in hub.run("pay").output


def test_the_first_moment_can_be_chosen(make_hub: Any) -> None:
    moment = datetime(2030, 5, 1, 12, tzinfo=UTC)
    assert make_hub(starts_at=moment).start("approve").status().created_at == moment


def test_names_of_the_kit_are_imported_when_used() -> None:
    assert issubclass(localazure.testing.StillBusy, TestingError)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = localazure.testing.Nothing
