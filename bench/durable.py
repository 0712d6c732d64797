"""What the task hub costs, against the bare SDK: both run the same workflows, in turns, in this process.

The bare SDK replays the full history and commits in groups (see `durable_bare`). The hub does all that, and is a hub:
it keeps instances, messages and activities in its store, runs each function through the host's pipeline, and answers
for what it has acknowledged. A ratio is the median over rounds in which one ran right after the other.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from localazure.host.app import App

from bench.durable_bare import BareEngine
from bench.durable_hub import load, open_hub, run_workflows
from bench.report import Measurement

IN_FLIGHT = 64
ROUNDS = 11


@dataclass(frozen=True)
class Load:
    """A workflow, how many of it make a round, its steps and its output."""

    name: str
    workflows: int
    steps: int
    output: int


CHAIN = Load("chain", 200, 5, 5)
ORDER = Load("order", 200, 6, 7)
FAN_OUT = Load("fan_out", 1, 1000, 500_500)


@dataclass(frozen=True)
class Cost:
    """Of one round."""

    cpu_s: float
    wall_s: float


Run = Callable[[Load], list[Any]]


def measure() -> list[Measurement]:
    """The ratios of the task hub to the bare SDK, and of kept generators to replays."""
    app = load()
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        bare, hub, kept = runners(app, Path(folder))
        return [
            *_compare(CHAIN, bare, hub),
            *_compare(ORDER, bare, hub),
            *_fan_out(bare, hub),
            *_sessions(hub, kept),
        ]


def runners(app: App, folder: Path) -> tuple[Run, Run, Run]:
    """The bare SDK, the hub that replays, and the hub that keeps generators. Each run has a file of its own."""
    calls = {function.durable_name: function.call for function in app.index.functions}
    names = (folder / f"run-{number}" for number in count())

    def bare(load: Load) -> list[Any]:
        return BareEngine(calls, next(names), IN_FLIGHT).run(load.name, load.workflows)

    def hub(load: Load, **settings: Any) -> list[Any]:
        async def run() -> list[Any]:
            async with open_hub(app, next(names), **settings) as opened:
                return await run_workflows(opened, load.name, load.workflows, IN_FLIGHT)

        return asyncio.run(run())

    return bare, hub, lambda load: hub(load, extended_sessions=True)


def alternate(load: Load, *runs: Run, rounds: int = ROUNDS) -> list[list[Cost]]:
    """What each of the runs cost, round by round; a round before the first warms up."""
    costs = [[_cost(load, run) for run in runs] for _ in range(rounds + 1)][1:]
    return [list(column) for column in zip(*costs, strict=True)]


def ratio(these: Sequence[Cost], those: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    """The median over rounds of these to those."""
    return median(of(this) / of(that) for this, that in zip(these, those, strict=True))


def cpu(cost: Cost) -> float:
    return cost.cpu_s


def wall(cost: Cost) -> float:
    return cost.wall_s


def _cost(load: Load, run: Run) -> Cost:
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    outputs = run(load)
    cost = Cost(time.process_time() - cpu_s, time.perf_counter() - wall_s)
    if {str(output) for output in outputs} != {str(load.output)}:
        raise RuntimeError(f"{load.name} gave {set(outputs)}")
    return cost


def _compare(load: Load, bare: Run, hub: Run) -> list[Measurement]:
    bare_costs, hub_costs = alternate(load, bare, hub)
    steps = load.workflows * load.steps
    name = f"durable.{load.name}"
    return [
        Measurement(f"{name}.bare_sdk.cpu_per_step", median(map(cpu, bare_costs)) / steps * 1e3, "ms"),
        Measurement(f"{name}.hub.cpu_per_step", median(map(cpu, hub_costs)) / steps * 1e3, "ms"),
        Measurement(f"{name}.hub_to_bare_sdk.cpu", ratio(hub_costs, bare_costs, cpu), "ratio", "<= 1.1"),
        Measurement(f"{name}.bare_sdk.throughput", load.workflows / median(map(wall, bare_costs)), "workflows/s"),
        Measurement(f"{name}.hub.throughput", load.workflows / median(map(wall, hub_costs)), "workflows/s"),
        Measurement(f"{name}.hub_to_bare_sdk.throughput", ratio(bare_costs, hub_costs, wall), "ratio", ">= 1.0"),
    ]


def _fan_out(bare: Run, hub: Run) -> list[Measurement]:
    bare_costs, hub_costs = alternate(FAN_OUT, bare, hub)
    return [
        Measurement("durable.fan_out.bare_sdk.time", median(map(wall, bare_costs)), "s"),
        Measurement("durable.fan_out.hub.time", median(map(wall, hub_costs)), "s"),
        Measurement("durable.fan_out.hub_to_bare_sdk.time", ratio(hub_costs, bare_costs, wall), "ratio", "<= 2"),
    ]


def _sessions(hub: Run, kept: Run) -> list[Measurement]:
    hub_costs, kept_costs = alternate(CHAIN, hub, kept)
    steps = CHAIN.workflows * CHAIN.steps
    return [
        Measurement("durable.sessions.cpu_per_step", median(map(cpu, kept_costs)) / steps * 1e3, "ms"),
        Measurement("durable.sessions.throughput", CHAIN.workflows / median(map(wall, kept_costs)), "workflows/s"),
        Measurement("durable.sessions_to_replay.cpu", ratio(kept_costs, hub_costs, cpu), "ratio", "<= 0.5"),
    ]
