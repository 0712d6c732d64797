"""What the task hub asks of storage.

Methods that change something queue the change at once, in the order of the calls, and return an awaitable that is
done when the change is on disk. A caller that needs no such certainty need not await it: what is queued later, also
an episode that consumed the change, is committed later or together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from localazure.durable.events import Event
from localazure.durable.records import Activity, Decision, Delivery, EntityRequest, Instance, Message, Start, Timer
from localazure.durable.status import RuntimeStatus


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a former process left undone. `first_seq` is above every arrival number used so far."""

    first_seq: int
    instances: list[str]
    activities: list[Activity]
    timers: list[Timer]
    requests: list[tuple[int, EntityRequest]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An instance with everything that is needed to go on with it."""

    instance: Instance
    history: list[Event]
    inbox: list[Message]


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    """Which instances to list; `after` is creation time and id of the last one on the page before."""

    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[RuntimeStatus] = frozenset()
    prefix: str = ""
    after: tuple[datetime, str] | None = None
    top: int | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity that exists. `state` is JSON text."""

    entity_id: str
    state: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """Which entities to list; `after` is the id of the last one on the page before."""

    prefix: str = "@"
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    after: str = ""
    top: int | None = None


@dataclass(frozen=True, slots=True)
class EpisodeCommit:
    """A decision and the messages that it sends, with their arrival numbers.

    `children` come with the message that the parent gets when an unfinished instance already has the child's id.
    """

    decision: Decision
    messages: list[Delivery] = field(default_factory=list)
    children: list[tuple[Start, Message]] = field(default_factory=list)
    requests: list[tuple[int, EntityRequest]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class InstanceRewind:
    """What rewinding makes of one instance: its history, and the work that is done again.

    `children` are the tasks that wait for a child: task id, the child's instance id, and the arrival number of the
    answer, should the child have ended.
    """

    history: Sequence[Event]
    commit: EpisodeCommit
    children: list[tuple[int, str, int]]


@dataclass(frozen=True, slots=True)
class EntityCommit:
    """What one entity call changes. `entity` is None for one that no longer exists."""

    entity_id: str
    entity: Entity | None
    served: list[int]
    answers: list[Delivery]


class InstanceStore(Protocol):
    """Instances with their histories, messages, activities and timers."""

    async def open(self) -> Recovery:
        """Raises HubInUse."""
        ...

    async def close(self) -> None:
        """Commit what is queued and let go of the files."""
        ...

    def create(self, start: Start, at: datetime, *, replace_any: bool) -> Awaitable[None]:
        """A new pending instance in place of a finished one. Raises InstanceExists."""
        ...

    def send(self, delivery: Delivery) -> Awaitable[None]:
        """A message to an instance. Raises InstanceNotFound, InstanceEnded."""
        ...

    def finish_activity(self, activity: Activity, result: Message) -> Awaitable[None]:
        """The result goes to the inbox of the instance, if that still runs the same execution."""
        ...

    def commit(self, commit: EpisodeCommit) -> Awaitable[list[Message]]:
        """One episode. Returns the messages about children that could not be started. Raises Superseded."""
        ...

    def rewind(self, rewinds: Sequence[InstanceRewind]) -> Awaitable[list[Delivery]]:
        """Let a failed instance and its failed children run again, all of them or none. Raises InstanceEnded.

        Returns what children that have ended say once more.
        """
        ...

    async def load(self, instance_id: str) -> Loaded | None:
        """None for an instance that does not exist."""
        ...

    async def get(self, instance_id: str) -> Instance | None:
        """None for an instance that does not exist."""
        ...

    async def find(self, query: InstanceQuery) -> list[Instance]:
        """In the order of creation, then of ids."""
        ...

    def purge(self, instance_id: str) -> Awaitable[None]:
        """Raises InstanceNotFound, InstanceRunning."""
        ...

    def purge_matching(self, query: InstanceQuery) -> Awaitable[int]:
        """Delete the finished instances among those; returns how many."""
        ...


class EntityStore(Protocol):
    """Entities and the operations that wait for them."""

    def request(self, seq: int, request: EntityRequest) -> Awaitable[None]:
        """Keep an operation until it was served."""
        ...

    def commit_entity(self, commit: EntityCommit, at: datetime) -> Awaitable[None]:
        """The outcome of one entity call."""
        ...

    async def get_entity(self, entity_id: str) -> Entity | None:
        """None for an entity that does not exist."""
        ...

    async def find_entities(self, query: EntityQuery) -> list[Entity]:
        """In the order of their ids."""
        ...


class Store(InstanceStore, EntityStore, Protocol):
    """The whole store of a task hub."""
