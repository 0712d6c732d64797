"""Clients that ask everything of the same few instances at once: none waits for ever, none lives two lives."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from azure.durable_functions import EntityId, RetryOptions
from localazure.durable.errors import HubError
from localazure.durable.events import Event, EventType
from localazure.durable.execution import Execution
from localazure.durable.hub import TaskHub
from localazure.durable.store import InstanceQuery

SEEDS = range(int(os.environ.get("TURMOIL", "2")))
FAMILIES = ["one", "two", "three"]
CHILDREN = ["child-0", "child-1", "child-2"]
CLIENTS, REQUESTS, ROUNDS = 6, 25, 40
WANTED = {
    "start": 4,
    "go": 4,
    "done": 3,
    "terminate": 1,
    "suspend": 1,
    "resume": 2,
    "rewind": 2,
    "purge": 1,
    "restart": 1,
}


class App:
    """Functions that take their turns in ever another order, and fail now and then."""

    def __init__(self, rig: Any, chance: random.Random) -> None:
        self._chance = chance
        self._call = rig.functions.call_orchestrator
        rig.functions.call_orchestrator = self._call_slowly
        rig.functions.activity(self._work, "work")
        rig.functions.orchestrator(self._family, "family")
        rig.functions.orchestrator(self._child, "child")
        rig.functions.entity(lambda context: context.set_result(None), "box")

    async def pause(self) -> None:
        for _ in range(self._chance.randrange(12)):
            await asyncio.sleep(0)

    async def _call_slowly(self, *arguments: Any) -> str:
        await self.pause()
        text = str(await self._call(*arguments))
        await self.pause()
        return text

    async def _work(self, value: Any) -> Any:
        await self.pause()
        if self._chance.random() < 0.2:
            raise RuntimeError("work broke")
        return value

    def _family(self, context: Any) -> Any:
        generation = context.get_input() or 0
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=5))
        go = context.wait_for_external_event("go")
        winner = yield context.task_any([go, timer, context.call_activity("work", 1)])
        if winner is not timer:
            timer.cancel()
        with suppress(Exception):
            retry = RetryOptions(1000, 2)
            yield context.task_all([context.call_activity_with_retry("work", retry, n) for n in range(3)])
        try:
            yield context.call_sub_orchestrator("child", None, CHILDREN[generation])
        except Exception:  # the SDK raises nothing narrower
            if generation == 1:
                raise
        yield context.call_entity(EntityId("box", "k"), "note")
        if generation < 2:
            context.continue_as_new(generation + 1)
            return None
        return (yield context.wait_for_external_event("done"))

    def _child(self, context: Any) -> Any:
        yield context.call_activity("work", 1)
        return (yield context.wait_for_external_event("go"))


async def _client(rig: Any, app: App, chance: random.Random) -> None:
    """Ask for this and that; the answer may be that it cannot be done now."""
    starts = FAMILIES if rig.settings.replace_any_state else FAMILIES + CHILDREN  # a parent does not hear of a
    for _ in range(REQUESTS):  # child that a client replaced
        await app.pause()
        (wanted,) = chance.choices(list(WANTED), list(WANTED.values()))
        instance_id = chance.choice(starts if wanted in {"start", "restart"} else FAMILIES + CHILDREN)
        with suppress(HubError):
            await _ask(rig.hub, wanted, instance_id)
        if chance.random() < 0.05:
            rig.advance(seconds=1)


async def _ask(hub: TaskHub, wanted: str, instance_id: str) -> None:
    match wanted:
        case "start":
            await hub.start_instance("family" if instance_id in FAMILIES else "child", instance_id)
        case "go" | "done":
            await hub.raise_event(instance_id, wanted, "1")
        case "purge":
            await hub.purge(instance_id)
        case "restart":
            await hub.restart(instance_id, with_new_id=False)
        case _:
            await getattr(hub, wanted)(instance_id, "why")


async def _give_all_they_wait_for(rig: Any) -> None:
    waiting = []
    for _ in range(ROUNDS):
        await rig.idle()
        waiting = [each.start for each in await rig.hub.find(InstanceQuery()) if not each.status.is_final]
        if not waiting:
            return
        for start in waiting:
            for wanted in ("resume", "go", "done"):
                with suppress(HubError):
                    await _ask(rig.hub, wanted, start.instance_id)
        await rig.idle()
        rig.advance(seconds=5)
    raise AssertionError(f"nothing moves {waiting}")


def _check_history(history: list[Event]) -> None:
    """One beginning, and each task created once and answered once, but for those that a rewind takes up again."""
    kinds = [each["EventType"] for each in history]
    assert kinds.count(EventType.EXECUTION_STARTED) == 1
    created = [each["EventId"] for each in history if each["EventId"] >= 0]
    assert created == list(range(len(created)))
    answered = [each["TaskScheduledId"] for each in history if "TaskScheduledId" in each]
    assert len(answered) == len(set(answered))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("replaces", [False, True])
async def test_whatever_clients_do_at_once_every_instance_ends_with_one_history(
    make_rig: Any, caplog: pytest.LogCaptureFixture, seed: int, replaces: bool
) -> None:
    """More of it with `TURMOIL=100`; threads have a say in the order, so a seed is no repetition."""
    caplog.set_level(logging.ERROR)
    rig = await make_rig(replace_any_state=replaces)
    chance = random.Random(seed)
    app = App(rig, chance)
    await asyncio.gather(*(_client(rig, app, chance) for _ in range(CLIENTS)))
    await _give_all_they_wait_for(rig)
    for each in await rig.hub.find(InstanceQuery()):
        history = await rig.hub.history(each.start.instance_id)
        _check_history(history)
        Execution.restore(each.start, history)
    assert "defect" not in caplog.text
