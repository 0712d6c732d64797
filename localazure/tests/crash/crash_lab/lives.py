"""One life of a task hub: a forked process that goes on where the last one died, until its bomb ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import select
import signal
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from localazure.clock import ManualClock
from localazure.durable.errors import InstanceNotFound
from localazure.durable.hub import TaskHub
from localazure.durable.settings import TaskHubSettings

from crash_lab.app import App
from crash_lab.bomb import NOBODY, Bomb
from crash_lab.evidence import HUB_FILE
from crash_lab.pace import Pace
from crash_lab.scenarios import Scenario

DEADLINE_S = 60.0
FIRST_LIFE = datetime(2026, 1, 1, tzinfo=UTC)
DOWNTIME = timedelta(minutes=5)


def settings_of(scenario: Scenario, mode: dict[str, Any]) -> TaskHubSettings:
    """As from a host.json that has the scenario's settings and the mode's."""
    return TaskHubSettings.from_host_json({**scenario.settings, **mode}, {})


class Kill(NamedTuple):
    """When a life ends: at a moment, see `Bomb`, or so many seconds after its birth; or else of old age."""

    moment: str = ""
    occurrence: int = 0
    after_s: float | None = None


class Life:
    """`number` counts from 0; `first_step` is the first request that nobody acknowledged."""

    def __init__(self, folder: Path, scenario: Scenario, mode: dict[str, Any], number: int, first_step: int) -> None:
        self.log = folder / f"life-{number}.log"
        self._folder = folder
        self._scenario = scenario
        self._settings = settings_of(scenario, mode)
        self._number = number
        self._first_step = first_step

    def live(self, kill: Kill) -> int:
        """Fork, live, and die; the exit code, negative for a signal."""
        self.log.touch()  # whoever is killed from outside may be killed before it has a log of its own
        process = os.fork()
        if process == 0:
            self._be_born(kill)
        if kill.after_s is not None:
            _wait(process, kill.after_s)
            os.kill(process, signal.SIGKILL)  # no harm if it has ended: it is ours until we wait for it
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    def _be_born(self, kill: Kill) -> NoReturn:
        code = 1
        try:
            logging.basicConfig(filename=self.log, level=logging.INFO, force=True)
            asyncio.run(self._live(kill))
            code = 0
        except BaseException:  # noqa: BLE001  # whatever it was, this fork must not return to its parent's work
            with self.log.open("a") as log:
                traceback.print_exc(file=log)
        os._exit(code)

    async def _live(self, kill: Kill) -> None:
        bomb = Bomb(kill.moment, kill.occurrence, self._folder / "killed")
        clock = ManualClock(FIRST_LIFE + self._number * DOWNTIME)
        pace = Pace(lambda: _settle(hub), one_by_one=self._scenario.one_by_one)
        app = App(self._folder, self._number, bomb, pace)
        hub = TaskHub(self._settings, app, self._folder / HUB_FILE, clock, bomb)
        async with asyncio.timeout(DEADLINE_S):
            await hub.start()
            for step in self._scenario.steps[self._first_step :]:
                if not step.at_once:
                    await _idle(hub)
                async with pace.turn():
                    await step.ask(hub, self._folder)
                with (self._folder / "acknowledged").open("a") as acknowledged:
                    acknowledged.write(f"{step.name}\n")
                bomb.tick("after an acknowledgement")
            await _let_time_pass(hub, clock)
            await hub.stop()
        (self._folder / "moments.json").write_text(json.dumps(bomb.moments))


def _wait(process: int, at_most_s: float) -> None:
    """Until a child process has ended, but not for ever."""
    fd = os.pidfd_open(process)
    select.select([fd], [], [], at_most_s)
    os.close(fd)


async def _settle(hub: TaskHub) -> None:
    """Until all that was asked of the store is on disk: changes are made in order, and this one is refused."""
    with contextlib.suppress(InstanceNotFound):
        await hub.purge(NOBODY)


async def _idle(hub: TaskHub) -> None:
    while not hub.is_idle:
        await asyncio.sleep(0.0005)


async def _let_time_pass(hub: TaskHub, clock: ManualClock) -> None:
    """From timer to timer, until there is none."""
    await _idle(hub)
    while (due := hub.next_timer_at()) is not None:
        clock.advance(seconds=max(0.0, (due - clock.now()).total_seconds()))
        hub.fire_due_timers()
        await _idle(hub)
