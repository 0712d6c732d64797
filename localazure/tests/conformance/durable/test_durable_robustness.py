"""Limits, changed code, many instances, shutdown."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from localazure.clock import SystemClock
from localazure.durable.errors import HubInUse
from localazure.durable.hub import TaskHub
from localazure.durable.settings import TaskHubSettings


async def test_d089_a_custom_status_above_16_kb_fails_the_instance(rig: Any) -> None:
    @rig.functions.orchestrator
    def chatty(context: Any) -> Any:
        context.set_custom_status("x" * context.get_input())
        yield context.create_timer(context.current_utc_datetime)
        return "fine"

    assert await rig.output("chatty", 8 * 1024 - 2) == "fine"
    instance = await rig.run("chatty", 8 * 1024)
    assert (instance.status, "custom status is larger" in instance.output) == ("Failed", True)


async def test_d091_a_fan_out_of_5000_is_replayed_once(make_rig: Any) -> None:
    rig = await make_rig()

    @rig.functions.activity
    async def same(value: Any) -> Any:
        return value

    @rig.functions.orchestrator
    def wide(context: Any) -> Any:
        return sum((yield context.task_all([context.call_activity("same", n) for n in range(5000)])))

    async with asyncio.timeout(60):
        assert await rig.output("wide") == sum(range(5000))
    assert len(rig.functions.calls) == 2


async def test_d092_episodes_of_one_instance_never_overlap(make_rig: Any) -> None:
    rig = await make_rig()
    running: set[str] = set()
    call = rig.functions.call_orchestrator

    async def watched(name: str, instance_id: str, context_json: str, *code: Any) -> str:
        assert instance_id not in running
        running.add(instance_id)
        await asyncio.sleep(0)
        text = await call(name, instance_id, context_json, *code)
        running.discard(instance_id)
        return str(text)

    rig.functions.call_orchestrator = watched
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def short(context: Any) -> Any:
        first = yield context.task_any([context.call_activity("same", n) for n in range(3)])
        return first.result

    started = await asyncio.gather(*(rig.client.start_new("short") for _ in range(500)))
    for instance_id in started:
        assert (await rig.finish(instance_id)).status == "Completed"


async def test_d093_a_megabyte_goes_to_an_activity_and_back(rig: Any) -> None:
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def heavy(context: Any) -> Any:
        return (yield context.call_activity("same", context.get_input()))

    text = "x" * 2**20
    assert await rig.output("heavy", text) == text


async def test_too_many_actions_fail_the_instance(make_rig: Any) -> None:
    rig = await make_rig(max_actions=10)
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def wide(context: Any) -> Any:
        yield context.task_all([context.call_activity("same", n) for n in range(context.get_input())])

    assert (await rig.run("wide", 10)).status == "Completed"
    assert "More than 10 actions" in (await rig.run("wide", 11)).output


async def test_a_second_hub_on_the_same_file_is_refused(rig: Any) -> None:
    second = TaskHub(TaskHubSettings(), rig.functions, rig.store_path, SystemClock())
    with pytest.raises(HubInUse, match=r"hub\.sqlite is used by another process"):
        await second.start()


async def test_stop_waits_for_running_activities_and_keeps_their_results(rig: Any) -> None:
    started, release = asyncio.Event(), asyncio.Event()
    calls = []

    @rig.functions.activity
    async def slow(_: Any) -> str:
        calls.append("called")
        started.set()
        await release.wait()
        return "done"

    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        return (yield context.call_activity("slow"))

    instance_id = await rig.client.start_new("waits")
    await started.wait()
    stopping = asyncio.create_task(rig.stop())
    await asyncio.sleep(0)
    release.set()
    await stopping
    await rig.start()
    assert (await rig.finish(instance_id)).output == '"done"'
    assert calls == ["called"]


async def test_stop_gives_up_activities_after_the_grace_time_and_they_run_again(tmp_path: Path, make_rig: Any) -> None:
    rig = await make_rig()
    started = asyncio.Event()
    calls = []

    @rig.functions.activity
    async def stuck(_: Any) -> str:
        calls.append("called")
        started.set()
        if len(calls) == 1:
            await asyncio.Event().wait()
        return "done"

    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        return (yield context.call_activity("stuck"))

    instance_id = await rig.client.start_new("waits")
    await started.wait()
    await rig.hub.stop(grace_s=0.01)
    rig.hub = TaskHub(rig.settings, rig.functions, rig.store_path, rig.clock)
    await rig.hub.start()
    assert (await rig.finish(instance_id)).output == '"done"'
    assert len(calls) == 2


async def test_a_restored_execution_goes_on_where_it_was(rig: Any) -> None:
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def long(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        values = []
        for number in range(4):
            values.append((yield context.call_activity("same", number)))
            go = context.wait_for_external_event("go")
            winner = yield context.task_any([go, timer] if number == 0 else [go])
            values.append(winner.result)
        timer.cancel()
        return values

    instance_id = await rig.client.start_new("long")
    for number in range(4):
        await rig.idle()
        await rig.restart()
        await rig.client.raise_event(instance_id, "go", number)
    instance = await rig.finish(instance_id)
    assert json.loads(instance.output) == [0, "0", 1, "1", 2, "2", 3, "3"]
    assert rig.clock.now().hour == 0


async def test_a_hub_in_memory_runs_the_same_and_is_gone_when_it_stops(make_rig: Any) -> None:
    rig = await make_rig(":memory:")
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def echo(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
        return (yield context.call_activity("same", context.get_input()))

    instance = await rig.run("echo", 5)
    assert (instance.output, len(await rig.client.get_status_all())) == ("5", 1)
    await rig.restart()
    assert await rig.client.get_status_all() == []


async def test_a_store_that_fails_stops_the_work_and_says_so(rig: Any) -> None:
    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        yield context.wait_for_external_event("go")

    await rig.client.start_new("waits", "one")
    await rig.idle()
    with sqlite3.connect(rig.store_path) as connection:
        connection.execute("DROP TABLE inbox")
    for _ in range(2):  # the first finds out, the second is refused without trying
        status, body, _ = await rig.call("POST", "instances/one/terminate?reason=x")
    assert (status, "store failed" in body["ExceptionMessage"]) == (503, True)


async def test_a_defect_of_the_host_fails_the_activity(rig: Any) -> None:
    async def broken(*_: Any) -> str:
        raise OSError("thread pool is closed")

    rig.functions.activity(lambda value: value, "same")
    rig.functions.call_activity = broken

    @rig.functions.orchestrator
    def calls(context: Any) -> Any:
        yield context.call_activity("same")

    assert "failed:  OSError: thread pool is closed" in (await rig.run("calls")).output


async def test_a_result_that_comes_after_the_end_is_dropped(rig: Any) -> None:
    release = asyncio.Event()

    @rig.functions.activity
    async def slow(_: Any) -> str:
        await release.wait()
        return "late"

    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        return (yield context.call_activity("slow"))

    await rig.client.start_new("waits", "one")
    await rig.client.terminate("one", "enough")
    ended = await rig.finish("one")
    release.set()
    await rig.idle()
    assert (ended.status, await rig.hub.get("one")) == ("Terminated", ended)
