"""Runs the episodes of all instances: one at a time per instance, many instances side by side.

Each instance that was used lately has a slot: its execution and its inbox in memory. A delivered message wakes the
slot; the slot runs episodes until there is nothing to take. What arrives meanwhile is taken together in the next
episode. Slots that are idle with an empty inbox can be dropped at any time: the store has everything.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Iterable, Set
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from localazure.durable.calling import call_persistently
from localazure.durable.context import HubContext, drain
from localazure.durable.episode import Episode, begin, finish
from localazure.durable.errors import HubFailed, Superseded, UnknownFunction
from localazure.durable.events import EventType, failure
from localazure.durable.execution import Execution
from localazure.durable.functions import FunctionFailure, FunctionKind
from localazure.durable.instance_ids import child_problem
from localazure.durable.records import Activity, Decision, Delivery, EntityRequest, Message, Start, Timer
from localazure.durable.sdk import Answer, MalformedAnswer, read_answer, read_failure
from localazure.durable.settings import UNLIMITED
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import EpisodeCommit
from localazure.durable.waking import note_waking

log = logging.getLogger("localazure.durable")

MAX_IDLE_SLOTS = 20_000
"""A slot takes some 5 KB. Without one, each message costs a read of the history."""


class Outbox(Protocol):
    """Where the work that an episode created goes once it is committed."""

    def run_activities(self, activities: Iterable[Activity]) -> None: ...

    def set_timers(self, timers: Iterable[Timer], execution_id: str, ended: Iterable[int]) -> None: ...

    def serve_requests(self, requests: Iterable[tuple[int, EntityRequest]]) -> None: ...

    def note_end(self, instance_id: str) -> None: ...


@dataclass(slots=True, eq=False)
class Slot:
    """An instance in memory. `loaded` holds the arrival numbers that came from the store, to tell repeats."""

    instance_id: str
    execution: Execution | None = None
    inbox: list[Message] = field(default_factory=list)
    loaded: frozenset[int] = frozenset()
    task: asyncio.Task[None] | None = None
    has_news: bool = False

    def can_take(self, start: Start) -> bool:
        """Whether the slot is free for an execution, or has found it in the store; else a former one is at work."""
        return self.execution is None or self.execution.start.execution_id == start.execution_id


class Orchestrations:
    """See the module."""

    def __init__(self, hub: HubContext, outbox: Outbox) -> None:
        self._hub = hub
        self._outbox = outbox
        limit = hub.settings.max_concurrent_orchestrators
        self._calls = asyncio.Semaphore(limit) if limit < UNLIMITED else nullcontext()
        self._slots: OrderedDict[str, Slot] = OrderedDict()
        self._running: set[asyncio.Task[None]] = set()
        self._accepting = True

    def begin(self, start: Start) -> None:
        """Run a new instance that is in the store."""
        slot = self._slots.get(start.instance_id)
        if slot is None or not slot.can_take(start):
            slot = self._slots[start.instance_id] = Slot(start.instance_id)
        slot.execution = slot.execution or Execution(start)
        self.wake(start.instance_id)

    def deliver(self, instance_id: str, message: Message) -> None:
        """Hand over a message that is in the store, or on its way there."""
        slot = self._slots.get(instance_id) or self._slots.setdefault(instance_id, Slot(instance_id))
        if message.seq not in slot.loaded:
            slot.inbox.append(message)
        self.wake(instance_id)

    def wake(self, instance_id: str) -> None:
        """See whether the instance can go on."""
        slot = self._slots.get(instance_id) or self._slots.setdefault(instance_id, Slot(instance_id))
        self._slots.move_to_end(instance_id)
        slot.has_news = True
        if slot.task is None and self._accepting:
            slot.task = asyncio.create_task(self._run(slot))
            self._running.add(slot.task)

    def is_at_work(self, instance_id: str) -> bool:
        """Whether an instance is in memory and has not ended."""
        slot = self._slots.get(instance_id)
        return slot is not None and slot.execution is not None

    @property
    def running(self) -> Set[asyncio.Task[None]]:
        return self._running

    @property
    def is_idle(self) -> bool:
        return not self._running

    async def stop(self, grace_s: float) -> None:
        """Begin no more episodes, and wait for those that run."""
        self._accepting = False
        await drain(self._running, grace_s)

    async def _run(self, slot: Slot) -> None:
        try:
            while slot.has_news and self._accepting and self._is_current(slot):
                slot.has_news = False
                if await self._episode(slot):
                    slot.has_news = True
        except Superseded:
            log.info("instance %s was replaced", slot.instance_id)
            self._drop(slot)
        except HubFailed:
            self._drop(slot)
        except Exception:
            log.exception("a defect of the task hub: instance %s waits for its next message", slot.instance_id)
            self._drop(slot)
        finally:
            self._running.discard(asyncio.current_task())
            slot.task = None
            self._trim()

    def _is_current(self, slot: Slot) -> bool:
        """Whether the instance is in this slot: only then may it begin an episode, or two would run at once."""
        return self._slots.get(slot.instance_id) is slot

    def _drop(self, slot: Slot) -> None:
        if self._hub.keeper is not None:
            self._hub.keeper.forget_orchestrator(slot.instance_id)
        if self._is_current(slot):
            del self._slots[slot.instance_id]

    def _trim(self) -> None:
        """Drop slots that were not used for long, at most so many that it costs the same each time."""
        for _ in range(min(len(self._slots) - MAX_IDLE_SLOTS, 2)):
            instance_id, slot = next(iter(self._slots.items()))
            if slot.task is None and not slot.inbox:
                del self._slots[instance_id]
            else:
                self._slots.move_to_end(instance_id)

    async def _episode(self, slot: Slot) -> bool:
        """Run one episode. Whether there may be something left to take."""
        execution = slot.execution or await self._load(slot)
        if execution is None:
            if not slot.has_news:  # it may have been rewound or started again behind the look at the store
                self._drop(slot)
            return False
        slot.inbox.sort(key=lambda message: message.seq)
        episode = begin(execution, slot.inbox, self._hub.clock.now())
        if episode is None:
            return False
        note_waking(episode)
        answer = await self._call(episode) if execution.needs_call else None
        decision = finish(episode, answer, slot.inbox, self._hub.clock.now(), self._hub.settings)
        slot.inbox = [message for message in slot.inbox if message.seq not in episode.consumed]
        await self._commit(slot, decision)
        return not decision.status.is_final and (bool(slot.inbox) or decision.next_start is not None)

    async def _load(self, slot: Slot) -> Execution | None:
        loaded = await self._hub.store.load(slot.instance_id)
        if slot.execution is not None:
            return slot.execution  # begun meanwhile
        if loaded is None or loaded.instance.status.is_final:
            return None
        slot.loaded = frozenset(message.seq for message in loaded.inbox)
        slot.inbox = loaded.inbox + [message for message in slot.inbox if message.seq not in slot.loaded]
        slot.execution = Execution.restore(loaded.instance.start, loaded.history, loaded.instance.custom_status)
        return slot.execution

    async def _call(self, episode: Episode) -> Answer:
        """Call the orchestrator. An exception of user code is an answer."""
        execution = episode.execution
        start = execution.start
        try:
            name = self._hub.resolve(FunctionKind.ORCHESTRATOR, start.name)
            async with self._calls:
                text = await call_persistently(
                    lambda: self._turn(name, episode),
                    f"{name} [instance {start.instance_id}]",
                    lambda: self._accepting,
                )
            return read_answer(text)
        except FunctionFailure as failed:
            plain = Answer([], custom_status=execution.custom_status, error=str(failed))
            return read_failure(failed.message) or plain
        except (MalformedAnswer, UnknownFunction) as unusable:
            return Answer([], custom_status=execution.custom_status, error=str(unusable))

    def _turn(self, name: str, episode: Episode) -> Awaitable[str]:
        """Replay, or go on with the generator that was kept."""
        hub, instance_id = self._hub, episode.execution.start.instance_id
        if hub.keeper is None:
            return hub.functions.call_orchestrator(name, instance_id, episode.context(hub.settings))
        return hub.keeper.continue_orchestrator(name, instance_id, episode.turn(hub.settings))

    async def _commit(self, slot: Slot, decision: Decision) -> None:
        commit = self._with_messages(decision)
        refused = await self._hub.store.commit(commit)
        start = decision.start
        self._outbox.run_activities(decision.activities)
        self._outbox.set_timers(decision.timers, start.execution_id, decision.ended_timers)
        self._outbox.serve_requests(commit.requests)
        slot.inbox += refused
        not_begun = {message.seq for message in refused}
        for child, refusal in commit.children:
            if refusal.seq not in not_begun:
                self.begin(child)
        for delivery in commit.messages:
            self.deliver(delivery.instance_id, delivery.message)
        if decision.next_start is not None:
            slot.execution = Execution(decision.next_start, decision.custom_status)
        self._report(slot, decision)

    def _with_messages(self, decision: Decision) -> EpisodeCommit:
        start = decision.start
        commit = EpisodeCommit(decision, requests=[(self._hub.next_seq(), request) for request in decision.requests])
        if start.parent is not None and decision.parent_event is not None:
            message = Message(self._hub.next_seq(), start.parent.execution_id, decision.parent_event)
            commit.messages.append(Delivery(start.parent.instance_id, message))
        for task_id, child in decision.children:
            problem = self._problem_of(child, start)
            refusal = self._refusal(task_id, problem or "", decision)
            if problem is None:
                commit.children.append((child, refusal))
            else:
                commit.messages.append(Delivery(start.instance_id, refusal))
        return commit

    def _problem_of(self, child: Start, parent: Start) -> str | None:
        try:
            self._hub.resolve(FunctionKind.ORCHESTRATOR, child.name)
        except UnknownFunction as unknown:
            return str(unknown)
        return child_problem(child, parent)

    def _refusal(self, task_id: int, text: str, decision: Decision) -> Message:
        refused = failure(EventType.CHILD_FAILED, task_id, text, None, decision.at)
        return Message(self._hub.next_seq(), decision.start.execution_id, refused)

    def _report(self, slot: Slot, decision: Decision) -> None:
        start = decision.start
        for message in decision.discarded:
            log.warning(
                "%s [instance %s] continued as new without awaiting event %r, which is lost",
                start.name,
                start.instance_id,
                message.event["Name"],
            )
        if decision.status.is_final:
            self._drop(slot)
            if decision.status == RuntimeStatus.FAILED:
                log.error("%s [instance %s] is Failed: %s", start.name, start.instance_id, decision.output)
            else:
                log.info("%s [instance %s] is %s", start.name, start.instance_id, decision.status)
            self._outbox.note_end(start.instance_id)
