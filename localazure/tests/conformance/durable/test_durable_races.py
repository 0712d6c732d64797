"""What comes between two steps of the hub: a message behind a commit, a request in a turn, work of a former life."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from localazure.durable.observer import Change

WITHIN_S = 20.0


class Gate:
    """Keeps commits that hold a change of a chosen kind back, until it is opened."""

    def __init__(self) -> None:
        self.shut: frozenset[str] = frozenset()
        self.reached = threading.Event()
        self._open = threading.Event()

    def shut_for(self, *kinds: str) -> None:
        self.reached.clear()
        self._open.clear()
        self.shut = frozenset(kinds)

    def open(self) -> None:
        self.shut = frozenset()
        self._open.set()

    def before_commit(self, changes: Sequence[Change]) -> None:
        if self.shut & {change.kind for change in changes}:
            self.reached.set()
            assert self._open.wait(WITHIN_S)

    def after_commit(self, changes: Sequence[Change]) -> None:
        """Nothing is kept back here."""

    async def is_reached(self) -> None:
        assert await asyncio.to_thread(self.reached.wait, WITHIN_S)


@pytest.fixture
async def gate(rig: Any) -> Gate:
    gate = Gate()
    rig.observer = gate
    await rig.restart()
    return gate


class Held:
    """An activity that answers when it is told to."""

    def __init__(self, rig: Any, name: str = "held") -> None:
        self.begun = 0
        self._release = asyncio.Event()

        async def held(value: Any) -> Any:
            self.begun += 1
            await self._release.wait()
            return value

        rig.functions.activity(held, name)

    def release(self) -> None:
        self._release.set()

    async def has_begun(self, count: int = 1) -> None:
        await until(lambda: self.begun >= count)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("operation", ["terminate", "suspend"])
async def test_a_request_during_the_turn_that_continues_as_new_is_kept(rig: Any, gate: Gate, operation: str) -> None:
    held = Held(rig)
    turn = asyncio.Event()
    call = rig.functions.call_orchestrator

    async def slow(*arguments: Any) -> str:
        text = await call(*arguments)
        if '"actionType": 4' in text or '"actionType":4' in text:
            await turn.wait()
        return str(text)

    @rig.functions.orchestrator
    def again(context: Any) -> Any:
        yield context.call_activity("held", 1)
        context.continue_as_new(1)

    await rig.client.start_new("again", "one")
    await held.has_begun()
    rig.functions.call_orchestrator = slow
    gate.shut_for("send")
    asked = asyncio.create_task(getattr(rig.hub, operation)("one", "enough"))
    await gate.is_reached()
    calls = len(rig.functions.calls)
    held.release()
    await until(lambda: len(rig.functions.calls) > calls)
    gate.open()
    await asked
    turn.set()
    await rig.idle()
    assert (await rig.hub.get("one")).status == {"terminate": "Terminated", "suspend": "Suspended"}[operation]


@pytest.mark.parametrize("operation", ["terminate", "suspend", "raise_event"])
async def test_a_request_that_comes_with_the_end_changes_nothing(
    rig: Any, gate: Gate, caplog: Any, operation: str
) -> None:
    held = Held(rig)

    @rig.functions.orchestrator
    def once(context: Any) -> Any:
        return (yield context.call_activity("held", 1))

    await rig.client.start_new("once", "one")
    await held.has_begun()
    gate.shut_for("send")
    more = (None,) if operation == "raise_event" else ()
    asked = asyncio.create_task(getattr(rig.hub, operation)("one", "enough", *more))
    await gate.is_reached()
    calls = len(rig.functions.calls)
    held.release()
    await until(lambda: len(rig.functions.calls) > calls)
    await asyncio.sleep(0)
    gate.open()
    await asked
    instance = await rig.finish("one")
    await rig.idle()
    assert (instance.status, instance.output) == ("Completed", "1")
    assert "defect" not in caplog.text


class SlowLooks:
    """Makes each look of the hub at the store wait for its turn, before it is made."""

    def __init__(self, rig: Any) -> None:
        self.begun = 0
        self._turns = asyncio.Semaphore(0)
        self._hub = rig.hub
        self._load = rig.hub._store.load
        rig.hub._store.load = self

    async def __call__(self, instance_id: str) -> Any:
        self.begun += 1
        await self._turns.acquire()
        return await self._load(instance_id)

    async def have_begun(self, count: int) -> None:
        await until(lambda: self.begun >= count)

    def let_go(self) -> None:
        self._turns.release()

    def end(self) -> None:
        """From now on looks are as quick as ever."""
        self._hub._store.load = self._load
        for _ in range(self.begun):
            self._turns.release()


@pytest.fixture
async def ended(rig: Any, gate: Gate) -> list[Held]:
    """An instance "one" that was terminated while two activities were at work for it."""
    works = [Held(rig, f"work-{number}") for number in range(2)]

    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        if context.get_input() == "first":
            yield context.task_all([context.call_activity(f"work-{number}") for number in range(2)])
        return (yield context.wait_for_external_event("go"))

    await rig.client.start_new("waits", "one", "first")
    for work in works:
        await work.has_begun()
    await rig.client.terminate("one", "enough")
    await rig.finish("one")
    await until(lambda: not rig.hub._orchestrations.is_at_work("one"))
    return works


async def _runs_once_and_ends(rig: Any) -> None:
    await rig.client.raise_event("one", "go", 1)
    assert (await rig.finish("one")).output == '"1"'
    await rig.idle()
    kinds = [each["EventType"] for each in await rig.hub.history("one")]
    assert kinds == [12, 0, 13, 12, 15, 1, 13]


async def test_an_instance_that_starts_anew_while_late_results_come_in_runs_once(
    rig: Any, gate: Gate, ended: list[Held]
) -> None:
    looks = SlowLooks(rig)
    ended[0].release()
    await looks.have_begun(1)
    slot = rig.hub._orchestrations._slots["one"]
    ended[1].release()
    await until(lambda: len(slot.inbox) == 2)
    looks.let_go()
    await looks.have_begun(2)
    gate.shut_for("commit")
    await rig.client.start_new("waits", "one", "second")
    if rig.hub._orchestrations._slots["one"] is not slot:
        await gate.is_reached()
    looks.end()
    gate.open()
    await rig.idle()
    await _runs_once_and_ends(rig)


async def test_an_instance_that_is_found_in_the_store_before_its_start_is_answered_runs_once(
    rig: Any, ended: list[Held]
) -> None:
    looks = SlowLooks(rig)
    ended[0].release()
    await looks.have_begun(1)
    create, answer = rig.hub._store.create, asyncio.Event()

    async def create_and_wait(*arguments: Any, **options: Any) -> None:
        await create(*arguments, **options)
        looks.let_go()
        await answer.wait()

    rig.hub._store.create = create_and_wait
    calls = len(rig.functions.calls)
    starting = asyncio.create_task(rig.client.start_new("waits", "one", "second"))
    await until(lambda: len(rig.functions.calls) > calls)
    answer.set()
    await starting
    looks.end()
    ended[1].release()
    await rig.idle()
    assert len(rig.functions.calls) == calls + 1
    await _runs_once_and_ends(rig)


async def test_events_that_come_during_and_before_a_look_at_the_store_are_taken_once(rig: Any) -> None:
    @rig.functions.orchestrator
    def collect(context: Any) -> Any:
        values = []
        for _ in range(3):
            values.append((yield context.wait_for_external_event("go")))
        return values

    await rig.client.start_new("collect", "one")
    await rig.idle()
    await rig.restart()
    looks = SlowLooks(rig)
    await rig.client.raise_event("one", "go", 1)
    await looks.have_begun(1)
    send, answer = rig.hub._store.send, asyncio.Event()

    async def send_and_wait(*arguments: Any) -> None:
        await send(*arguments)
        looks.let_go()
        await answer.wait()

    rig.hub._store.send = send_and_wait
    calls = len(rig.functions.calls)
    raising = asyncio.create_task(rig.client.raise_event("one", "go", 2))
    await until(lambda: len(rig.functions.calls) == calls + 2)  # it has taken both, and was told of one
    answer.set()
    looks.end()
    await raising
    await rig.idle()
    assert (await rig.hub.get("one")).status == "Running"
    await rig.client.raise_event("one", "go", 3)
    assert (await rig.finish("one")).output == '["1", "2", "3"]'
