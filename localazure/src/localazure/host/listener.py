"""What all trigger listeners have in common: a loop that pauses, can be woken, and is asked to stop."""

from __future__ import annotations

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import replace

from localazure.durable.functions import FunctionFailure
from localazure.host.context import PreviousFailure, RetryContext
from localazure.host.functions import HostedFunction
from localazure.host.invocation import Invoker, TriggerCall

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The host stops before the outcome of an invocation is settled: nothing may be marked as done."""


class Listener(ABC):
    """Listens for one function. `run` returns soon after `stop`, when what it has begun is done."""

    def __init__(self, function: HostedFunction, invoker: Invoker) -> None:
        self.function = function
        self.invoker = invoker
        self.is_stopping = False
        self._wake = asyncio.Event()
        self._complaint = ""

    @abstractmethod
    async def run(self) -> None:
        """Listen until `stop`."""

    def stop(self) -> None:
        self.is_stopping = True
        self._wake.set()

    def wake(self) -> None:
        """End the current pause, because there may be something to do."""
        self._wake.set()

    def complain(self, problem: str) -> None:
        """Log what keeps the listener from its work when it is new, not at each look; empty when all is well again."""
        if problem and problem != self._complaint:
            log.warning("%s", problem)
        elif self._complaint and not problem:
            log.info("%s: all is well again. Before: %s", self.function.name, self._complaint)
        self._complaint = problem

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than until `wake` or `stop`."""
        if not self.is_stopping:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            self._wake.clear()

    async def invoke_with_retries(self, call: TriggerCall) -> bool:
        """Run the function, again as its retry policy says. True when it succeeded, False when it failed for good.

        Raises StoppedError when the host stops between two attempts.
        """
        policy = self.function.retry
        limit = policy.max_retry_count if policy else 0
        attempt, previous = 0, None
        while True:
            context = RetryContext(attempt, limit, previous)
            try:
                await self.invoker.invoke(self.function, replace(call, retry=context))
            except FunctionFailure as failure:
                previous = PreviousFailure(self.function.name, failure.stack, f"{failure.type_name}: {failure.message}")
            else:
                return True
            if policy is None or attempt == limit:
                return False
            await self.pause_fully(policy.delay_s(attempt, random.random()))  # noqa: S311  # spreads retries
            attempt += 1

    async def pause_fully(self, seconds: float) -> None:
        """Wait so long, woken or not. Raises StoppedError when the host stops meanwhile."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0 and not self.is_stopping:
            await self.pause(left)
        if self.is_stopping:
            raise StoppedError


def first_line(error: BaseException) -> str:
    """What a person needs of an error of a storage or database service, which goes on with ids and times."""
    return (str(error).splitlines() or [type(error).__name__])[0]
