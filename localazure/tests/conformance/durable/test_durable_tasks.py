"""Activities alone and in compounds: their order, values and failures."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from localazure.durable.functions import FunctionKind


class Money:
    """A class of the app that knows how to travel."""

    def __init__(self, amount: int) -> None:
        self.amount = amount

    @staticmethod
    def to_json(money: Money) -> str:
        return str(money.amount)

    @staticmethod
    def from_json(text: str) -> Money:
        return Money(int(text))


class Gate:
    """Activities that end when the test says so."""

    def __init__(self) -> None:
        self._doors: dict[str, asyncio.Future[Any]] = {}

    async def reached(self, count: int) -> None:
        """Until so many activities wait, or have waited."""
        async with asyncio.timeout(10):
            while len(self._doors) < count:
                await asyncio.sleep(0.001)

    async def __call__(self, name: str) -> Any:
        return await self.door(name)

    def door(self, name: str) -> asyncio.Future[Any]:
        return self._doors.setdefault(name, asyncio.get_running_loop().create_future())

    def open(self, name: str, value: Any = None) -> None:
        self.door(name).set_result(value or name)

    def break_(self, name: str) -> None:
        self.door(name).set_exception(RuntimeError(f"{name} broke"))


@pytest.fixture
def gate(rig: Any) -> Gate:
    gate = Gate()
    rig.functions.activity(gate, "gate")
    return gate


async def test_d013_three_activities_in_sequence_return_their_results_in_order(rig: Any) -> None:
    rig.functions.activity(lambda name: f"Hello {name}", "hello")

    @rig.functions.orchestrator
    def chain(context: Any) -> Any:
        results = []
        for name in ("a", "b", "c"):
            results.append((yield context.call_activity("hello", name)))
        return results

    assert await rig.output("chain") == ["Hello a", "Hello b", "Hello c"]


@pytest.mark.parametrize("value", [None, "x", "5", 5, 1.5, True, {"a": {"b": [1, None]}}, [1, [2]]])
async def test_d014_values_survive_the_way_to_an_activity_and_back(rig: Any, value: Any) -> None:
    received = []

    @rig.functions.activity
    def same(given: Any) -> Any:
        received.append(given)
        return given

    @rig.functions.orchestrator
    def trip(context: Any) -> Any:
        result = yield context.call_activity("same", value)
        return [result]

    assert await rig.output("trip") == [value]
    assert received == [value]


async def test_d014_objects_of_the_app_survive_too(rig: Any) -> None:
    rig.functions.activity(lambda money: Money(money.amount * 2), "double")

    @rig.functions.orchestrator
    def trip(context: Any) -> Any:
        money = yield context.call_activity("double", Money(21))
        return [type(money).__name__, money.amount]

    assert await rig.output("trip") == ["Money", 42]


async def test_d015_an_activity_s_exception_can_be_caught_with_its_text(rig: Any) -> None:
    @rig.functions.activity
    def breaks(_: Any) -> None:
        raise ValueError("out of order")

    @rig.functions.orchestrator
    def catches(context: Any) -> Any:
        try:
            yield context.call_activity("breaks")
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    text = await rig.output("catches")
    assert text.startswith("Activity function 'breaks' failed:  ValueError: out of order \n ")
    assert "Traceback" in text


async def test_d016_an_exception_that_is_not_caught_fails_the_orchestration(rig: Any) -> None:
    @rig.functions.activity
    def breaks(_: Any) -> None:
        raise ValueError("out of order")

    @rig.functions.orchestrator
    def careless(context: Any) -> Any:
        yield context.call_activity("breaks")

    instance = await rig.run("careless")
    assert instance.status == "Failed"
    expected = "Orchestrator function 'careless' failed: Activity function 'breaks' failed:  ValueError: out of order"
    assert instance.output.startswith(expected)


async def test_d018_activity_names_match_ignoring_case(rig: Any) -> None:
    rig.functions.activity(lambda value: value, "SayHello")

    @rig.functions.orchestrator
    def loud(context: Any) -> Any:
        return (yield context.call_activity("SAYHELLO", 1))

    assert await rig.output("loud") == 1


async def test_d019_an_unknown_activity_is_an_error_that_names_it_and_the_known_ones(rig: Any) -> None:
    rig.functions.activity(lambda value: value, "known")

    @rig.functions.orchestrator
    def lost(context: Any) -> Any:
        try:
            yield context.call_activity("unknown")
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    assert await rig.output("lost") == (
        "The function 'unknown' doesn't exist, is disabled, or is not an activity function. Additional info: The "
        "following are the known activity functions: 'known'. \n None"
    )


async def test_d020_task_all_returns_results_in_the_order_of_the_list(make_rig: Any) -> None:
    rig = await make_rig(max_concurrent_activities=100)
    gate, ended = Gate(), []

    @rig.functions.activity
    async def numbered(number: int) -> int:
        await gate.door(str(number))
        ended.append(number)
        return number + 1

    @rig.functions.orchestrator
    def fan_out(context: Any) -> Any:
        return (yield context.task_all([context.call_activity("numbered", n) for n in range(100)]))

    instance_id = await rig.client.start_new("fan_out")
    await gate.reached(100)
    order = random.Random(20).sample(range(100), 100)
    for number in order:
        gate.open(str(number))
    assert json.loads((await rig.finish(instance_id)).output) == list(range(1, 101))
    assert ended == order


async def test_d020_task_all_costs_two_orchestrator_calls(rig: Any, gate: Gate) -> None:
    @rig.functions.orchestrator
    def fan_out(context: Any) -> Any:
        yield context.task_all([context.call_activity("gate", str(n)) for n in range(10)])

    instance_id = await rig.client.start_new("fan_out")
    for number in range(10):
        gate.open(str(number))
        await asyncio.sleep(0)
    await rig.finish(instance_id)
    assert len(rig.functions.calls) == 2


async def test_d021_task_all_raises_and_goes_on_only_after_all_siblings_ended(rig: Any, gate: Gate) -> None:
    rig.functions.activity(lambda value: value, "clean_up")

    @rig.functions.orchestrator
    def fan_out(context: Any) -> Any:
        try:
            yield context.task_all([context.call_activity("gate", name) for name in "abc"])
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            yield context.call_activity("clean_up", "now")
            return str(caught)

    instance_id = await rig.client.start_new("fan_out")
    await gate.reached(3)
    gate.break_("a")
    await _history_has(rig, instance_id, "TaskFailed")
    gate.open("c")
    await _history_has(rig, instance_id, "TaskCompleted")
    gate.open("b")
    instance = await rig.finish(instance_id)
    assert "a broke" in instance.output
    tasks = [each for each in await rig.hub.history(instance_id) if each["EventType"] in {4, 5, 6}]
    assert [each.get("Name") for each in tasks] == ["gate", "gate", "gate", None, None, None, "clean_up", None]


async def test_d022_task_any_returns_the_first_and_the_late_loser_does_no_harm(rig: Any, gate: Gate) -> None:
    @rig.functions.orchestrator
    def race(context: Any) -> Any:
        tasks = [context.call_activity("gate", "slow"), context.call_activity("gate", "fast")]
        first = yield context.task_any(tasks)
        then = yield context.call_activity("gate", "then")
        return [first.result, then, first == tasks[1]]

    instance_id = await rig.client.start_new("race")
    gate.open("fast")
    await _history_has(rig, instance_id, "TaskCompleted")
    gate.open("slow")
    await _history_has(rig, instance_id, "TaskCompleted", times=2)
    gate.open("then")
    assert (await rig.finish(instance_id)).output == '["fast", "then", true]'


async def test_d022_the_first_that_ended_wins_also_when_both_results_come_in_one_turn(rig: Any, gate: Gate) -> None:
    @rig.functions.orchestrator
    def race(context: Any) -> Any:
        return (yield context.task_any([context.call_activity("gate", "a"), context.call_activity("gate", "b")])).result

    instance_id = await rig.client.start_new("race")
    await gate.reached(2)
    gate.open("b")
    gate.open("a")
    assert (await rig.finish(instance_id)).output == '"b"'


async def test_d023_the_instance_stays_running_until_the_losing_activity_ended(rig: Any, gate: Gate) -> None:
    @rig.functions.orchestrator
    def race(context: Any) -> Any:
        first = yield context.task_any([context.call_activity("gate", "slow"), context.call_activity("gate", "fast")])
        return first.result

    instance_id = await rig.client.start_new("race")
    gate.open("fast")
    await _history_has(rig, instance_id, "TaskCompleted")
    assert (await rig.hub.get(instance_id)).status == "Running"
    gate.open("slow")
    assert (await rig.finish(instance_id)).output == '"fast"'


async def test_d024_task_any_in_a_loop_consumes_all_tasks(rig: Any, gate: Gate) -> None:
    @rig.functions.orchestrator
    def drain(context: Any) -> Any:
        tasks = [context.call_activity("gate", name) for name in "abcd"]
        order = []
        while tasks:
            done = yield context.task_any(tasks)
            order.append(done.result)
            tasks.remove(done)
        return order

    instance_id = await rig.client.start_new("drain")
    for number, name in enumerate("cadb", start=1):
        gate.open(name)
        await _history_has(rig, instance_id, "TaskCompleted", times=number)
    assert (await rig.finish(instance_id)).output == '["c", "a", "d", "b"]'


async def test_d025_nested_compounds_work(rig: Any, gate: Gate) -> None:
    @rig.functions.orchestrator
    def nested(context: Any) -> Any:
        pair = context.task_all([context.call_activity("gate", "a"), context.call_activity("gate", "b")])
        race = context.task_any([context.call_activity("gate", "c"), pair])
        both = yield context.task_all([race, context.call_activity("gate", "d")])
        return [both[0].result, both[1]]

    instance_id = await rig.client.start_new("nested")
    for name in "abd":
        gate.open(name)
    await _history_has(rig, instance_id, "TaskCompleted", times=3)
    gate.open("c")
    assert (await rig.finish(instance_id)).output == '[["a", "b"], "d"]'


async def test_d026_task_all_of_nothing_goes_on_at_once(rig: Any) -> None:
    @rig.functions.orchestrator
    def nothing(context: Any) -> Any:
        first = yield context.task_all([])
        return [first, (yield context.task_all([]))]

    assert await rig.output("nothing") == [None, None]
    assert len(rig.functions.calls) == 1


async def test_d027_a_task_yielded_twice_gives_the_same_value(rig: Any) -> None:
    calls = []

    @rig.functions.activity
    def count(_: Any) -> int:
        calls.append(1)
        return len(calls)

    @rig.functions.orchestrator
    def twice(context: Any) -> Any:
        task = context.call_activity("count")
        return [(yield task), (yield task)]

    assert await rig.output("twice") == [1, 1]


async def test_d017_a_name_that_the_host_knows_as_an_alias_runs(rig: Any) -> None:
    rig.functions.activity(lambda value: value, "registered")
    registered = rig.functions._functions[FunctionKind.ACTIVITY]
    registered["python_name"] = registered["registered"]

    @rig.functions.orchestrator
    def alias(context: Any) -> Any:
        return (yield context.call_activity("python_name", 3))

    assert await rig.output("alias") == 3


async def _history_has(rig: Any, instance_id: str, event_type: str, times: int = 1) -> None:
    async with asyncio.timeout(10):
        while True:
            status = await rig.client.get_status(instance_id, show_history=True)
            if sum(each["EventType"] == event_type for each in status.historyEvents) >= times:
                return
