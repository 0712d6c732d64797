"""External events: delivered when they are awaited, each once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

JSON = {"Content-Type": "application/json"}


def _collector(rig: Any, count: int, name: str = "go") -> None:
    rig.functions.activity(lambda _: None, "pause")

    @rig.functions.orchestrator
    def collect(context: Any) -> Any:
        yield context.call_activity("pause")
        values = []
        for _ in range(count):
            values.append((yield context.wait_for_external_event(name)))
        return values


async def test_d037_an_event_resumes_the_orchestration_with_what_was_sent(rig: Any) -> None:
    _collector(rig, 2)
    instance_id = await rig.client.start_new("collect")
    await rig.idle()
    status, _, _ = await rig.call("POST", f"instances/{instance_id}/raiseEvent/go", data='{"a": 1}', headers=JSON)
    assert status == 202
    await rig.client.raise_event(instance_id, "go", {"a": 1})
    assert (await rig.finish(instance_id)).output == '[{"a": 1}, "{\\"a\\": 1}"]'


async def test_d038_early_events_are_delivered_when_the_waits_start(rig: Any) -> None:
    _collector(rig, 2)
    instance_id = await rig.client.start_new("collect")
    await rig.client.raise_event(instance_id, "go", 1)
    await rig.client.raise_event(instance_id, "go", 2)
    assert (await rig.finish(instance_id)).output == '["1", "2"]'


async def test_d039_two_early_events_reach_two_waits_in_order(rig: Any) -> None:
    _collector(rig, 2)
    await asyncio.gather(
        rig.hub.start_instance("collect", "one"),
        rig.hub.raise_event("one", "go", "1"),
        rig.hub.raise_event("one", "go", "2"),
    )
    assert (await rig.finish("one")).output == "[1, 2]"


async def test_d039_one_early_event_leaves_the_second_wait_open(rig: Any) -> None:
    _collector(rig, 2)
    instance_id = await rig.client.start_new("collect")
    await rig.client.raise_event(instance_id, "go", 1)
    await rig.idle()
    assert (await rig.hub.get(instance_id)).status == "Running"
    await rig.client.raise_event(instance_id, "go", 2)
    assert (await rig.finish(instance_id)).output == '["1", "2"]'


async def test_d040_event_names_ignore_case(rig: Any) -> None:
    _collector(rig, 1, name="Approval")
    instance_id = await rig.client.start_new("collect")
    await rig.client.raise_event(instance_id, "APPROVAL", "yes")
    assert (await rig.finish(instance_id)).output == '["\\"yes\\""]'


async def test_d041_an_event_raised_before_the_first_episode_is_not_lost(rig: Any) -> None:
    _collector(rig, 1)
    entered, hold = asyncio.Event(), asyncio.Event()
    call = rig.functions.call_orchestrator

    async def held(*arguments: str) -> str:
        entered.set()
        await hold.wait()
        return str(await call(*arguments))

    rig.functions.call_orchestrator = held
    await rig.client.start_new("collect", "one")
    await entered.wait()
    await rig.client.raise_event("one", "go", 1)
    await rig.hub.stop(grace_s=0)  # the episode that had begun is given up
    await rig.stop()
    await rig.start()
    assert await rig.hub.history("one") == []
    hold.set()
    assert (await rig.finish("one")).output == '["1"]'


@pytest.mark.parametrize("approves", [True, False])
async def test_d042_an_approval_races_its_time_out(rig: Any, approves: bool) -> None:
    @rig.functions.orchestrator
    def approval(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=24))
        event = context.wait_for_external_event("approval")
        winner = yield context.task_any([event, timer])
        if winner == event:
            timer.cancel()
            return "approved"
        return "timed out"

    instance_id = await rig.client.start_new("approval")
    await rig.idle()
    if approves:
        await rig.client.raise_event(instance_id, "approval")
    assert (await rig.finish(instance_id)).output == ('"approved"' if approves else '"timed out"')


async def test_d043_events_that_cannot_be_delivered_are_refused(rig: Any) -> None:
    _collector(rig, 0)
    instance_id = (await rig.run("collect")).start.instance_id
    waiting = await rig.client.start_new("collect")
    path = "raiseEvent/go"
    assert (await rig.call("POST", f"instances/{instance_id}/{path}", data="1", headers=JSON))[0] == 410
    assert (await rig.call("POST", f"instances/nobody/{path}", data="1", headers=JSON))[0] == 404
    with pytest.raises(Exception, match="is gone"):
        await rig.client.raise_event(instance_id, "go", 1)
    with pytest.raises(Exception, match="No instance"):
        await rig.client.raise_event("nobody", "go", 1)
    await rig.finish(waiting)


async def test_d043_events_must_be_json(rig: Any) -> None:
    _collector(rig, 1)
    instance_id = await rig.client.start_new("collect")
    path = f"instances/{instance_id}/raiseEvent/go"
    status, body, _ = await rig.call("POST", path, data="1", headers={"Content-Type": "text/plain"})
    assert (status, body) == (400, {"Message": "Only application/json request content is supported"})
    status, body, _ = await rig.call("POST", path, data="{", headers=JSON)
    assert (status, body["Message"]) == (400, "Invalid JSON content")


async def test_a_wait_that_lost_a_race_swallows_the_next_event_only_if_no_newer_wait_exists(rig: Any) -> None:
    rig.functions.activity(lambda _: "quick", "quick")

    @rig.functions.orchestrator
    def race(context: Any) -> Any:
        yield context.task_any([context.wait_for_external_event("go"), context.call_activity("quick")])
        return (yield context.wait_for_external_event("go"))

    instance_id = await rig.client.start_new("race")
    await rig.idle()
    await rig.client.raise_event(instance_id, "go", 1)
    assert (await rig.finish(instance_id)).output == '"1"'
