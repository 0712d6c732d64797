"""The task hub: what a host starts and stops, and what clients may ask of instances.

Requests are durable when the method returns: the change is on disk.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from weakref import WeakValueDictionary

from localazure.clock import Clock
from localazure.durable import instance_ids, payloads
from localazure.durable.activities import Activities
from localazure.durable.context import HubContext
from localazure.durable.entities import Entities
from localazure.durable.entity_ids import split
from localazure.durable.errors import InstanceEnded, InstanceNotFound
from localazure.durable.events import Event, EventType, event, event_raised
from localazure.durable.functions import FunctionKind, Functions, KeepingFunctions
from localazure.durable.observer import Observer
from localazure.durable.orchestrations import Orchestrations
from localazure.durable.records import Activity, Delivery, EntityRequest, Instance, Message, Start, Timer
from localazure.durable.rewind import is_child_of, rewind
from localazure.durable.settings import TaskHubSettings
from localazure.durable.sqlite_store import SqliteStore
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import Entity, EntityQuery, EpisodeCommit, InstanceQuery, InstanceRewind, Loaded
from localazure.durable.texts import NOT_FAILED
from localazure.durable.timers import Timers

log = logging.getLogger("localazure.durable")


class TaskHub:
    """All instances and entities of one app. `store_path` is a file or ":memory:"; `observer` is for tests."""

    def __init__(
        self,
        settings: TaskHubSettings,
        functions: Functions,
        store_path: Path | str,
        clock: Clock,
        observer: Observer | None = None,
    ) -> None:
        self.settings = settings
        self._store = SqliteStore(store_path, observer)
        self._clock = clock
        self._seq = itertools.count()
        keeper = functions if settings.extended_sessions and isinstance(functions, KeepingFunctions) else None
        self._hub = HubContext(self._store, functions, settings, clock, lambda: next(self._seq), keeper)
        self._orchestrations = Orchestrations(self._hub, self)
        self._activities = Activities(self._hub, self._orchestrations.deliver)
        self._timers = Timers(self._hub, self._orchestrations.deliver)
        self._entities = Entities(self._hub, self._orchestrations.deliver)
        self._ends: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    # Life

    async def start(self) -> None:
        """Open the store and go on with everything that was pending. Raises HubInUse."""
        recovery = await self._store.open()
        self._seq = itertools.count(recovery.first_seq)
        self._timers.start()
        self._timers.add(recovery.timers)
        self._activities.add(recovery.activities)
        self._entities.add(recovery.requests)
        for instance_id in recovery.instances:
            self._orchestrations.wake(instance_id)
        if recovery.instances or recovery.activities or recovery.timers:
            log.info(
                "task hub %s goes on with %d instances, %d activities and %d timers",
                self.settings.hub_name,
                len(recovery.instances),
                len(recovery.activities),
                len(recovery.timers),
            )

    async def stop(self, grace_s: float = 30.0) -> None:
        """Begin nothing new, wait at most `grace_s` for what runs, and leave the rest for the next start."""
        self._timers.stop()
        parts = (self._orchestrations, self._activities, self._entities)
        await asyncio.gather(*(part.stop(grace_s) for part in parts))
        await self._store.close()

    def fire_due_timers(self) -> None:
        """Look at the clock again: for clocks that do not run on their own."""
        self._timers.fire_due()

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs or could run before a timer fires or a message comes."""
        return self._orchestrations.is_idle and self._activities.is_idle and self._entities.is_idle

    def running(self) -> set[asyncio.Task[None]]:
        """The tasks that are under way: those of a test may wait for its command, which `is_idle` cannot know."""
        return {*self._orchestrations.running, *self._activities.running, *self._entities.running}

    def next_timer_at(self) -> datetime | None:
        """When the earliest timer is due; a test may move its clock there when the hub is idle."""
        return self._timers.next_at()

    # The outbox of orchestrations

    def run_activities(self, activities: Iterable[Activity]) -> None:
        self._activities.add(activities)

    def set_timers(self, timers: Iterable[Timer], execution_id: str, ended: Iterable[int]) -> None:
        self._timers.cancel(execution_id, ended)
        self._timers.add(timers)

    def serve_requests(self, requests: Iterable[tuple[int, EntityRequest]]) -> None:
        self._entities.add(requests)

    def note_end(self, instance_id: str) -> None:
        if (ended := self._ends.pop(instance_id, None)) is not None:
            ended.set()

    # Instances

    async def start_instance(
        self, name: str, instance_id: str | None = None, input_json: str | None = None, version: str | None = None
    ) -> str:
        """Start an orchestration; returns its id. `input_json` is stored as it is.

        Raises UnknownFunction, InvalidRequest for a bad id, InstanceExists, PayloadTooLarge.
        """
        payloads.check("The input", input_json, self.settings.max_payload_bytes)
        self._hub.resolve(FunctionKind.ORCHESTRATOR, name)
        if instance_id is None:
            instance_id = instance_ids.new_id()
        instance_ids.check(instance_id)
        start = Start(instance_id, instance_ids.new_id(), name, version or self.settings.default_version, input_json)
        await self._store.create(start, self._clock.now(), replace_any=self.settings.replace_any_state)
        self._orchestrations.begin(start)
        log.info("%s [instance %s] is Pending", name, instance_id)
        return instance_id

    async def raise_event(self, instance_id: str, name: str, input_json: str | None) -> None:
        """Raises InstanceNotFound, InstanceEnded, PayloadTooLarge."""
        payloads.check("The event's data", input_json, self.settings.max_payload_bytes)
        await self._send(instance_id, event_raised(name, input_json, self._clock.now()))

    async def terminate(self, instance_id: str, reason: str) -> None:
        """Raises InstanceNotFound, InstanceEnded."""
        await self._send(instance_id, event(EventType.EXECUTION_TERMINATED, self._clock.now(), Input=reason))

    async def suspend(self, instance_id: str, reason: str) -> None:
        """Raises InstanceNotFound, InstanceEnded."""
        await self._send(instance_id, event(EventType.EXECUTION_SUSPENDED, self._clock.now(), Reason=reason))

    async def resume(self, instance_id: str, reason: str) -> None:
        """Raises InstanceNotFound, InstanceEnded."""
        await self._send(instance_id, event(EventType.EXECUTION_RESUMED, self._clock.now(), Reason=reason))

    async def restart(self, instance_id: str, *, with_new_id: bool) -> str:
        """Start the same again; returns the new id. Raises InstanceNotFound, InstanceExists, UnknownFunction."""
        start = (await self.get(instance_id)).start
        return await self.start_instance(start.name, None if with_new_id else instance_id, start.input, start.version)

    async def rewind(self, instance_id: str, reason: str) -> None:
        """Take back the failures of a failed instance and of its failed children, and run on.

        Raises InstanceNotFound, InstanceEnded when it has not failed.
        """
        loaded = await self._store.load(instance_id)
        if loaded is None:
            raise InstanceNotFound(f"No instance with ID '{instance_id}' found.")
        if loaded.instance.status != RuntimeStatus.FAILED:
            raise InstanceEnded(NOT_FAILED)
        rewinds = await self._rewinds(loaded, reason)
        answers = await self._store.rewind(rewinds)
        for commit in (each.commit for each in rewinds):
            self.run_activities(commit.decision.activities)
            self.set_timers(commit.decision.timers, commit.decision.start.execution_id, ())
            self.serve_requests(commit.requests)
            answers += commit.messages
        for each in answers:
            self._orchestrations.deliver(each.instance_id, each.message)

    async def get(self, instance_id: str) -> Instance:
        """Raises InstanceNotFound."""
        instance = await self._store.get(instance_id)
        if instance is None:
            raise InstanceNotFound(f"No instance with ID '{instance_id}' found.")
        return instance

    async def history(self, instance_id: str) -> list[Event]:
        """The stored history of the current execution. Raises InstanceNotFound."""
        return (await self.load(instance_id)).history

    async def load(self, instance_id: str) -> Loaded:
        """The instance with its history and the messages that it has not taken. Raises InstanceNotFound."""
        loaded = await self._store.load(instance_id)
        if loaded is None:
            raise InstanceNotFound(f"No instance with ID '{instance_id}' found.")
        return loaded

    async def find(self, query: InstanceQuery) -> list[Instance]:
        return await self._store.find(query)

    async def wait(self, instance_id: str, timeout_s: float) -> Instance:
        """The instance when it has ended, or as it is after `timeout_s`. Raises InstanceNotFound."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while True:
                    ended = self._ends.setdefault(instance_id, asyncio.Event())
                    if not self._orchestrations.is_at_work(instance_id):
                        instance = await self.get(instance_id)
                        if instance.status.is_final:
                            return instance
                    await ended.wait()
        return await self.get(instance_id)

    async def purge(self, instance_id: str) -> None:
        """Raises InstanceNotFound, InstanceRunning."""
        await self._store.purge(instance_id)

    async def purge_matching(self, query: InstanceQuery) -> int:
        """How many finished instances were deleted."""
        return await self._store.purge_matching(query)

    # Entities

    async def signal_entity(self, entity_id: str, operation: str, input_json: str) -> None:
        """Send an operation; `input_json` is JSON text of JSON text. Raises UnknownFunction, PayloadTooLarge."""
        payloads.check("The operation's input", input_json, self.settings.max_payload_bytes)
        self._hub.resolve(FunctionKind.ENTITY, split(entity_id)[0])
        request = EntityRequest(entity_id, operation, input_json, instance_ids.new_id())
        seq = self._hub.next_seq()
        await self._store.request(seq, request)
        self._entities.add([(seq, request)])

    async def get_entity(self, entity_id: str) -> Entity | None:
        """None for an entity that does not exist."""
        return await self._store.get_entity(entity_id)

    async def find_entities(self, query: EntityQuery) -> list[Entity]:
        return await self._store.find_entities(query)

    async def _send(self, instance_id: str, sent: Event) -> None:
        message = Message(self._hub.next_seq(), None, sent)
        await self._store.send(Delivery(instance_id, message))
        self._orchestrations.deliver(instance_id, message)

    async def _rewinds(self, loaded: Loaded, reason: str) -> list[InstanceRewind]:
        """What rewinding makes of a failed instance, and of its failed children in turn."""
        now, start = self._clock.now(), loaded.instance.start
        rewound = rewind(loaded, now, self.settings)
        message = Message(
            self._hub.next_seq(), start.execution_id, event(EventType.EXECUTION_REWOUND, now, Reason=reason)
        )
        requests = [(self._hub.next_seq(), request) for request in rewound.decision.requests]
        commit = EpisodeCommit(rewound.decision, [Delivery(start.instance_id, message)], requests=requests)
        children = [(task_id, child_id, self._hub.next_seq()) for task_id, child_id in rewound.children.items()]
        rewinds = [InstanceRewind(rewound.history, commit, children)]
        for child_id in dict.fromkeys(rewound.children.values()):
            child = await self._store.load(child_id)
            if child and child.instance.status == RuntimeStatus.FAILED and is_child_of(child.instance, start):
                rewinds += await self._rewinds(child, reason)
        return rewinds
