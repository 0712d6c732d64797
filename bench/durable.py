"""What the host and its task hub add to an activity, against the bare SDK that replays the same workflow.

Both run in this process, one after the other, on the same workflow: five activities in a row that do nothing. The bare
SDK gets ready-made histories and keeps nothing; the task hub commits every step to disk, schedules it and runs it
through the host's invocation pipeline. CPU time counts all threads of the process.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from localazure.clock import SystemClock
from localazure.durable.functions import FunctionKind
from localazure.durable.hub import TaskHub
from localazure.durable.settings import TaskHubSettings
from localazure.host.app import App, load_app
from localazure.host.durable import DurableFunctions
from localazure.host.invocation import Invoker

from bench.report import Measurement

APP = Path(__file__).parent / "apps/chain"
STEPS = 5
WORKFLOWS = 400
IN_FLIGHT = 64
GOAL_CPU_RATIO = "<= 1.1"


def measure() -> list[Measurement]:
    """CPU per step and workflows per second of both, and their ratio."""
    app = load_app(APP, port=0)
    bare_cpu_s, bare_wall_s = timed(lambda: replay_bare(app, WORKFLOWS))
    hub_cpu_s, hub_wall_s = timed(lambda: asyncio.run(run_on_hub(app, WORKFLOWS)))
    steps = WORKFLOWS * STEPS
    return [
        Measurement("durable.bare_sdk.cpu_per_activity", bare_cpu_s / steps * 1e3, "ms"),
        Measurement("durable.hub.cpu_per_activity", hub_cpu_s / steps * 1e3, "ms"),
        Measurement("durable.hub_to_bare_sdk.cpu", hub_cpu_s / bare_cpu_s, "ratio", GOAL_CPU_RATIO),
        Measurement("durable.hub.overhead_per_activity", (hub_cpu_s - bare_cpu_s) / steps * 1e3, "ms"),
        Measurement("durable.bare_sdk.throughput", WORKFLOWS / bare_wall_s, "workflows/s"),
        Measurement("durable.hub.throughput", WORKFLOWS / hub_wall_s, "workflows/s"),
    ]


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """(CPU seconds, wall seconds) of a piece of work."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu_s, time.perf_counter() - wall_s


def replay_bare(app: App, workflows: int) -> None:
    """Call the SDK's orchestrator once per turn, as the least possible engine would."""
    orchestrator = next(function for function in app.index.functions if function.name == "chain")
    turns = [json.dumps(context_of(turn)) for turn in range(STEPS + 1)]
    for _ in range(workflows):
        answers = [orchestrator.call(turn) for turn in turns]
        if not json.loads(answers[-1])["isDone"]:
            raise RuntimeError(f"the workflow did not end: {answers[-1]}")


def context_of(completed: int) -> dict[str, Any]:
    """The orchestrator's input after `completed` activities, with full history."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    history: list[dict[str, Any]] = []

    def happened(kind: int, **fields: Any) -> None:
        nonlocal now
        now += timedelta(milliseconds=1)
        stamp = now.isoformat().replace("+00:00", "Z")
        history.append({"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": stamp, **fields})

    happened(12)
    happened(0, Name="chain", Version=None, Input=None)
    for task in range(completed):
        happened(4, EventId=task, Name="add_one", Version=None)
        happened(13)
        happened(12)
        happened(5, TaskScheduledId=task, Result=str(task + 1))
    return {
        "history": history,
        "input": None,
        "instanceId": "bench",
        "isReplaying": False,
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
    }


async def run_on_hub(app: App, workflows: int) -> None:
    """Run workflows to their end on a task hub on disk, at most IN_FLIGHT at a time."""
    clock = SystemClock()
    invoker = Invoker(app.root, clock, time_limit=None, threads=None, readers={}, writers={})
    functions = DurableFunctions(app.index, invoker)
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        settings = TaskHubSettings.from_host_json({}, {})
        hub = TaskHub(settings, functions, Path(folder) / "hub.sqlite", clock)
        await hub.start()
        free = asyncio.Semaphore(IN_FLIGHT)
        await asyncio.gather(*(_one_workflow(hub, functions, free) for _ in range(workflows)))
        await hub.stop()
    await invoker.drain(grace_s=1)


async def _one_workflow(hub: TaskHub, functions: DurableFunctions, free: asyncio.Semaphore) -> None:
    name = functions.resolve(FunctionKind.ORCHESTRATOR, "chain")
    async with free:
        instance_id = await hub.start_instance(str(name))
        ended = await hub.wait(instance_id, timeout_s=60)
        if ended.output != str(STEPS):
            raise RuntimeError(f"{instance_id} ended as {ended.status} with {ended.output}")
