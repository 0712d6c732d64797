"""What the hub does beside its work: limits of calls, instances that leave memory, clocks that jump, bad rows."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from azure.durable_functions import EntityId
from localazure.durable import orchestrations, timers

Call = Callable[..., Awaitable[str]]


class Most:
    """The most calls of one kind that were under way at once; the first ones wait until there are so many."""

    def __init__(self, call: Call, limit: int) -> None:
        self._call = call
        self._limit = limit
        self._running = 0
        self._full = asyncio.Event()
        self.seen = 0

    async def __call__(self, *arguments: Any) -> str:
        self._running += 1
        self.seen = max(self.seen, self._running)
        if self._running == self._limit:
            self._full.set()
        await self._full.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        text = await self._call(*arguments)
        self._running -= 1
        return text


@pytest.mark.parametrize("limit", [1, 3])
@pytest.mark.parametrize(
    ("kind", "setting"), [("orchestrator", "orchestrators"), ("activity", "activities"), ("entity", "entities")]
)
async def test_no_more_calls_run_at_once_than_the_settings_allow(
    make_rig: Any, kind: str, setting: str, limit: int
) -> None:
    rig = await make_rig(**{f"max_concurrent_{setting}": limit})
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.entity
    def box(context: Any) -> None:
        context.set_result(context.entity_key)

    @rig.functions.orchestrator
    def wide(context: Any) -> Any:
        works = [context.call_activity("same", number) for number in range(5)]
        asked = [context.call_entity(EntityId("box", str(number)), "get") for number in range(5)]
        return (yield context.task_all([*works, *asked]))

    most = Most(getattr(rig.functions, f"call_{kind}"), limit)
    setattr(rig.functions, f"call_{kind}", most)
    for started in [await rig.client.start_new("wide") for _ in range(5)]:
        assert (await rig.finish(started)).output == '[0, 1, 2, 3, 4, "0", "1", "2", "3", "4"]'
    assert most.seen == limit


async def test_instances_that_left_memory_go_on_when_something_comes(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orchestrations, "MAX_IDLE_SLOTS", 2)

    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        deadline = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        go = context.wait_for_external_event("go")
        winner = yield context.task_any([go, deadline])
        if winner is deadline:
            return "late"
        deadline.cancel()
        return winner.result

    for number in range(10):
        await rig.client.start_new("waits", f"i-{number}")
    await rig.client.suspend("i-0", "")
    await rig.client.suspend("i-1", "")
    await rig.idle()
    assert len(rig.hub._orchestrations._slots) <= 2
    for number in range(1, 9):
        await rig.client.raise_event(f"i-{number}", "go", number)
    await rig.idle()
    rig.advance(hours=1)
    await rig.idle()
    for number in range(5):  # they push out who is not needed; a timer that fired for a suspended one is
        await rig.client.start_new("waits", f"other-{number}")
    await rig.idle()
    await rig.client.resume("i-0", "")
    await rig.client.resume("i-1", "")
    outputs = [(await rig.finish(f"i-{number}")).output for number in range(10)]
    assert outputs == ['"late"', *(f'"{number}"' for number in range(1, 9)), '"late"']


async def test_a_timer_that_came_due_while_the_machine_slept_fires(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's own clock stands still meanwhile, so the hub looks at the real one now and then."""
    monkeypatch.setattr(timers, "LONGEST_SLEEP_S", 0.01)

    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        return "woke"

    instance_id = await rig.client.start_new("waits")
    await rig.idle()
    rig.clock.advance(hours=1)
    assert (await rig.hub.wait(instance_id, 20)).output == '"woke"'


async def test_a_clock_that_is_set_back_takes_no_instance_back_in_time(rig: Any) -> None:
    times = []

    @rig.functions.activity
    def meanwhile(hours: int) -> None:
        rig.clock.advance(hours=hours)

    @rig.functions.orchestrator
    def steps(context: Any) -> Any:
        for hours in (2, -5, 1):
            yield context.call_activity("meanwhile", hours)
            times.append(context.current_utc_datetime.hour)
        deadline = context.current_utc_datetime + timedelta(minutes=1)
        yield context.create_timer(deadline)
        assert context.current_utc_datetime >= deadline
        return [context.current_utc_datetime.hour, context.current_utc_datetime.minute]

    instance = await rig.run("steps")
    assert (instance.output, set(times)) == ("[2, 1]", {2})
    history = await rig.hub.history(instance.start.instance_id)
    marks = [each["Timestamp"] for each in history if each["EventType"] in {12, 13}]
    assert marks == sorted(marks)


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE history SET events = '{' WHERE instance_id = 'bad'",
        "UPDATE instances SET parent = '[1' WHERE instance_id = 'bad'",
        "INSERT INTO inbox VALUES (1, 'bad', NULL, 'x')",
    ],
)
async def test_an_instance_whose_rows_make_no_sense_stops_and_harms_nobody_else(
    rig: Any, caplog: Any, broken: str
) -> None:
    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        return (yield context.wait_for_external_event("go"))

    for instance_id in ("bad", "good"):
        await rig.client.start_new("waits", instance_id)
    await rig.idle()
    await rig.stop()
    with sqlite3.connect(rig.store_path) as connection:
        assert connection.execute(broken).rowcount == 1
    connection.close()
    await rig.start()
    for instance_id in ("bad", "good"):
        await rig.hub.raise_event(instance_id, "go", "1")
    assert (await rig.finish("good")).output == "1"
    await rig.idle()
    assert "instance bad waits for its next message" in caplog.text
    assert (await rig.call("GET", "instances/good"))[0] == 200


async def test_the_hub_waits_while_another_program_writes_to_its_file(rig: Any) -> None:
    @rig.functions.orchestrator
    def quick(context: Any) -> Any:
        return "done"
        yield

    with closing(sqlite3.connect(rig.store_path, isolation_level=None)) as browser:
        browser.execute("BEGIN IMMEDIATE")
        asked = asyncio.create_task(rig.client.start_new("quick", "one"))
        done, _ = await asyncio.wait({asked}, timeout=0.2)
        assert not done
        browser.execute("ROLLBACK")
    await asked
    assert (await rig.finish("one")).output == '"done"'
