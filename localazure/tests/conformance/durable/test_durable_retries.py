"""Retries of activities and of sub-orchestrations."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from azure.durable_functions import RetryOptions


class Flaky:
    """Fails the given number of times, then returns its call count."""

    def __init__(self, rig: Any, failures: int) -> None:
        self._rig = rig
        self._failures = failures
        self.called_at: list[Any] = []

    def __call__(self, _: Any) -> int:
        self.called_at.append(self._rig.clock.now())
        if len(self.called_at) <= self._failures:
            raise RuntimeError(f"failure {len(self.called_at)}")
        return len(self.called_at)


def _retrying(rig: Any, attempts: int) -> None:
    @rig.functions.orchestrator
    def retries(context: Any) -> Any:
        try:
            return (yield context.call_activity_with_retry("flaky", RetryOptions(5000, attempts)))
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught).splitlines()[0]


async def test_d028_two_failures_and_a_success_take_three_calls_and_two_delays(rig: Any) -> None:
    flaky = Flaky(rig, failures=2)
    rig.functions.activity(flaky, "flaky")
    _retrying(rig, attempts=3)
    assert await rig.output("retries") == 3
    gaps = [
        (after - before).total_seconds() for before, after in zip(flaky.called_at, flaky.called_at[1:], strict=False)
    ]
    assert gaps == [5.0, 5.0]


async def test_d029_the_exception_comes_after_exactly_the_allowed_calls(rig: Any) -> None:
    flaky = Flaky(rig, failures=10)
    rig.functions.activity(flaky, "flaky")
    _retrying(rig, attempts=3)
    assert "failure 3" in await rig.output("retries")
    assert len(flaky.called_at) == 3


async def test_d030_one_allowed_attempt_is_one_call_and_its_exception(rig: Any) -> None:
    flaky = Flaky(rig, failures=10)
    rig.functions.activity(flaky, "flaky")
    _retrying(rig, attempts=1)
    assert "failure 1" in await rig.output("retries")
    assert len(flaky.called_at) == 1
    assert rig.clock.now() == flaky.called_at[0]


async def test_d031_retries_in_a_task_any_loop_finish_whatever_the_schedule(rig: Any) -> None:
    chance = random.Random(31)

    @rig.functions.activity
    async def risky(name: str) -> str:
        for _ in range(chance.randrange(5)):
            await asyncio.sleep(0)
        if chance.random() < 0.4:
            raise RuntimeError(name)
        return name

    @rig.functions.activity
    def steady(name: str) -> str:
        return name

    @rig.functions.orchestrator
    def mixed(context: Any) -> Any:
        tasks = [context.call_activity_with_retry("risky", RetryOptions(1000, 3), f"r{n}") for n in range(4)]
        seen = []
        while tasks:
            done = yield context.task_any(tasks)
            tasks.remove(done)
            seen.append(str(done.result).splitlines()[0])
            seen.append((yield context.call_activity("steady", f"s{len(seen)}")))
        return seen

    for started in [await rig.client.start_new("mixed") for _ in range(200)]:
        instance = await rig.finish(started)
        assert instance.status == "Completed", instance.output
        for number in range(4):
            assert f"r{number}" in instance.output
        assert [f'"s{place}"' in instance.output for place in (1, 3, 5, 7)] == [True] * 4


@pytest.mark.parametrize(("failures", "outcome"), [(2, 3), (10, "failure 3")])
async def test_d032_each_attempt_of_a_retried_sub_orchestration_is_a_fresh_child(
    rig: Any, failures: int, outcome: Any
) -> None:
    children = []
    flaky = Flaky(rig, failures)
    rig.functions.activity(flaky, "flaky")

    @rig.functions.orchestrator
    def child(context: Any) -> Any:
        if not context.is_replaying:
            children.append(context.instance_id)
        return (yield context.call_activity("flaky"))

    @rig.functions.orchestrator
    def parent(context: Any) -> Any:
        try:
            return (yield context.call_sub_orchestrator_with_retry("child", RetryOptions(1000, 3)))
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    output = await rig.output("parent")
    assert output == outcome or outcome in output
    assert len(children) == len(set(children)) == 3
    first, second, third = flaky.called_at
    assert [(second - first).total_seconds(), (third - second).total_seconds()] == [1.0, 1.0]


async def test_d032_a_retried_sub_orchestration_with_an_id_keeps_it(rig: Any) -> None:
    flaky = Flaky(rig, failures=1)
    rig.functions.activity(flaky, "flaky")

    @rig.functions.orchestrator
    def child(context: Any) -> Any:
        return (yield context.call_activity("flaky"))

    @rig.functions.orchestrator
    def parent(context: Any) -> Any:
        options = RetryOptions(1000, 2)
        return (yield context.call_sub_orchestrator_with_retry("child", options, instance_id="the-child"))

    assert await rig.output("parent") == 2
    assert (await rig.hub.get("the-child")).status == "Completed"
