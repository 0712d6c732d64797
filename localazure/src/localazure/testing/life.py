"""One life of the hub under test: from opening its file to a crash or the end. Everything in memory goes with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from localazure.clock import Clock
from localazure.durable.client_binding import client_binding
from localazure.durable.hub import TaskHub
from localazure.host.app import App
from localazure.host.durable import DurableClientReader
from localazure.host.functions import DURABLE_CLIENT, INPUTS, OUTPUTS
from localazure.host.invocation import Invoker
from localazure.testing.calls import CallLog
from localazure.testing.cast import Cast
from localazure.testing.doors import RPC, Doors
from localazure.testing.errors import TestingError
from localazure.testing.faults import CommitWatch, Rules
from localazure.testing.outputs import RecordingWriter, refuse_input
from localazure.testing.watched import Stage, WatchedFunctions

LAST_WORDS_S = 5.0
"""How long threads of the app may run on after a crash: no plain function can be ended from outside."""


class Life:
    """`url` is the root of the listener that all lives share."""

    def __init__(
        self,
        app: App,
        state: Path,
        clock: Clock,
        *,
        url: str,
        cast: Cast,
        log: CallLog,
        rules: Rules,
        writer: RecordingWriter,
        stage: Stage,
    ) -> None:
        self._app = app
        self._url = url
        self._hub_settings = app.hub_settings
        client = DurableClientReader(self._client_value)
        self.invoker = Invoker(
            app.root,
            clock,
            time_limit=app.time_limit,
            threads=app.threads,
            readers={**dict.fromkeys(INPUTS, refuse_input), DURABLE_CLIENT: client},
            writers=dict.fromkeys(OUTPUTS, writer),
        )
        self.functions = WatchedFunctions(cast, self.invoker, log, rules, stage)
        self._watch = CommitWatch(rules, partial(_call_soon, asyncio.get_running_loop(), stage.crash_soon))
        self.hub = TaskHub(self._hub_settings, self.functions, state / "hub.sqlite", clock, self._watch)
        self.doors = Doors(app, self.invoker, self.hub, url)

    async def begin(self) -> None:
        await self.hub.start()

    async def end(self, grace_s: float) -> None:
        """Stop gracefully."""
        await self.hub.stop(grace_s)
        await self.invoker.drain(grace_s)

    async def perish(self) -> None:
        """Stop as a killed process does: nothing more is written. Raises TestingError when user code runs on."""
        self._watch.kill()
        await self.hub.stop(0)
        await self.invoker.drain(0)
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                while self.invoker.busy_threads:  # noqa: ASYNC110  # nothing tells of the end of a thread's call
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise TestingError(
                f"the crash cannot be simulated: {self.invoker.busy_threads} plain function(s) of the app"
                f" still run after {LAST_WORDS_S:g} s"
            ) from None

    def _client_value(self, task_hub: str | None, connection: str | None) -> str:
        return client_binding(self._hub_settings, self._url, f"{self._url}/{RPC}/", "", task_hub, connection)


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """From the thread that writes."""
    loop.call_soon_threadsafe(call)
