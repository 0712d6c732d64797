"""Drains and resumes that overlap, and listeners that start no more often than they should."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from localazure.clock import SystemClock
from localazure.host.control import Control


class _Triggers:
    """Counts how often they were started; a stop lasts until it is allowed to end."""

    def __init__(self) -> None:
        self.starts = 0
        self.is_stopped = asyncio.Event()

    def start(self, *_: Any) -> None:
        self.starts += 1

    async def stop(self, _: float) -> None:
        await self.is_stopped.wait()


@pytest.fixture
async def triggers() -> _Triggers:
    return _Triggers()


@pytest.fixture
async def control(triggers: _Triggers) -> Control:
    others = SimpleNamespace(running=0, is_offline=False, state="Running")
    control = Control(triggers, others, others, others, SystemClock())  # type: ignore[arg-type]  # what it asks of them
    control.start(grace_s=1)
    return control


async def test_two_resumes_at_once_start_the_triggers_once(control: Control, triggers: _Triggers) -> None:
    control.drain()
    resuming = asyncio.gather(control.resume(), control.resume())
    await asyncio.sleep(0)
    triggers.is_stopped.set()
    await resuming
    assert (triggers.starts, control.drain_state) == (2, "Disabled")


async def test_host_that_goes_offline_again_while_it_resumes_starts_nothing(
    control: Control, triggers: _Triggers
) -> None:
    await control.set_offline(is_offline=True)
    resuming = asyncio.create_task(control.set_offline(is_offline=False))
    await asyncio.sleep(0)
    await control.set_offline(is_offline=True)
    triggers.is_stopped.set()
    await resuming
    assert (triggers.starts, control.drain_state) == (1, "Completed")


async def test_resume_does_not_outlive_the_host(control: Control, triggers: _Triggers) -> None:
    control.drain()
    ending = asyncio.gather(control.resume(), control.stop(grace_s=10))
    await asyncio.sleep(0)
    triggers.is_stopped.set()
    await ending
    assert triggers.starts == 1
