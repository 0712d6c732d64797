"""What clients do to instances: terminate, suspend, resume, purge, restart, rewind."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus, RetryOptions


async def test_d073_terminate_ends_an_instance_with_the_reason(app: Any) -> None:
    await app.client.start_new("waits", "one", "timer")
    await app.idle()
    assert app.hub.next_timer_at() is not None
    await app.client.terminate("one", "not wanted")
    instance = await app.finish("one")
    assert (instance.status, instance.output) == ("Terminated", "not wanted")
    await app.idle()
    assert app.hub.next_timer_at() is None
    await app.client.terminate("one", "again")
    assert (await app.call("POST", "instances/one/terminate?reason=x"))[:2] == (410, None)
    with pytest.raises(Exception, match="No instance"):
        await app.client.terminate("nobody", "x")


async def test_d074_children_of_a_terminated_parent_keep_running(app: Any) -> None:
    @app.functions.orchestrator
    def parent(context: Any) -> Any:
        yield context.call_sub_orchestrator("waits", None, "the-child")

    await app.client.start_new("parent", "the-parent")
    await app.idle()
    await app.client.terminate("the-parent", "x")
    await app.finish("the-parent")
    assert (await app.hub.get("the-child")).status == "Running"
    await app.client.raise_event("the-child", "go")
    assert (await app.finish("the-child")).status == "Completed"


async def test_d075_a_suspended_instance_makes_no_progress_until_it_is_resumed(app: Any) -> None:
    release = asyncio.Event()
    calls = []

    @app.functions.activity
    async def step(name: str) -> str:
        calls.append(name)
        await release.wait()
        return name

    @app.functions.orchestrator
    def steps(context: Any) -> Any:
        first = yield context.call_activity("step", "first")
        return [first, (yield context.call_activity("step", "second")), (yield context.wait_for_external_event("go"))]

    await app.client.start_new("steps", "one")
    await called(calls, 1)
    await app.client.suspend("one", "hold on")
    await app.client.suspend("one", "hold on")
    release.set()
    await app.client.raise_event("one", "go")
    await app.idle()
    assert (await app.client.get_status("one")).runtime_status == OrchestrationRuntimeStatus.Suspended
    assert calls == ["first"]
    await app.restart()
    await app.idle()
    assert calls == ["first"]
    await app.client.resume("one", "go on")
    assert (await app.finish("one")).output == '["first", "second", "null"]'
    _, view, _ = await app.call("GET", "instances/one?showHistory=true")
    reasons = [each.get("Reason") for each in view["historyEvents"] if "Suspended" in each["EventType"]]
    assert reasons == ["hold on"]


async def test_d075_a_suspended_instance_can_be_terminated(app: Any) -> None:
    await app.client.start_new("waits", "one")
    await app.client.suspend("one", "hold on")
    await app.client.terminate("one", "enough")
    assert (await app.finish("one")).status == "Terminated"


async def test_d075_an_instance_suspended_before_it_began_begins_on_resume(app: Any) -> None:
    await app.client.start_new("waits", "one")
    await app.client.suspend("one", "hold on")
    await app.client.resume("one", "go on")
    await app.client.raise_event("one", "go")
    assert (await app.finish("one")).status == "Completed"


async def test_d076_finished_instances_can_be_purged(app: Any) -> None:
    await app.run("echo", 1, "done")
    await app.client.start_new("waits", "open")
    await app.idle()
    assert (await app.client.purge_instance_history("done")).instances_deleted == 1
    assert (await app.client.purge_instance_history("done")).instances_deleted == 0
    assert (await app.call("DELETE", "instances/open"))[:2] == (412, None)
    await app.run("echo", 1, "done")
    deleted = await app.client.purge_instance_history_by(created_time_from=app.clock.now() - timedelta(days=1))
    assert deleted.instances_deleted == 1
    status, body, _ = await app.call("DELETE", "instances")
    assert (status, body) == (400, "Please provide value for 'createdTimeFrom' parameter.")
    assert await _found(app) == ["open"]


async def test_d077_restart_starts_the_same_again(app: Any) -> None:
    await app.run("echo", {"a": 1}, "one")
    started = await app.client.restart("one")
    assert started["id"] != "one"
    assert json.loads((await app.finish(started["id"])).output) == {"a": 1}
    await app.client.restart("one", restart_with_new_instance_id=False)
    assert json.loads((await app.finish("one")).output) == {"a": 1}
    with pytest.raises(Exception, match="No instance"):
        await app.client.restart("nobody")
    await app.client.start_new("waits", "open")
    await app.idle()
    with pytest.raises(Exception, match="409"):
        await app.client.restart("open", restart_with_new_instance_id=False)


async def test_d078_rewind_repeats_only_what_failed(app: Any) -> None:
    calls = []

    @app.functions.activity
    def step(name: str) -> str:
        calls.append(name)
        if name == "b" and calls.count("b") == 1:
            raise RuntimeError("b broke")
        return name

    @app.functions.orchestrator
    def steps(context: Any) -> Any:
        done = []
        for name in "abc":
            done.append((yield context.call_activity("step", name)))
        return done

    assert (await app.run("steps", None, "one")).status == "Failed"
    await app.client.rewind("one", "repaired")
    instance = await app.finish("one")
    assert (instance.status, instance.output) == ("Completed", '["a", "b", "c"]')
    assert calls == ["a", "b", "b", "c"]
    with pytest.raises(Exception, match="only supported on failed"):
        await app.client.rewind("one", "again")


async def test_d078_rewind_reaches_retried_activities_in_failed_children(app: Any) -> None:
    broken = [True]

    @app.functions.activity
    def step(_: Any) -> str:
        if broken[0]:
            raise RuntimeError("broke")
        return "fine"

    @app.functions.orchestrator
    def child(context: Any) -> Any:
        return (yield context.call_activity_with_retry("step", RetryOptions(1000, 2)))

    @app.functions.orchestrator
    def parent(context: Any) -> Any:
        return (yield context.call_sub_orchestrator("child"))

    assert (await app.run("parent", None, "one")).status == "Failed"
    broken[0] = False
    await app.client.rewind("one", "repaired")
    instance = await app.finish("one")
    assert (instance.status, instance.output) == ("Completed", '"fine"')


async def called(calls: list[Any], count: int) -> None:
    """Until there were so many calls."""
    async with asyncio.timeout(10):
        while len(calls) < count:
            await asyncio.sleep(0.001)


async def _found(app: Any, **wanted: Any) -> list[str]:
    found = await app.client.get_status_by(**wanted) if wanted else await app.client.get_status_all()
    return [each.instance_id for each in found]
