"""Which sessions are kept, and for how long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator
from functools import wraps
from typing import Any

import pytest
from azure.durable_functions import Orchestrator
from localazure.durable.functions import FunctionFailure, Turn
from localazure.host.sessions import KeptOrchestrator, SessionBroken, Sessions

STARTED = {"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": "20260101T000000.000000Z"}
BEGIN = {"EventType": 0, "EventId": -1, "IsPlayed": False, "Timestamp": "20260101", "Version": None}
RAISED = {"EventType": 15, "EventId": -1, "IsPlayed": False, "Timestamp": "20260101", "Name": "go", "Input": "1"}
CONTEXT = {"history": [STARTED, BEGIN], "instanceId": "i", "isReplaying": False, "parentInstanceId": None}
RESULT = {"EventType": 5, "EventId": -1, "IsPlayed": False, "Timestamp": "20260101", "TaskScheduledId": 9}


def _waits(context: Any) -> Generator[Any, Any, Any]:
    yield context.wait_for_external_event("go")
    yield context.wait_for_external_event("go")


WRAPPER = Orchestrator.create(_waits)


class Player:
    """Plays turns of one instance, and notes which of them were replays."""

    def __init__(self, wrapper: Any = WRAPPER) -> None:
        self.sessions = Sessions()
        self.replays: list[bool] = []
        self._wrapper = wrapper

    async def play(self, number: int, *, execution_id: str = "e", idle_s: float = 60, news: Any = RAISED) -> None:
        def context() -> str:
            return json.dumps({**CONTEXT, "history": [STARTED, BEGIN], "upperSchemaVersionNew": 2})

        turn = Turn(execution_id, number, [STARTED, news], context, idle_s)
        await self.sessions.play("i", turn, self._wrapper, self._call)

    def _call(self, code: Callable[[Any], str], text: str) -> Awaitable[str]:
        async def call() -> str:
            self.replays.append('"history"' in text)
            try:
                return code(text)
            except SessionBroken as broken:
                raise FunctionFailure("SessionBroken", str(broken)) from broken

        return call()


async def test_the_next_turn_goes_on() -> None:
    player = Player()
    await player.play(0)
    await player.play(1)
    assert player.replays == [True, False]


@pytest.mark.parametrize("other", [{"number": 2}, {"number": 0}, {"number": 1, "execution_id": "other"}])
async def test_any_other_turn_is_replayed(other: Any) -> None:
    player = Player()
    await player.play(0)
    await player.play(**other)
    assert player.replays == [True, True]


async def test_a_session_that_breaks_is_replayed() -> None:
    player = Player()
    await player.play(0)
    await player.play(1, news={**RESULT, "Timestamp": "no time"})
    assert player.replays == [True, False, True]


async def test_what_is_not_used_for_too_long_is_dropped() -> None:
    player = Player()
    await player.play(0, idle_s=0.01)
    async with asyncio.timeout(10):
        while len(player.sessions):
            await asyncio.sleep(0.001)
    await player.play(1)
    assert player.replays == [True, True]


async def test_an_orchestrator_inside_another_decorator_is_never_kept() -> None:
    @wraps(WRAPPER)
    def decorated(body: Any) -> str:
        return str(WRAPPER(body))

    player = Player(decorated)
    await player.play(0)
    await player.play(1)
    assert (player.replays, len(player.sessions)) == ([True, True], 0)


def _tells_its_context(context: Any) -> Generator[Any, Any, Any]:
    heard = yield context.wait_for_external_event("go")
    seen = [{**vars(event), "_timestamp": event.timestamp.isoformat()} for event in context.histories]
    moments = (context.decision_started_event.timestamp, context.current_utc_datetime)
    return [heard, context.version, context.new_uuid(), context.is_replaying, *map(repr, moments), seen]


def test_a_kept_orchestrator_sees_what_the_sdk_would_have_shown_it() -> None:
    later = {**STARTED, "Timestamp": "20260101T000001.000002Z"}
    history = [{**STARTED, "IsPlayed": True}, {**BEGIN, "Version": "2"}, later, RAISED]
    text = json.dumps({**CONTEXT, "history": history, "upperSchemaVersionNew": 2})
    wrapper = Orchestrator.create(_tells_its_context)
    kept = KeptOrchestrator(wrapper)
    assert kept(text) == wrapper(text)
    in_two_calls = KeptOrchestrator(wrapper)
    in_two_calls(json.dumps({**CONTEXT, "history": history[:2], "upperSchemaVersionNew": 2}))
    assert in_two_calls.go_on(history[2:]) == wrapper(text)
