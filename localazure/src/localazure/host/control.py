"""What an administrator does to a running host: drain it, take it offline, start it anew."""

from __future__ import annotations

import asyncio
from typing import Literal

from localazure.clock import Clock
from localazure.host.http.admin import HostFacts
from localazure.host.http.gateway import Gateway
from localazure.host.invocation import Invoker
from localazure.host.trigger_listeners import TriggerListeners

DrainState = Literal["Disabled", "InProgress", "Completed"]


class Control:
    """Stops and starts the triggers. Requests and orchestrations go on during a drain; offline, requests get 503.

    `restart_requested` is for the process, which alone can begin anew.
    """

    def __init__(
        self, triggers: TriggerListeners, invoker: Invoker, gateway: Gateway, facts: HostFacts, clock: Clock
    ) -> None:
        self._triggers = triggers
        self._invoker = invoker
        self._gateway = gateway
        self._facts = facts
        self._clock = clock
        self._stopping: asyncio.Task[None] | None = None
        self._grace_s = 30.0
        self._may_run = True
        self.restart_requested = asyncio.Event()

    @property
    def drain_state(self) -> DrainState:
        if self._stopping is None:
            return "Disabled"
        return "Completed" if self._stopping.done() and not self._invoker.running else "InProgress"

    def start(self, grace_s: float) -> None:
        """Start the triggers. `grace_s` is how long running functions get when these stop."""
        self._grace_s = grace_s
        self._triggers.start(self._invoker, self._clock)

    def drain(self) -> None:
        """Let the triggers begin nothing new. What has begun goes on."""
        self._may_run = False
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._triggers.stop(self._grace_s))

    async def resume(self) -> None:
        """End a drain, when what was running at its begin has ended."""
        self._may_run = True
        stopping = self._stopping
        if stopping is None:
            return
        await stopping
        if self._may_run and self._stopping is stopping:  # nobody has asked for more meanwhile
            self._stopping = None
            self._triggers.start(self._invoker, self._clock)

    async def set_offline(self, *, is_offline: bool) -> None:
        self._gateway.is_offline = is_offline
        self._facts.state = "Offline" if is_offline else "Running"
        if is_offline:
            self.drain()
        else:
            await self.resume()

    async def stop(self, grace_s: float) -> None:
        """For the end of the host."""
        self._may_run = False
        if self._stopping is not None:
            await asyncio.wait([self._stopping], timeout=grace_s)
        await self._triggers.stop(grace_s)
