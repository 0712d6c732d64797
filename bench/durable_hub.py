"""The task hub as `localazure start` has it: a file on disk, and the host's own pipeline around every function."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, chdir
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from localazure.clock import SystemClock
from localazure.durable.hub import TaskHub
from localazure.host import collector
from localazure.host.app import App, load_app
from localazure.host.durable import DurableFunctions
from localazure.host.invocation import Invoker

APP = Path(__file__).parent / "apps/workflows"
TIME_LIMIT_S = 600.0


@cache
def load() -> App:
    """The app of the benchmarks, in a process that is set as the host's is, but in the folder where it was."""
    with chdir(Path.cwd()):
        app = load_app(APP, port=0)
    collector.settle()
    return app


@asynccontextmanager
async def open_hub(app: App, file: Path, **settings: Any) -> AsyncIterator[TaskHub]:
    """A hub that runs; `settings` are those that differ from the app's."""
    clock = SystemClock()
    invoker = Invoker(app.root, clock, time_limit=app.time_limit, threads=app.threads, readers={}, writers={})
    hub = TaskHub(replace(app.hub_settings, **settings), DurableFunctions(app.index, invoker), file, clock)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()
        await invoker.drain(grace_s=1)


async def run_workflows(hub: TaskHub, name: str, count: int, in_flight: int) -> list[str | None]:
    """The outputs of `count` workflows, of which at most `in_flight` run at a time."""
    free = asyncio.Semaphore(in_flight)

    async def one() -> str | None:
        async with free:
            ended = await hub.wait(await hub.start_instance(name), timeout_s=TIME_LIMIT_S)
        return ended.output

    return list(await asyncio.gather(*(one() for _ in range(count))))
