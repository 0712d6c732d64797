"""Durable timers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from azure.durable_functions import Orchestrator
from localazure.durable.functions import FunctionKind


async def test_d033_a_timer_fires_at_its_time_and_not_before(rig: Any) -> None:
    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=30))
        return context.current_utc_datetime.isoformat()

    instance_id = await rig.client.start_new("waits")
    await rig.idle()
    rig.advance(seconds=29.999)
    await rig.idle()
    assert (await rig.hub.get(instance_id)).status == "Running"
    rig.advance(seconds=0.001)
    assert (await rig.finish(instance_id)).output == '"2026-01-01T00:00:30+00:00"'


async def test_d033_a_timer_in_the_past_fires_at_once(rig: Any) -> None:
    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime - timedelta(days=1))
        return "on"

    assert await rig.output("waits") == "on"
    assert rig.clock.now().day == 1


async def test_d034_a_cancelled_timer_does_not_delay_the_end(rig: Any) -> None:
    rig.functions.activity(lambda _: "done", "quick")

    @rig.functions.orchestrator
    def race(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        winner = yield context.task_any([context.call_activity("quick"), timer])
        if context.get_input() == "cancel":
            timer.cancel()
        return winner.result

    assert await rig.output("race", "cancel") == "done"
    await rig.idle()
    assert rig.clock.now().hour == 0
    assert rig.hub.next_timer_at() is None


async def test_d034_a_timer_that_is_not_cancelled_delays_the_end(rig: Any) -> None:
    rig.functions.activity(lambda _: "done", "quick")

    @rig.functions.orchestrator
    def race(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([context.call_activity("quick"), timer])
        return "done"

    instance_id = await rig.client.start_new("race")
    await rig.idle()
    assert (await rig.hub.get(instance_id)).status == "Running"
    assert (await rig.finish(instance_id)).output == '"done"'
    assert rig.clock.now().hour == 1


async def test_d035_a_timer_survives_a_restart(rig: Any) -> None:
    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=30))
        return "woke"

    instance_id = await rig.client.start_new("waits")
    await rig.idle()
    await rig.restart()
    assert (await rig.hub.get(instance_id)).status == "Running"
    assert (await rig.finish(instance_id)).output == '"woke"'


async def test_d035_a_timer_that_came_due_while_the_hub_was_down_fires_at_the_start(rig: Any) -> None:
    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=30))
        return "woke"

    instance_id = await rig.client.start_new("waits")
    await rig.idle()
    await rig.stop()
    rig.clock.advance(hours=1)
    await rig.start()
    assert (await rig.hub.wait(instance_id, 10)).output == '"woke"'


async def test_d036_a_ten_day_timer_fires_once_at_its_end(rig: Any) -> None:
    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(days=10))
        return context.current_utc_datetime.isoformat()

    instance = await rig.run("waits")
    assert instance.output == '"2026-01-11T00:00:00+00:00"'
    history = await rig.hub.history(instance.start.instance_id)
    assert [each["FireAt"] for each in history if each["EventType"] == 11] == ["2026-01-11T00:00:00.000000Z"]


async def test_d036_a_timer_that_the_sdk_cuts_into_legs_fires_once_at_its_end(rig: Any) -> None:
    """The durations that make the SDK do so are not sent; an app may meet them in the original."""

    def waits(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(days=10))
        return context.current_utc_datetime.isoformat()

    def told_durations(context: str) -> str:
        durations = {"longRunningTimerIntervalDuration": "3.00:00:00", "maximumShortTimerDuration": "6.00:00:00"}
        return Orchestrator.create(waits)(json.dumps(json.loads(context) | durations))

    rig.functions._add(FunctionKind.ORCHESTRATOR, "waits", told_durations)
    instance = await rig.run("waits")
    assert instance.output == '"2026-01-11T00:00:00+00:00"'
    history = await rig.hub.history(instance.start.instance_id)
    legs = [each["FireAt"][:10] for each in history if each["EventType"] == 11]
    assert legs == ["2026-01-04", "2026-01-07", "2026-01-11"]


async def test_d036_a_cancelled_ten_day_timer_does_not_delay_the_end(rig: Any) -> None:
    rig.functions.activity(lambda _: "done", "quick")

    @rig.functions.orchestrator
    def race(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=10))
        yield context.task_any([context.call_activity("quick"), timer])
        timer.cancel()
        return "done"

    assert await rig.output("race") == "done"
    assert rig.clock.now().day == 1
