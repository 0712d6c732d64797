"""One episode: which messages an execution takes, and what follows from the orchestrator's answer.

Pure: `begin` and `finish` are given the inbox, the time and the answer, and give back a `Decision` to be committed.
Between them the caller runs the orchestrator if `execution.needs_call`.

Messages that make the engine number a task (`Execution.is_allocating`) may only stand at the front of an episode.
Behind a message that may move user code the SDK would number new actions before them, the engine after them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from localazure.durable.actions import ActionType
from localazure.durable.creation import create, derived_id
from localazure.durable.events import (
    CONTROLS,
    Event,
    EventType,
    completion,
    dump,
    event,
    failure,
    parse_time,
)
from localazure.durable.execution import Execution, Outcome, OutcomeKind
from localazure.durable.functions import Turn
from localazure.durable.matching import NonDeterminism, UnusableAnswer, check_answer, match_actions
from localazure.durable.records import Decision, Message, Parent, Start
from localazure.durable.sdk import Answer, context_text
from localazure.durable.settings import TaskHubSettings
from localazure.durable.status import RuntimeStatus
from localazure.durable.texts import orchestrator_failed
from localazure.durable.transcript import Part, parts_of


@dataclass(slots=True)
class Episode:
    """What an execution has taken, behind an `OrchestratorStarted` that is dated at last.

    `consumed` and `ended_timers` include messages that were dropped as stale.
    """

    execution: Execution
    at: datetime
    events: list[Event] = field(default_factory=list)
    consumed: set[int] = field(default_factory=set)
    ended_timers: list[int] = field(default_factory=list)
    last_seq: int = 0
    _texts: list[str] = field(default_factory=list)
    _parts: list[Part] = field(default_factory=list)
    _stored: dict[int, str] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """The events as they are stored."""
        self._serialise()
        return self._texts

    @property
    def parts(self) -> list[Part]:
        """The events as the SDK gets them."""
        self._serialise()
        return self._parts

    def _serialise(self) -> None:
        """Make texts of what was added since the last time: each event is serialised once."""
        known = len(self._texts)
        if known < len(self.events):
            added = self.events[known:]
            texts = [self._stored.get(place) or dump(each) for place, each in enumerate(added, known)]
            self._texts += texts
            self._parts += parts_of(added, texts)

    def take(self, taken: Event, text: str = "") -> None:
        """Take an event; `text` is what it looks like in the store, if it is there already."""
        if text:
            self._stored[len(self.events)] = text
        self.events.append(taken)
        self.execution.absorb(taken)

    def consume(self, message: Message) -> None:
        self.consumed.add(message.seq)
        is_ours = message.execution_id == self.execution.start.execution_id
        if is_ours and message.event["EventType"] == EventType.TIMER_FIRED:
            self.ended_timers.append(message.event["TimerId"])

    def context(self, settings: TaskHubSettings) -> str:
        """The input of the orchestrator call."""
        execution = self.execution
        history = execution.transcript.everything(self.parts)
        return context_text(execution.start, history, replaying=execution.calls > 0, http_poll_ms=settings.http_poll_ms)

    def turn(self, settings: TaskHubSettings) -> Turn:
        """The call for someone who may have kept the generator."""
        execution = self.execution
        return Turn(
            execution.start.execution_id,
            execution.calls,
            execution.transcript.news(self.parts),
            lambda: self.context(settings),
            settings.session_idle_s,
        )


def begin(execution: Execution, inbox: Sequence[Message], now: datetime) -> Episode | None:
    """Take what can be taken from the inbox, which is in order of arrival. None when that is nothing."""
    if not inbox and execution.status != RuntimeStatus.PENDING:
        return None
    episode = Episode(execution, max(now, execution.time or now), events=[{}])
    if execution.status == RuntimeStatus.PENDING:
        episode.take(_started(execution, episode.at))
    _take_controls(episode, inbox)
    if execution.status == RuntimeStatus.RUNNING:
        _take_messages(episode, inbox)
    if len(episode.events) == 1 and not episode.consumed:
        return None
    _stamp(episode)
    return episode


def _started(execution: Execution, at: datetime) -> Event:
    start = execution.start
    parent = start.parent and _parent_instance(start.parent)
    instance = {"InstanceId": start.instance_id, "ExecutionId": start.execution_id}
    return event(
        EventType.EXECUTION_STARTED,
        at,
        OrchestrationInstance=instance,
        ParentInstance=parent,
        Name=start.name,
        Version=start.version,
        Input=start.input,
        Tags=None,
        Generation=start.generation,
    )


def _parent_instance(parent: Parent) -> dict[str, Any]:
    instance = {"InstanceId": parent.instance_id, "ExecutionId": parent.execution_id}
    return {"Name": parent.name, "OrchestrationInstance": instance, "TaskScheduleId": parent.task_id}


def _take_controls(episode: Episode, inbox: Sequence[Message]) -> None:
    execution = episode.execution
    for message in inbox:
        kind = message.event["EventType"]
        if kind not in CONTROLS:
            continue
        episode.consume(message)
        if kind == EventType.EXECUTION_TERMINATED:
            episode.take(message.event)
            return
        is_suspended = execution.status == RuntimeStatus.SUSPENDED
        if is_suspended == (kind == EventType.EXECUTION_RESUMED):
            episode.take(message.event)


def _take_messages(episode: Episode, inbox: Sequence[Message]) -> None:
    execution = episode.execution
    may_allocate = True
    for message in inbox:
        if message.seq in episode.consumed:
            continue
        if execution.is_stale(message):
            episode.consume(message)
            continue
        taken, text = message.event, message.text
        if taken["EventType"] == EventType.EVENT_RAISED and "TaskScheduledId" not in taken:
            name = None if execution.outcome else execution.awaited_name(taken["Name"])
            if name is None:
                continue
            if name != taken["Name"]:
                taken, text = {**taken, "Name": name}, ""
        if not execution.is_allocating(taken):
            may_allocate = False
        elif not may_allocate:
            break
        episode.take(taken, text)
        episode.consume(message)
        episode.last_seq = message.seq


def _stamp(episode: Episode) -> None:
    """Date the episode no earlier than the timers that it brings: the SDK compares the two."""
    taken = episode.events[1:]
    fired = [parse_time(each["FireAt"]) for each in taken if each["EventType"] == EventType.TIMER_FIRED]
    episode.at = max([episode.at, *fired])
    episode.events[0] = event(EventType.ORCHESTRATOR_STARTED, episode.at)
    episode.execution.time = episode.at


def finish(
    episode: Episode,
    answer: Answer | None,
    inbox: Sequence[Message],
    now: datetime,
    settings: TaskHubSettings,
) -> Decision:
    """What the episode changes. `answer` is None when the orchestrator was not called."""
    execution = episode.execution
    at = max(now, episode.at)
    decision = Decision(execution.start, at, execution.status, execution.custom_status, execution.episodes)
    decision.ended_timers = episode.ended_timers
    if len(episode.events) > 1:
        record = event(EventType.ORCHESTRATOR_COMPLETED, at)
        if answer is not None:
            _note_answer(record, episode, answer, settings)
        _conclude(episode, record, decision, settings)
        _discard_lost_events(execution, episode, decision, inbox, settings)
    decision.consumed = sorted(episode.consumed)
    return decision


def _conclude(episode: Episode, record: Event, decision: Decision, settings: TaskHubSettings) -> None:
    """Apply the record, create what it brings, and end the execution if nothing is left to wait for."""
    execution, events = episode.execution, episode.events
    for task_id, task in execution.close(record):
        events.append(create(task_id, task, decision, settings))
    decision.ended_timers += [execution.leaves[place].task_id for place in record.get("Canceled", ())]
    outcome = execution.outcome
    if outcome is not None and (outcome.abrupt or execution.is_drained):
        _end(execution, outcome, events, decision)
    events.append(record)
    decision.history = ",".join(episode.texts)
    decision.status, decision.custom_status = execution.status, execution.custom_status
    execution.remember(episode.parts, called="Actions" in record)


def _note_answer(record: Event, episode: Episode, answer: Answer, settings: TaskHubSettings) -> None:
    execution = episode.execution
    record["Actions"] = []
    listed = answer.actions[len(execution.actions) :]
    try:
        canceled = match_actions(execution, answer)
        check_answer(execution, answer, listed, settings)
    except (NonDeterminism, UnusableAnswer) as different:
        record["Outcome"] = _failed(execution, str(different), abrupt=True)
        return
    record["Actions"] = listed
    if canceled:
        record["Canceled"] = canceled
    if answer.custom_status != execution.custom_status and (answer.custom_status or execution.sets_status):
        record["CustomStatus"] = answer.custom_status
    outcome = _outcome(execution, answer, episode.last_seq)
    if outcome is not None:
        record["Outcome"] = outcome


def _outcome(execution: Execution, answer: Answer, last_seq: int) -> list[Any] | None:
    """The outcome in the form of the record: kind, text, last arrival number, whether it is abrupt."""
    if answer.error is not None:
        return _failed(execution, answer.error)
    if not answer.is_done:
        return None
    last = answer.actions[-1] if answer.actions else {}
    if last.get("actionType") == ActionType.CONTINUE_AS_NEW:
        return [OutcomeKind.CONTINUED, json.dumps(last["input"]), last_seq, False]
    return [OutcomeKind.COMPLETED, answer.output, last_seq, False]


def _failed(execution: Execution, text: str, *, abrupt: bool = False) -> list[Any]:
    return [OutcomeKind.FAILED, orchestrator_failed(execution.start.name, text), 0, abrupt]


def _end(execution: Execution, outcome: Outcome, events: list[Event], decision: Decision) -> None:
    if outcome.kind == OutcomeKind.CONTINUED:
        decision.next_start = _next(execution, outcome)
        return
    decision.output = outcome.text
    decision.ended_timers += execution.open  # an abrupt end leaves some behind
    if outcome.kind != OutcomeKind.TERMINATED:
        is_completed = outcome.kind == OutcomeKind.COMPLETED
        status = RuntimeStatus.COMPLETED if is_completed else RuntimeStatus.FAILED
        ended = event(
            EventType.EXECUTION_COMPLETED, decision.at, OrchestrationStatus=status.number, Result=outcome.text
        )
        execution.absorb(ended)
        events.append(ended)
    if execution.start.parent is not None:
        decision.parent_event = _for_parent(execution.start.parent, outcome, decision.at)


def _next(execution: Execution, outcome: Outcome) -> Start:
    start = execution.start
    following = derived_id(start.execution_id, "next")
    return replace(start, execution_id=following, input=outcome.text, generation=start.generation + 1)


def _for_parent(parent: Parent, outcome: Outcome, at: datetime) -> Event:
    if outcome.kind == OutcomeKind.COMPLETED:
        return completion(EventType.CHILD_COMPLETED, parent.task_id, outcome.text, at)
    return failure(EventType.CHILD_FAILED, parent.task_id, outcome.text or "", None, at)


def _discard_lost_events(
    execution: Execution,
    episode: Episode,
    decision: Decision,
    inbox: Sequence[Message],
    settings: TaskHubSettings,
) -> None:
    """Continue-as-new loses the events that came before the message which led to it and were never awaited.

    Only those: a `terminate` that was on its way to the disk meanwhile may be in the inbox with a lower number as well.
    """
    if decision.next_start is None or execution.outcome is None or settings.preserve_unprocessed_events:
        return
    for message in inbox:
        is_early = message.seq < execution.outcome.seq and message.seq not in episode.consumed
        if is_early and message.execution_id is None and message.event["EventType"] == EventType.EVENT_RAISED:
            decision.discarded.append(message)
            episode.consume(message)
