"""What the task hub asks of the process that runs user code: the one seam between `durable` and `host`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from localazure.durable.events import Event


class FunctionKind(StrEnum):
    """The three kinds of functions that a task hub calls."""

    ORCHESTRATOR = "orchestrator"
    ACTIVITY = "activity"
    ENTITY = "entity"


class FunctionFailure(Exception):
    """User code raised, or its result could not be encoded. Never raised for a shutdown (that is CancelledError)."""

    def __init__(self, type_name: str, message: str, stack: str = "") -> None:
        super().__init__(f"{type_name}: {message}")
        self.type_name = type_name
        self.message = message
        self.stack = stack


class Functions(Protocol):
    """User functions by durable name. Names match ignoring case; `resolve` gives the registered spelling."""

    def resolve(self, kind: FunctionKind, name: str) -> str | None:
        """The registered spelling of `name`, or None when there is no such function."""
        ...

    def names(self, kind: FunctionKind) -> list[str]:
        """All registered names of a kind, sorted."""
        ...

    async def call_orchestrator(self, name: str, instance_id: str, context_json: str) -> str:
        """Replay one orchestrator (input: durable-engine spec section 2). Returns the SDK's result text.

        Raises FunctionFailure; its `message` is the exception's text as raised, `$OutOfProcData$` part included.
        """
        ...

    async def call_activity(self, name: str, instance_id: str, input_json: str) -> str:
        """Run one activity on JSON text; returns its result as JSON text. Raises FunctionFailure."""
        ...

    async def call_entity(self, name: str, instance_id: str, batch_json: str) -> str:
        """Run one entity batch (section 9.2); returns the SDK's result text. Raises FunctionFailure."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One call of an orchestrator, for someone who may have kept its generator since the call before.

    `number` counts the calls of an execution from 0. `news` are the events since the call before, in the form of the
    context's `history`; `context` makes the whole context. A generator may be kept for `idle_s`.
    """

    execution_id: str
    number: int
    news: Sequence[Event]
    context: Callable[[], str]
    idle_s: float


@runtime_checkable
class KeepingFunctions(Functions, Protocol):
    """Functions that can keep the generators of orchestrators from call to call, instead of replaying each."""

    async def continue_orchestrator(self, name: str, instance_id: str, turn: Turn) -> str:
        """As `call_orchestrator`: goes on with the generator of the call before, or replays when it is not there."""
        ...

    def forget_orchestrator(self, instance_id: str) -> None:
        """Drop the generator of an instance, if there is one: the execution has ended, or took another turn."""
        ...
