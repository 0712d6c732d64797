"""Rewinding a failed instance: its history without the failures that ended its tasks.

A failure leaves the history as a `GenericEvent`, so that the record of it stays. The state is a fold over the
history; so without the failure its task is open again under the same id, and is dispatched again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from localazure.durable.actions import CHILDREN, RETRIED, Leaf
from localazure.durable.creation import create
from localazure.durable.events import FAILURES, Event, EventType, completion, failure, protocol_name
from localazure.durable.execution import Execution
from localazure.durable.records import Decision, Instance, Start
from localazure.durable.settings import TaskHubSettings
from localazure.durable.status import RuntimeStatus, move
from localazure.durable.store import Loaded

TIMER_EVENTS = {EventType.TIMER_CREATED: "EventId", EventType.TIMER_FIRED: "TimerId"}


@dataclass(frozen=True, slots=True)
class Rewound:
    """A history without its failures, the work to be done again, and the children that the instance waits for."""

    history: list[Event]
    decision: Decision
    children: dict[int, str]  # task id: instance id


def rewind(loaded: Loaded, now: datetime, settings: TaskHubSettings) -> Rewound:
    """Take back what made an instance fail. Open tasks are created again, but for children: those have a life."""
    instance = loaded.instance
    undone = _undone(loaded)
    history = [_undo(each) if place in undone else _open(each) for place, each in enumerate(loaded.history)]
    execution = Execution.restore(instance.start, history, instance.custom_status)
    status = move(instance.status, RuntimeStatus.RUNNING)
    decision = Decision(instance.start, now, status, instance.custom_status, instance.episodes)
    created = {each["EventId"]: each for each in history if each["EventType"] == EventType.CHILD_CREATED}
    children: dict[int, str] = {}
    for task_id, task in execution.open.items():
        if isinstance(task, Leaf) and task.kind in CHILDREN:
            children[task_id] = created[task_id]["InstanceId"]
        else:
            create(task_id, task, decision, settings)
    return Rewound(history, decision, children)


def is_child_of(instance: Instance | None, parent: Start) -> bool:
    """Whether the execution `parent` has started the instance, which another may have replaced since."""
    link = instance.start.parent if instance is not None else None
    return link is not None and link.execution_id == parent.execution_id


def answer_of_child(task_id: int, child: Instance | None, parent: Start, at: datetime) -> Event | None:
    """What a child that has ended says once more to its rewound parent; None for one that runs, or runs again."""
    if child is None or not is_child_of(child, parent):
        return failure(EventType.CHILD_FAILED, task_id, "The sub-orchestration does not exist any more.", None, at)
    if child.status == RuntimeStatus.COMPLETED:
        return completion(EventType.CHILD_COMPLETED, task_id, child.output, at)
    if child.status.is_final:
        return failure(EventType.CHILD_FAILED, task_id, child.output or "", None, at)
    return None


def _undone(loaded: Loaded) -> set[int]:
    """The places of the last failure of every task that failed for good, of the timer behind it, and of the end.

    A failure stays if user code began something after it, as one that catches an exception does: what was begun would
    have no reason. Unless no other failure is left, and the instance ended with its reason: then it was raised later.
    """
    execution = Execution(loaded.instance.start)
    answered: dict[int, str] = {}  # the places with the failure's reason
    failed: dict[int, str] = {}
    ends: set[int] = set()
    last_timers: dict[int, str] = {}
    for place, each in enumerate(loaded.history):
        kind = each["EventType"]
        leaf = execution.open.get(each["TaskScheduledId"]) if kind in FAILURES else None
        execution.apply(each)
        if isinstance(leaf, Leaf) and leaf.attempt >= leaf.max_attempts:
            failed[place] = each["Reason"]
            if leaf.kind in RETRIED:
                last_timers[max(execution.open)] = each["Reason"]
        timer = each.get(TIMER_EVENTS.get(kind, ""))
        if timer in last_timers:
            failed[place] = last_timers[timer]
        if kind == EventType.EXECUTION_COMPLETED:
            ends.add(place)
        if each.get("Actions"):
            answered |= failed
            failed = {}
    raised_late = {place for place, reason in answered.items() if reason in (loaded.instance.output or "")}
    return ends | (set(failed) or raised_late)


def _undo(each: Event) -> Event:
    name = protocol_name(each["EventType"])
    places = ("TaskScheduledId", "TimerId", "EventId")
    task: int = next(each[place] for place in places if place in each)
    data = f"Rewound: {name} of task {task}" if task >= 0 else f"Rewound: {name}"
    return {"EventType": int(EventType.GENERIC), "EventId": -1, "Timestamp": each["Timestamp"], "Data": data}


def _open(each: Event) -> Event:
    """The event, without the outcome that it may have brought."""
    return {key: value for key, value in each.items() if key != "Outcome"}
