"""Faults by rule: what a rule does to the n-th invocation, and that nothing is lost or done twice that must not be."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from localazure.testing import Hub, StillWaiting

MOMENTS = ("before", "after", "before_commit", "after_commit")


def outcomes(hub: Hub, name: str = "charge") -> list[str]:
    return [str(call.outcome) for call in hub.calls(name)]


def test_the_nth_invocation_fails_and_no_other(hub: Hub) -> None:
    rule = hub.on("charge", 2).fail(ValueError("no such card"))
    outputs = [hub.run("pay").output for _ in range(3)]
    assert outputs[0] == outputs[2] == "charged"
    assert "ValueError: no such card" in outputs[1]
    assert outcomes(hub) == ["returned", "prevented", "returned"]
    assert rule.fired == 1


def test_a_failure_after_the_effect_leaves_the_effect(make_hub: Any) -> None:
    charged: list[Any] = []
    hub = make_hub(time="skip", activities={"charge": lambda given: charged.append(given) or "charged"})
    hub.on("charge").fail("the answer was lost", when="after")
    assert hub.run("insist", "o-1").output == "charged"
    assert charged == ["o-1", "o-1"]
    assert outcomes(hub) == ["raised", "returned"]


def test_a_rule_for_every_invocation_ends_with_calm(hub: Hub) -> None:
    rule = hub.on("charge", None).fail()
    assert [hub.run("pay").runtime_status for _ in range(2)] == ["Failed", "Failed"]
    assert rule.fired == 2
    hub.calm()
    assert hub.run("pay").runtime_status == "Completed"


def test_a_rule_for_one_instance_counts_that_instance_alone(hub: Hub) -> None:
    hub.on("charge", instance="b").fail()
    assert hub.run("pay", instance_id="a").runtime_status == "Completed"
    assert hub.run("pay", instance_id="b").runtime_status == "Failed"


def test_a_delayed_result_comes_when_its_time_has_come(hub: Hub) -> None:
    hub.on("charge").delay(minutes=5)
    order = hub.start("pay")
    with pytest.raises(StillWaiting, match="activity charge, which a fault rule keeps back"):
        order.wait()
    hub.advance(minutes=4)
    assert order.runtime_status == "Running"
    hub.advance(minutes=1)
    assert order.output == "charged"


def test_delays_and_timers_share_one_clock(hub: Hub) -> None:
    hub.on("note").delay(minutes=30)
    hub.start("sleepers", [10, 10])
    hub.advance(hours=1)
    assert [call.input[1][11:16] for call in hub.calls("note")] == ["00:10", "00:50"]


def test_a_held_result_comes_when_it_is_released(hub: Hub) -> None:
    rule = hub.on("charge").hold()
    order = hub.start("pay")
    assert (order.runtime_status, outcomes(hub)) == ("Running", ["running"])
    rule.release()
    assert order.output == "charged"


def test_what_happens_between_an_effect_and_its_result_can_be_played(hub: Hub) -> None:
    rule = hub.on("charge").hold()
    order = hub.start("pay")
    order.terminate("changed my mind")
    rule.release()
    assert (order.wait().runtime_status, outcomes(hub)) == ("Terminated", ["returned"])


def test_a_reordered_result_comes_last(hub: Hub) -> None:
    assert hub.run("fan_out", ["a", "b", "c"]).output[0] == "a"
    hub.on("note").reorder()
    assert hub.run("fan_out", ["a", "b", "c"]).output[0] != "a"


def test_a_duplicate_runs_twice_and_counts_once(make_hub: Any) -> None:
    charged: list[Any] = []
    hub = make_hub(activities={"charge": lambda given: charged.append(given) or len(charged)})
    hub.on("charge").duplicate()
    assert hub.run("pay", "o-1").output == 2
    assert charged == ["o-1", "o-1"]


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize(("name", "turns"), [("charge", 1), ("approve", 2), ("counter", 1)])
def test_an_instance_survives_a_crash_at_every_moment(make_hub: Any, name: str, turns: int, when: str) -> None:
    for n in range(1, turns + 1):
        hub = make_hub()
        rule = hub.on(name, n).crash(when)
        order = hub.start("approve")
        order.raise_event("approval")
        counting = hub.start("count", 1)

        assert order.wait().output == "charged"
        assert counting.wait().output == 1
        assert hub.entity("counter", "one") == 1
        assert (rule.fired, hub.crashes) == (1, 1)


def test_an_effect_is_repeated_only_when_its_result_was_not_committed(make_hub: Any) -> None:
    runs = {}
    for when in MOMENTS:
        effects: list[Any] = []
        hub = make_hub(activities={"charge": effects.append})
        hub.on("charge").crash(when)
        hub.run("pay", "o-1")
        runs[when] = len(effects)
    assert runs == {"before": 1, "after": 2, "before_commit": 2, "after_commit": 1}


def test_a_crash_on_demand_loses_only_what_was_not_committed(hub: Hub) -> None:
    order = hub.start("approve", "o-1")
    held = hub.on("charge").hold(when="before")
    order.raise_event("approval")
    hub.crash()
    assert hub.crashes == 1
    assert order.wait().output == "charged"
    assert outcomes(hub) == ["prevented", "returned"]
    assert held.fired == 1


def test_timers_survive_a_crash_and_a_restart(hub: Hub) -> None:
    order = hub.start("approve")
    hub.crash()
    hub.advance(hours=12)
    hub.restart()
    hub.advance(hours=12)
    assert order.output == "timed out"


def test_an_effect_under_way_in_a_thread_ends_before_the_hub_is_open_again(make_hub: Any) -> None:
    began, events = threading.Event(), []

    def slow(_: Any) -> str:
        events.append("begin")
        if not began.is_set():
            began.set()
            threading.Event().wait(0.05)
        events.append("end")
        return "charged"

    hub = make_hub(activities={"charge": slow})
    with hub.together():
        order = hub.start("pay")
        began.wait(5)
        hub.crash()
    assert order.wait().output == "charged"
    assert events == ["begin", "end"] * 2


def test_around_a_commit_a_rule_can_only_crash(hub: Hub) -> None:
    with pytest.raises(ValueError, match="only crash"):
        hub.on("charge").delay(when="after_commit", minutes=1)
    with pytest.raises(ValueError, match="afterwards"):
        hub.on("charge").crash("afterwards")


def test_an_orchestrator_turn_fails_and_is_rewound(hub: Hub) -> None:
    hub.on("pay", 2).fail("a defect of the code")
    order = hub.start("pay")
    assert "a defect of the code" in order.wait().output
    order.rewind()
    assert order.wait().output == "charged"
