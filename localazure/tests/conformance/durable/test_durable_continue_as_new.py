"""Continue-as-new: a new execution under the same instance id."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from localazure.durable.store import EpisodeCommit


async def test_d049_a_thousand_generations_leave_a_short_history(rig: Any) -> None:
    @rig.functions.orchestrator
    def count(context: Any) -> Any:
        number = context.get_input()
        if number < 1000:
            context.continue_as_new(number + 1)
            return None
        return number
        yield

    executions: set[str] = set()
    commit = rig.hub._store.commit

    def noted(wanted: EpisodeCommit) -> Awaitable[Any]:
        executions.add(wanted.decision.start.execution_id)
        committed: Awaitable[Any] = commit(wanted)
        return committed

    rig.hub._store.commit = noted
    instance = await rig.run("count", 0)
    assert instance.output == "1000"
    assert instance.start.generation == 1000
    assert len(executions) == 1001
    assert len(await rig.hub.history(instance.start.instance_id)) < 10


async def test_d050_the_status_never_shows_an_end_between_generations(rig: Any) -> None:
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def count(context: Any) -> Any:
        number = context.get_input()
        yield context.call_activity("same", number)
        if number < 30:
            context.continue_as_new(number + 1)
            return None
        return [context.instance_id, number]

    instance_id = await rig.client.start_new("count", "counter", 0)
    seen = set()
    async with asyncio.timeout(10):
        while not (instance := await rig.hub.get(instance_id)).status.is_final:
            seen.add(instance.status)
    assert seen <= {"Pending", "Running"}
    assert instance.output == '["counter", 30]'


async def test_d051_events_that_arrive_during_the_switch_reach_the_next_generation(rig: Any) -> None:
    @rig.functions.orchestrator
    def total(context: Any) -> Any:
        state = context.get_input()
        value = yield context.wait_for_external_event("add")
        state = {"sum": state["sum"] + int(value), "left": state["left"] - 1}
        if state["left"]:
            context.continue_as_new(state)
            return None
        return state["sum"]

    instance_id = await rig.client.start_new("total", None, {"sum": 0, "left": 50})
    await asyncio.gather(*(rig.client.raise_event(instance_id, "add", n) for n in range(50)))
    assert (await rig.finish(instance_id)).output == str(sum(range(50)))


async def test_d052_results_for_the_old_generation_are_ignored(rig: Any) -> None:
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def generations(context: Any) -> Any:
        number = context.get_input()
        result = yield context.call_activity("same", number)
        if number < 2:
            context.continue_as_new(number + 1)
            return None
        return [result, (yield context.wait_for_external_event("go"))]

    await rig.client.start_new("generations", "one", 1)
    await rig.idle()
    await rig.stop()
    instance = ("one", "an old generation")
    late = {"EventType": 5, "EventId": -1, "Timestamp": "2026-01-01T00:00:00.000000Z", "TaskScheduledId": 0}
    with sqlite3.connect(rig.store_path) as connection:  # as two processes on one hub could have left them
        connection.execute("INSERT INTO activities VALUES (?, 0, ?, 'same', '7')", instance[::-1])
        connection.execute("INSERT INTO inbox VALUES (1, ?, ?, ?)", (*instance, json.dumps(late | {"Result": "7"})))
    await rig.start()
    await rig.idle()
    await rig.client.raise_event("one", "go", 1)
    assert (await rig.finish("one")).output == '[2, "1"]'


async def test_d052_the_new_generation_starts_when_the_old_tasks_have_ended(rig: Any) -> None:
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def races(context: Any) -> Any:
        number = context.get_input()
        timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        first = yield context.task_any([context.call_activity("same", number), timer])
        timer.cancel()
        if number < 3:
            context.continue_as_new(number + 1)
            return None
        return first.result

    assert await rig.output("races", 0) == 3
    assert rig.clock.now().minute == 0


async def test_d053_the_custom_status_is_kept_until_it_is_set_again(rig: Any) -> None:
    @rig.functions.orchestrator
    def stages(context: Any) -> Any:
        number = context.get_input()
        if number == 0:
            context.set_custom_status("first")
        yield context.wait_for_external_event("next")
        if number == 2:
            context.set_custom_status("last")
            return None
        context.continue_as_new(number + 1)

    instance_id = await rig.client.start_new("stages", None, 0)
    await rig.idle()
    await rig.client.raise_event(instance_id, "next")
    await rig.idle()
    assert (await rig.hub.get(instance_id)).custom_status == '"first"'
    await rig.client.raise_event(instance_id, "next")
    await rig.idle()
    assert (await rig.hub.get(instance_id)).custom_status == '"first"'
    await rig.client.raise_event(instance_id, "next")
    assert (await rig.finish(instance_id)).custom_status == '"last"'


async def test_events_that_were_never_awaited_are_lost_with_a_warning(rig: Any, caplog: Any) -> None:
    @rig.functions.orchestrator
    def switch(context: Any) -> Any:
        if context.get_input() == "second":
            return (yield context.wait_for_external_event("early"))
        yield context.wait_for_external_event("go")
        context.continue_as_new("second")

    instance_id = await rig.client.start_new("switch", None, "first")
    await rig.client.raise_event(instance_id, "early", 1)
    await rig.client.raise_event(instance_id, "go")
    await rig.client.raise_event(instance_id, "early", 2)
    assert (await rig.finish(instance_id)).output == '"2"'
    assert "without awaiting event 'early'" in caplog.text


async def test_unawaited_events_are_kept_when_the_settings_say_so(make_rig: Any) -> None:
    rig = await make_rig(preserve_unprocessed_events=True)

    @rig.functions.orchestrator
    def switch(context: Any) -> Any:
        if context.get_input() == "second":
            return (yield context.wait_for_external_event("early"))
        yield context.wait_for_external_event("go")
        context.continue_as_new("second")

    instance_id = await rig.client.start_new("switch", None, "first")
    await rig.client.raise_event(instance_id, "early", 1)
    await rig.client.raise_event(instance_id, "go")
    assert (await rig.finish(instance_id)).output == '"1"'
