"""Task hubs that die without warning at a chosen moment. The crash tests start this program once.

It reads one JSON object per line: {"folder", "moment", "count", "instances"}. For each it forks a process (which saves
the imports) with a hub in that folder; `count` says at which occurrence of `moment` that process ends itself. Moments
are the commits of the hub (`before-<name>`, `after-<name>`) and `activity` (it ran, its result is nowhere). The
process writes a line per accepted start and per finished instance to `output`; its exit code is the answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from azure.durable_functions import Orchestrator, RetryOptions
from localazure.clock import SystemClock
from localazure.durable import sqlite_instances
from localazure.durable.functions import FunctionFailure, FunctionKind
from localazure.durable.hub import TaskHub
from localazure.durable.settings import TaskHubSettings
from localazure.durable.store import InstanceQuery

STEPS = 3


class Bomb:
    """Ends the process at the n-th occurrence of its moment."""

    def __init__(self, moment: str, count: int) -> None:
        self._moment = moment
        self._left = count

    def tick(self, moment: str) -> None:
        if moment == self._moment:
            self._left -= 1
            if self._left == 0:
                os._exit(9)


def _saga(context: Any) -> Any:
    name = context.get_input()
    done = []
    for step in range(STEPS):
        done.append((yield context.call_activity_with_retry("note", RetryOptions(1, 2), f"{name}-{step}")))
    done += yield context.task_all([context.call_activity("note", f"{name}-fan-{n}") for n in range(3)])
    done.append((yield context.call_sub_orchestrator("child", name)))
    return done


def _child(context: Any) -> Any:
    yield context.create_timer(context.current_utc_datetime)
    return (yield context.call_activity("note", f"{context.get_input()}-child"))


class Functions:
    """Two orchestrators, and an activity that appends its input to the log; its first try of every step fails."""

    def __init__(self, log: Path, bomb: Bomb) -> None:
        self._log = log
        self._bomb = bomb
        self._orchestrators = {"saga": Orchestrator.create(_saga), "child": Orchestrator.create(_child)}

    def resolve(self, kind: FunctionKind, name: str) -> str | None:
        known = {FunctionKind.ORCHESTRATOR: self._orchestrators, FunctionKind.ACTIVITY: {"note"}}
        return name if name in known.get(kind, ()) else None

    def names(self, _: FunctionKind) -> list[str]:
        return []

    async def call_orchestrator(self, name: str, _: str, context_json: str) -> str:
        try:
            return str(self._orchestrators[name](context_json))
        except Exception as raised:
            raise FunctionFailure(type(raised).__name__, str(raised)) from raised

    async def call_activity(self, _: str, __: str, input_json: str) -> str:
        with self._log.open("a") as log:
            log.write(f"{input_json}\n")
        if "fan" not in input_json and "child" not in input_json and self._runs_first(input_json):
            raise FunctionFailure("RuntimeError", "first try")
        self._bomb.tick("activity")
        return input_json

    def _runs_first(self, input_json: str) -> bool:
        return self._log.read_text().splitlines().count(input_json) == 1

    async def call_entity(self, name: str, instance_id: str, batch_json: str) -> str:
        raise NotImplementedError(name, instance_id, batch_json)


def _arm(bomb: Bomb, name: str) -> None:
    """Let the bomb tick before and after the transaction `name` does its work."""
    work = getattr(sqlite_instances, name)

    def ticking(*arguments: Any, **named: Any) -> Any:
        bomb.tick(f"before-{name}")
        result = work(*arguments, **named)
        bomb.tick(f"after-{name}")
        return result

    setattr(sqlite_instances, name, ticking)


async def live(folder: Path, moment: str, count: int, instances: int) -> None:
    """One life of the hub: until the bomb goes off or all instances have finished."""
    bomb = Bomb(moment, count)
    for name in ("create", "commit", "finish_activity"):
        _arm(bomb, name)
    hub = TaskHub(TaskHubSettings(), Functions(folder / "log", bomb), folder / "hub.sqlite", SystemClock())
    await hub.start()
    known = {each.start.instance_id for each in await hub.find(InstanceQuery())}
    with (folder / "output").open("w", buffering=1) as output:
        for number in range(instances):
            if f"saga-{number}" not in known:
                await hub.start_instance("saga", f"saga-{number}", f'"{number}"')
                output.write(f"accepted saga-{number}\n")
        for number in range(instances):
            ended = await hub.wait(f"saga-{number}", 60)
            output.write(f"{ended.status} {ended.output}\n")
    await hub.stop()


def fork(folder: str, moment: str, count: int, instances: int) -> int:
    """The exit code of one life."""
    process = os.fork()
    if process == 0:
        try:
            asyncio.run(live(Path(folder), moment, count, instances))
        except BaseException:  # noqa: BLE001  # the fork must not go on with its parent's loop, whatever happened
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


if __name__ == "__main__":
    for line in sys.stdin:
        print(fork(**json.loads(line)), flush=True)
