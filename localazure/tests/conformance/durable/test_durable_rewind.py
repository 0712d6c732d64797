"""Rewinding a whole tree of instances."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

CHILDREN = 6


async def test_children_that_end_at_once_after_a_rewind_are_heard_by_their_parent(rig: Any) -> None:
    """Parent and children run again together: a child cannot end before its parent listens."""
    broken = [True]

    @rig.functions.activity
    def work(number: int) -> int:
        if broken[0]:
            raise RuntimeError("broke")
        return number

    @rig.functions.orchestrator
    def child(context: Any) -> Any:
        return (yield context.call_activity("work", context.get_input()))

    @rig.functions.orchestrator
    def parent(context: Any) -> Any:
        return sum((yield context.task_all([context.call_sub_orchestrator("child", n) for n in range(CHILDREN)])))

    assert (await rig.run("parent", None, "one")).status == "Failed"
    broken[0] = False
    await rig.client.rewind("one", "repaired")
    instance = await rig.finish("one")
    assert (instance.status, instance.output) == ("Completed", str(sum(range(CHILDREN))))


@pytest.fixture
def family(rig: Any) -> Any:
    """A parent that fails when the activity behind its two children does; one child waits, the other has ended."""
    rig.broken = True

    @rig.functions.activity
    def work(_: Any) -> str:
        if rig.broken:
            raise RuntimeError("broke")
        return "worked"

    @rig.functions.orchestrator
    def child(context: Any) -> Any:
        return (yield context.wait_for_external_event("go"))

    @rig.functions.orchestrator
    def parent(context: Any) -> Any:
        children = [context.call_sub_orchestrator("child", None, name) for name in ("first", "second")]
        results = yield context.task_all(children)
        return [*results, (yield context.call_activity("work"))]

    return rig


async def test_a_child_that_was_terminated_says_so_again(family: Any) -> None:
    await family.client.start_new("parent", "one")
    await family.idle()
    await family.client.terminate("first", "not wanted")
    await family.client.raise_event("second", "go", 2)
    assert (await family.finish("one")).status == "Failed"
    await family.client.rewind("one", "repaired")
    instance = await family.finish("one")
    assert (instance.status, "not wanted" in instance.output) == ("Failed", True)


async def test_a_child_that_was_purged_is_an_error_and_not_a_wait(family: Any) -> None:
    await family.client.start_new("parent", "one")
    await family.idle()
    await family.client.terminate("first", "not wanted")
    await family.client.raise_event("second", "go", 2)
    await family.finish("one")
    assert (await family.client.purge_instance_history("first")).instances_deleted == 1
    await family.client.rewind("one", "repaired")
    assert "The sub-orchestration does not exist any more." in (await family.finish("one")).output


async def test_of_two_rewinds_at_once_one_is_refused(family: Any) -> None:
    await family.client.start_new("parent", "one")
    await family.idle()
    for name in ("first", "second"):
        await family.client.raise_event(name, "go", 1)
    await family.finish("one")
    family.broken = False
    answers = await asyncio.gather(*(family.call("POST", "instances/one/rewind?reason=x") for _ in range(2)))
    assert sorted(status for status, _, _ in answers) == [202, 410]
    instance = await family.finish("one")
    assert instance.output == '["1", "1", "worked"]'
    history = await family.hub.history("one")
    assert [each["EventType"] for each in history].count(21) == 1
