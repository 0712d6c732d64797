"""How the task hub grows: instances in flight, instances that wait, instances that have finished, and none at all."""

from __future__ import annotations

import asyncio
import gc
import resource
import sqlite3
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from localazure.durable.hub import TaskHub
from localazure.host.app import App

from bench.durable_hub import load, open_hub, run_workflows
from bench.report import Measurement

FEW, MANY = 100, 10_000
FINISHED = 1_000_000
STARTS = 200
IDLE_S = 5.0

FINISHED_INSTANCES = """
WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
INSERT INTO instances (instance_id, execution_id, name, generation, status, output, created_at, updated_at, episodes)
SELECT lower(hex(randomblob(16))), lower(hex(randomblob(16))), 'chain', 0, 'Completed', '5', moment, moment, 6
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%f000Z', '2025-01-01', (n * 30) || ' seconds') AS moment FROM numbers)
"""
THEIR_HISTORY = """
INSERT INTO history (instance_id, episode, events)
SELECT instance_id, 0, '{"EventType":12,"EventId":-1,"Timestamp":"2025-01-01T00:00:00.000000Z"}' FROM instances
ORDER BY instance_id
"""


def measure() -> list[Measurement]:
    """Each on a task hub of its own; the memory in a process of its own, since others leave theirs to be reused."""
    app = load()
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as name:
        folder = Path(name)
        return [
            *asyncio.run(_idle(app, folder / "idle")),
            *asyncio.run(_in_flight(app, folder)),
            _waiting(folder / "waiting"),
            *asyncio.run(_finished(app, folder)),
        ]


async def _idle(app: App, file: Path) -> list[Measurement]:
    """A hub with a timer that is not due: what it does while nothing happens."""
    async with open_hub(app, file) as hub:
        await hub.start_instance("wait")
        await _quiet(hub)
        cpu_s = time.process_time()
        await asyncio.sleep(IDLE_S)
        return [Measurement("durable.idle.cpu", (time.process_time() - cpu_s) / IDLE_S * 100, "%", "<= 1")]


async def _in_flight(app: App, folder: Path) -> list[Measurement]:
    """The CPU time of an instance when few, and when many, are under way at the same time."""
    few = median([await _cpu_per_instance(app, folder / f"few-{number}", FEW) for number in range(5)])
    many = await _cpu_per_instance(app, folder / "many", MANY)
    return [
        Measurement(f"durable.in_flight_{FEW}.cpu_per_instance", few * 1e3, "ms"),
        Measurement(f"durable.in_flight_{MANY}.cpu_per_instance", many * 1e3, "ms"),
        Measurement("durable.in_flight.growth_of_cpu_per_instance", many / few, "ratio", "<= 1.5"),
    ]


async def _cpu_per_instance(app: App, file: Path, count: int) -> float:
    async with open_hub(app, file) as hub:
        gc.collect()
        cpu_s = time.process_time()
        await run_workflows(hub, "chain", count, in_flight=count)
        return (time.process_time() - cpu_s) / count


def _waiting(file: Path) -> Measurement:
    """The memory of instances that have made a step and wait for a timer."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        memory_mb = process.submit(memory_of_waiting, file).result()
    return Measurement(f"durable.waiting_{MANY}.memory", memory_mb, "MB", "<= 100")


def memory_of_waiting(file: Path) -> float:
    """In MB, over that of a hub that has run a few workflows."""
    return asyncio.run(_memory_of_waiting(load(), file))


async def _memory_of_waiting(app: App, file: Path) -> float:
    async with open_hub(app, file) as hub:
        await run_workflows(hub, "chain", FEW, in_flight=FEW)
        gc.collect()
        before_mb = _resident_mb()
        await _start(hub, "wait", MANY)
        await _quiet(hub)
        gc.collect()
        return _resident_mb() - before_mb


async def _finished(app: App, folder: Path) -> list[Measurement]:
    """The latency of a start, and of opening the hub, with and without a million instances that have finished."""
    empty, full = folder / "empty", folder / "full"
    async with open_hub(app, full):
        pass  # makes the tables
    _fill(full)
    async with open_hub(app, empty) as few:
        began_s = time.perf_counter()
        async with open_hub(app, full) as many:
            opened_s = time.perf_counter() - began_s
            pairs = [(await _start_s(few), await _start_s(many)) for _ in range(STARTS)]
    few_s, many_s = (median(column) for column in zip(*pairs, strict=True))
    return [
        Measurement("durable.finished_1000000.open", opened_s, "s"),
        Measurement("durable.finished_0.start.p50", few_s * 1e3, "ms"),
        Measurement("durable.finished_1000000.start.p50", many_s * 1e3, "ms"),
        Measurement("durable.finished.growth_of_start", many_s / few_s, "ratio", "<= 1.2"),
    ]


async def _start_s(hub: TaskHub) -> float:
    """How long it takes until a start is on disk; the workflow itself runs to its end first."""
    began_s = time.perf_counter()
    instance_id = await hub.start_instance("chain")
    took_s = time.perf_counter() - began_s
    await hub.wait(instance_id, timeout_s=60)
    return took_s


async def _start(hub: TaskHub, name: str, count: int) -> None:
    free = asyncio.Semaphore(FEW)

    async def one() -> None:
        async with free:
            await hub.start_instance(name)

    await asyncio.gather(*(one() for _ in range(count)))


async def _quiet(hub: TaskHub) -> None:
    """Until nothing can happen any more without a timer."""
    while not hub.is_idle:  # noqa: ASYNC110  # the hub has no event for what only tests and benchmarks wait for
        await asyncio.sleep(0.05)


def _fill(file: Path) -> None:
    """Put in the instances as they look after a year: the ids at random, a history of one row each."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(FINISHED_INSTANCES, {"count": FINISHED})
        connection.execute(THEIR_HISTORY)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
