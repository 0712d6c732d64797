"""Sub-orchestrations."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any


def _family(rig: Any) -> None:
    @rig.functions.orchestrator
    def child(context: Any) -> Any:
        if context.get_input() == "fail":
            raise ValueError("child broke")
        if context.get_input() == "wait":
            yield context.wait_for_external_event("go")
        return [context.instance_id, context.parent_instance_id, context.get_input()]
        yield

    @rig.functions.orchestrator
    def parent(context: Any) -> Any:
        wanted = context.get_input()
        try:
            return (yield context.call_sub_orchestrator("child", wanted["input"], wanted.get("id")))
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)


async def test_d044_a_child_returns_its_result_and_knows_its_parent(rig: Any) -> None:
    _family(rig)
    instance = await rig.run("parent", {"input": 5}, "the-parent")
    child_id = f"{instance.start.execution_id}:0"
    assert instance.output == f'["{child_id}", "the-parent", 5]'


async def test_d044_a_child_s_exception_can_be_caught_by_its_parent(rig: Any) -> None:
    _family(rig)
    assert "child broke" in await rig.output("parent", {"input": "fail"})


async def test_d045_a_child_can_have_an_id_of_its_own(rig: Any) -> None:
    _family(rig)
    instance = await rig.run("parent", {"input": 5, "id": "the-child"}, "the-parent")
    status = await rig.client.get_status("the-child")
    assert status.output == json.loads(instance.output) == ["the-child", "the-parent", 5]


async def test_d046_the_reason_of_a_terminated_child_reaches_its_parent(rig: Any) -> None:
    _family(rig)
    instance_id = await rig.client.start_new("parent", None, {"input": "wait", "id": "the-child"})
    await rig.idle()
    await rig.client.terminate("the-child", "no longer needed")
    assert "no longer needed" in (await rig.finish(instance_id)).output


async def test_d047_twenty_children_return_in_order(rig: Any) -> None:
    @rig.functions.orchestrator
    def late(context: Any) -> Any:
        number = context.get_input()
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=20 - number))
        return number

    @rig.functions.orchestrator
    def fan_out(context: Any) -> Any:
        return (yield context.task_all([context.call_sub_orchestrator("late", n) for n in range(20)]))

    assert await rig.output("fan_out") == list(range(20))


async def test_d048_the_failure_of_a_child_names_it(rig: Any) -> None:
    _family(rig)
    assert await rig.output("parent", {"input": "fail"}) == "Orchestrator function 'child' failed: child broke \n None"


async def test_an_unknown_child_is_an_error_that_names_the_known_ones(rig: Any) -> None:
    @rig.functions.orchestrator
    def parent(context: Any) -> Any:
        try:
            yield context.call_sub_orchestrator("nobody")
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    text = await rig.output("parent")
    assert text.startswith("The function 'nobody' doesn't exist, is disabled, or is not an orchestrator function.")
    assert "'parent'" in text


async def test_a_child_cannot_take_the_id_of_a_running_instance(rig: Any) -> None:
    _family(rig)
    await rig.client.start_new("child", "taken", "wait")
    await rig.idle()
    text = await rig.output("parent", {"input": 1, "id": "taken"})
    assert "An Orchestration instance with the status Running already exists." in text


async def test_a_child_cannot_take_the_id_of_its_parent(rig: Any) -> None:
    _family(rig)
    instance = await rig.run("parent", {"input": 1, "id": "the-parent"}, "the-parent")
    assert "cannot have its parent's instance ID" in instance.output


async def test_a_child_cannot_take_the_id_of_its_grandparent_or_a_bad_one(rig: Any) -> None:
    @rig.functions.orchestrator
    def nested(context: Any) -> Any:
        ids = context.get_input()
        if not ids:
            return "leaf"
        try:
            return (yield context.call_sub_orchestrator("nested", ids[1:], ids[0]))
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    assert "of its parent's parent" in (await rig.run("nested", ["child", "top"], "top")).output
    assert "must not start with '@'" in (await rig.run("nested", ["@bad"], "other")).output
