"""What every part of a running task hub needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set
from dataclasses import dataclass

from localazure.clock import Clock
from localazure.durable.errors import UnknownFunction
from localazure.durable.functions import FunctionKind, Functions, KeepingFunctions
from localazure.durable.settings import TaskHubSettings
from localazure.durable.store import Store
from localazure.durable.texts import unknown_function


@dataclass(frozen=True, slots=True)
class HubContext:
    """`next_seq` gives arrival numbers, which grow over all starts of the hub.

    `keeper` is `functions` where generators are to be kept between turns, None where every turn is a replay.
    """

    store: Store
    functions: Functions
    settings: TaskHubSettings
    clock: Clock
    next_seq: Callable[[], int]
    keeper: KeepingFunctions | None = None

    def resolve(self, kind: FunctionKind, name: str) -> str:
        """The registered spelling of a function's name. Raises UnknownFunction with the names that are known."""
        spelling = self.functions.resolve(kind, name)
        if spelling is None:
            raise UnknownFunction(unknown_function(kind, name, self.functions.names(kind)))
        return spelling


async def drain(running: Set[asyncio.Task[None]], grace_s: float) -> None:
    """Wait for tasks, and give up those that take longer than `grace_s`."""
    if not running:
        return
    _, late = await asyncio.wait(running, timeout=grace_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
