"""Rewinding a whole tree of instances."""

from __future__ import annotations

import asyncio
from typing import Any

import azure.durable_functions as df
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


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_failure_that_the_code_went_on_after_stays_in_the_history(rig: Any, attempts: int) -> None:
    """Rewinding takes back what ended the instance; what it had caught before, and answered, has happened."""
    called: list[str] = []
    broken = [True]
    retry = df.RetryOptions(first_retry_interval_in_milliseconds=1, max_number_of_attempts=attempts)

    @rig.functions.activity
    def work(way: str) -> str:
        called.append(way)
        if broken[0]:
            raise RuntimeError("broke")
        return f"by the {way} way"

    @rig.functions.orchestrator
    def stubborn(context: Any) -> Any:
        try:
            return (yield context.call_activity_with_retry("work", retry, "short"))
        except Exception:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
            return (yield context.call_activity_with_retry("work", retry, "long"))

    assert (await rig.run("stubborn", None, "one")).status == "Failed"
    broken[0] = False
    await rig.client.rewind("one", "repaired")
    instance = await rig.finish("one")

    assert (instance.status, instance.output) == ("Completed", '"by the long way"')
    assert called == ["short"] * attempts + ["long"] * (attempts + 1)


async def test_a_failure_that_is_raised_late_is_taken_back(rig: Any) -> None:
    """The code went on after it, but had not looked at it yet."""
    broken = [True]

    @rig.functions.activity
    def work(number: int) -> int:
        if broken[0] and number == 1:
            raise RuntimeError("broke")
        return number

    @rig.functions.orchestrator
    def patient(context: Any) -> Any:
        first = context.call_activity("work", 1)
        yield context.task_any([first, context.call_activity("work", 2)])
        third = yield context.call_activity("work", 3)
        return [third, (yield first)]

    assert (await rig.run("patient", None, "one")).status == "Failed"
    broken[0] = False
    await rig.client.rewind("one", "repaired")
    instance = await rig.finish("one")
    assert (instance.status, instance.output) == ("Completed", "[3, 1]")


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_failure_that_the_code_caught_stays_when_a_defect_of_the_code_ends_the_instance(
    rig: Any, attempts: int
) -> None:
    called: list[str] = []
    is_mended: list[bool] = []
    retry = df.RetryOptions(first_retry_interval_in_milliseconds=1, max_number_of_attempts=attempts)

    @rig.functions.activity
    def work(way: str) -> str:
        called.append(way)
        if way == "short":
            raise RuntimeError("broke")
        return f"by the {way} way"

    @rig.functions.orchestrator
    def clumsy(context: Any) -> Any:
        try:
            result = yield context.call_activity_with_retry("work", retry, "short")
        except Exception:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
            result = yield context.call_activity_with_retry("work", retry, "long")
        if not is_mended:
            raise NameError("a slip of the pen")
        return result

    assert (await rig.run("clumsy", None, "one")).status == "Failed"
    is_mended.append(True)
    await rig.client.rewind("one", "mended")
    instance = await rig.finish("one")

    assert (instance.status, instance.output) == ("Completed", '"by the long way"')
    assert called == ["short"] * attempts + ["long"]
