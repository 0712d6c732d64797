"""When a timer fires, by a clock that only the test moves."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest
from azure.functions.meta import Datum
from localazure.clock import ManualClock
from localazure.durable.functions import FunctionFailure
from localazure.host.functions import HostedFunction
from localazure.host.index import build_index
from localazure.host.invocation import TriggerCall
from localazure.host.settings import Settings
from localazure.host.timer_status import TimerStatus
from localazure.host.timer_trigger import TimerListener
from localazure.host.trigger_kinds import TRIGGER_KINDS

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


class _Record:
    """A status that is kept in memory."""

    def __init__(self) -> None:
        self.status: TimerStatus | None = None

    async def read(self) -> TimerStatus | None:
        return self.status

    async def write(self, status: TimerStatus) -> None:
        self.status = status


class _Function:
    """What the timer runs: it notes minute and `past_due`, takes the next of its durations, and may fail."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.durations: list[float] = []
        self.fails = False
        self.runs: list[tuple[float, bool]] = []

    async def invoke(self, _: HostedFunction, call: TriggerCall) -> Datum:
        begun = (self._clock.now() - NEW_YEAR) / timedelta(minutes=1)
        self.runs.append((begun, json.loads(call.datum.value)["IsPastDue"]))
        self._clock.advance(minutes=self.durations.pop(0) if self.durations else 0)
        if self.fails:
            raise FunctionFailure("ValueError", "on purpose", "")
        return Datum(None, None)


class Timer:
    """A timer for every tenth minute, in as many lives as the test wants."""

    def __init__(self) -> None:
        self.clock = ManualClock(NEW_YEAR)
        self.function = _Function(self.clock)
        self.record = _Record()
        self._listener: TimerListener | None = None
        self._running: asyncio.Task[None] | None = None

    async def start(self, **trigger: Any) -> None:
        app = func.FunctionApp()

        @app.schedule(arg_name="timer", schedule="0 */10 * * * *", **trigger)
        def tick(timer: func.TimerRequest) -> None: ...

        checks = {name: kind.check for name, kind in TRIGGER_KINDS.items()}
        [function] = build_index(app.get_functions(), Settings({}), None, checks).functions
        self._listener = TimerListener(function, self.function, self.clock, UTC, self.record)  # type: ignore[arg-type]  # all that it asks of an invoker
        self._running = asyncio.create_task(self._listener.run())
        await self.settle()

    async def pass_minutes(self, minutes: float) -> None:
        assert self._listener is not None
        self.clock.advance(minutes=minutes)
        self._listener.wake()
        await self.settle()

    async def stop(self) -> None:
        assert self._listener is not None
        assert self._running is not None
        self._listener.stop()
        await self._running

    @staticmethod
    async def settle() -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def timer() -> Timer:
    return Timer()


async def test_h069_run_over_several_occurrences_is_followed_by_exactly_one_at_once(timer: Timer) -> None:
    await timer.start()
    timer.function.durations = [25]
    await timer.pass_minutes(9)
    assert timer.function.runs == []
    await timer.pass_minutes(1)
    assert timer.function.runs == [(10, False), (35, False)], "one run makes up for 20 and for 30"
    await timer.pass_minutes(4)
    assert len(timer.function.runs) == 2
    await timer.pass_minutes(1)
    assert timer.function.runs[2:] == [(40, False)]
    await timer.stop()


async def test_h070_failure_does_not_stop_the_schedule(timer: Timer) -> None:
    timer.function.fails = True
    await timer.start()
    for _ in range(3):
        await timer.pass_minutes(10)
    assert timer.function.runs == [(10, False), (20, False), (30, False)]
    await timer.stop()


async def test_h068_missed_occurrences_are_made_up_once_at_the_next_start(timer: Timer) -> None:
    await timer.start()
    await timer.stop()
    timer.clock.advance(minutes=35)
    await timer.start()
    assert timer.function.runs == [(35, True)]
    await timer.pass_minutes(5)
    assert timer.function.runs[1:] == [(40, False)]
    await timer.stop()
    await timer.start()
    assert len(timer.function.runs) == 2, "nothing was missed"
    await timer.stop()


async def test_h067_run_on_startup_is_one_run_that_is_past_due_only_when_something_was_missed(timer: Timer) -> None:
    await timer.start(run_on_startup=True)
    assert timer.function.runs == [(0, False)]
    await timer.stop()
    timer.clock.advance(minutes=15)
    await timer.start(run_on_startup=True)
    assert timer.function.runs[1:] == [(15, True)]
    await timer.stop()


async def test_timer_without_monitor_never_knows_what_was_missed(timer: Timer) -> None:
    await timer.start(use_monitor=False)
    await timer.stop()
    timer.clock.advance(minutes=35)
    await timer.start(use_monitor=False)
    assert (timer.function.runs, timer.record.status) == ([], None)
    await timer.stop()
