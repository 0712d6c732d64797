"""The server: starts everything in the right order, serves until it is told to stop, stops it all in reverse.

    azurite, cosmos, services, companions   at once; queues, databases and containers as soon as their service is ready
    host                                    once the app finds what it expects
    [ready] command                         once the app answers

The server does nothing else: every service is a process of its own, so that each can be killed, and looked at, alone.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from localazure import programs
from localazure.child import announce_ready, follow_parent
from localazure.clock import SystemClock
from localazure.config import FILE, Config
from localazure.console import Console
from localazure.endpoints import companion_endpoints, expand
from localazure.preparation import TRUST_VARIABLES, Options, Prepared, prepare
from localazure.processes import Processes, gather_all
from localazure.provision import make_databases, make_queues
from localazure.state import SERVER, StateFolder, write_file

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Server:
    """Runs one app on one state folder."""

    def __init__(self, config: Config, state: StateFolder, options: Options, console: Console) -> None:
        self._config = config
        self._state = state
        self._options = options
        self._console = console
        self._processes: Processes | None = None
        self._started_at = time.monotonic()

    async def run(self) -> None:
        """Until SIGINT, SIGTERM or SIGHUP. Raises ConfigError, StateError, ProvisioningError or ProcessFailedError."""
        follow_parent()
        await _until_signal(
            self._run(),
            on_first=lambda: self._console.say("Stopping ..."),
            on_second=self._kill_all,
        )

    def _kill_all(self) -> None:
        if self._processes:
            self._processes.kill_all()

    async def _run(self) -> None:
        with self._state.locked():
            async with self._state.processes_locked() as lock_fd:
                self._write_pids({})
                prepared = prepare(self._config, self._state, self._options, os.environ, SystemClock())
                self._processes = Processes(self._state.logs, self._console, lock_fd, self._write_pids)
                try:
                    async with self._processes as processes:
                        await gather_all(processes.failure(), self._serve(processes, prepared))
                finally:
                    self._state.forget_processes()

    async def _serve(self, processes: Processes, prepared: Prepared) -> None:
        endpoints, values = await self._start_services(processes, prepared)
        environment = {**prepared.environment, **programs.host_settings(self._config, values)}
        self._write_host_env(environment)
        if not self._options.services_only:
            await processes.start(programs.host(self._config, self._state, prepared, environment, self._options))
        self._state.write_endpoints(endpoints)
        await self._welcome(values, environment)
        announce_ready(**endpoints)
        await asyncio.Event().wait()

    async def _start_services(self, processes: Processes, prepared: Prepared) -> tuple[dict[str, str], dict[str, str]]:
        """Everything but the host, filled with what the app expects: endpoints and placeholders."""
        names = ["azurite", "cosmos", "services", *(companion.name for companion in self._config.companions)]
        self._console.say(f"Starting {', '.join(names)} ...")
        _, _, _, *facts_of_companions = await gather_all(
            self._start_azurite(processes, prepared),
            self._start_cosmos(processes, prepared),
            processes.start(programs.services(self._state, prepared)),
            *(processes.start(programs.companion(self._config, each, prepared)) for each in self._config.companions),
        )
        endpoints, values = dict(prepared.endpoints), dict(prepared.values)
        if self._options.services_only:
            del endpoints["api"], endpoints["host"]
        for companion, facts in zip(self._config.companions, facts_of_companions, strict=True):
            endpoints |= companion_endpoints(companion.name, facts)
            values |= {f"{companion.name}.{fact}": str(value) for fact, value in facts.items()}
        return endpoints, values

    async def _start_azurite(self, processes: Processes, prepared: Prepared) -> Mapping[str, Any]:
        storage = prepared.values["storage.connection_string"]
        fill = partial(make_queues, storage, self._config.queues)
        return await processes.start(programs.azurite(self._config, self._state, prepared), fill)

    async def _start_cosmos(self, processes: Processes, prepared: Prepared) -> Mapping[str, Any]:
        fill = partial(make_databases, prepared.endpoints["cosmos"], self._config.databases)
        return await processes.start(programs.cosmos(self._state, prepared), fill)

    async def _welcome(self, values: Mapping[str, str], environment: Mapping[str, str]) -> None:
        """Say that all is ready, and run the app's own command for it."""
        self._console.say(f"Ready after {time.monotonic() - self._started_at:.1f} s; Ctrl-C stops everything.")
        if self._options.services_only:
            self._console.say(f"Start the host with: set -a; . {shlex.quote(str(self._state.host_env))}; func start")
            return
        if not self._config.ready_command:
            return
        command = [expand(word, values, where=f"{FILE}: [ready] command") for word in self._config.ready_command]
        with (self._state.logs / "ready.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self._config.app,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log if self._console.is_for_programs else None,
                stderr=log if self._console.is_for_programs else None,
            )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.terminate()
            raise
        if code:
            self._console.warn(f"{FILE}: [ready] command: it ended with exit code {code}.")

    def _write_pids(self, pids: Mapping[str, int]) -> None:
        self._state.write_pids({SERVER: os.getpid(), **pids})

    def _write_host_env(self, environment: Mapping[str, str]) -> None:
        """For a host that somebody else starts (`func start`): what ours would get, as a file for the shell."""
        names = [*self._config.settings, *TRUST_VARIABLES, "IDENTITY_ENDPOINT", "IDENTITY_HEADER"]
        lines = [f"{name}={shlex.quote(environment[name])}\n" for name in names]
        write_file(self._state.host_env, "".join(lines).encode(), mode=0o600)


async def _until_signal(
    work: Coroutine[Any, Any, None], *, on_first: Callable[[], None], on_second: Callable[[], None]
) -> None:
    """Do `work` until a signal cancels it; while it then cleans up, a further signal calls `on_second`."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    is_stopped = False

    def stop() -> None:
        nonlocal is_stopped
        is_stopped = True
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, on_second)
        on_first()
        task.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not is_stopped:
            raise
