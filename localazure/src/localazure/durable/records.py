"""What the engine core, the store and the task hub hand to each other: plain values without behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from localazure.durable.events import Event, dump
from localazure.durable.status import RuntimeStatus


@dataclass(frozen=True, slots=True)
class Parent:
    """The task of another orchestration that waits for an instance."""

    instance_id: str
    execution_id: str
    name: str
    task_id: int


@dataclass(frozen=True, slots=True)
class Start:
    """What stays the same through one execution. `input` is the stored JSON text or None."""

    instance_id: str
    execution_id: str
    name: str
    version: str | None
    input: str | None
    parent: Parent | None = None
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance as the management API knows it; texts are JSON, a failure text or a reason."""

    start: Start
    status: RuntimeStatus
    custom_status: str | None
    output: str | None
    created_at: datetime
    updated_at: datetime
    episodes: int


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way into a history. `seq` is its arrival number, `text` the event as it is stored.

    `execution_id` names the execution it is meant for; None means whichever runs (external events, control).
    """

    seq: int
    execution_id: str | None
    event: Event
    text: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", dump(self.event))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and the instance it goes to."""

    instance_id: str
    message: Message


@dataclass(frozen=True, slots=True)
class Activity:
    """One attempt of an activity call. `input` is JSON text."""

    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer that will put `TimerFired` into the inbox of its instance."""

    instance_id: str
    execution_id: str
    task_id: int
    fire_at: datetime


@dataclass(frozen=True, slots=True)
class EntityRequest:
    """One operation for an entity.

    `input` is what the entity's batch carries: JSON text of JSON text. A call names the task that waits for the
    answer, a signal has no caller.
    """

    entity_id: str
    operation: str
    input: str
    request_id: str
    caller: Parent | None = None


@dataclass(slots=True)
class Decision:
    """Everything one episode changes; committed in one transaction or not at all.

    `episode` counts those of the execution from 0: one that another has come before is not committed.
    """

    start: Start
    at: datetime
    status: RuntimeStatus
    custom_status: str | None
    episode: int = 0
    output: str | None = None
    history: str = ""
    consumed: list[int] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    ended_timers: list[int] = field(default_factory=list)
    children: list[tuple[int, Start]] = field(default_factory=list)
    requests: list[EntityRequest] = field(default_factory=list)
    parent_event: Event | None = None
    next_start: Start | None = None
    discarded: list[Message] = field(default_factory=list)
