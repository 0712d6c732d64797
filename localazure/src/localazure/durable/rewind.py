"""Rewinding a failed instance: its history without the failures that ended its tasks.

A failure leaves the history as a `GenericEvent`, so that the record of it stays. The state is a fold over the
history; so without the failure its task is open again under the same id, and is dispatched again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from localazure.durable.actions import CHILDREN, RETRIED, Leaf
from localazure.durable.creation import create
from localazure.durable.events import FAILURES, Event, EventType, protocol_name
from localazure.durable.execution import Execution
from localazure.durable.records import Decision
from localazure.durable.settings import TaskHubSettings
from localazure.durable.status import RuntimeStatus, move
from localazure.durable.store import Loaded

TIMER_EVENTS = {EventType.TIMER_CREATED: "EventId", EventType.TIMER_FIRED: "TimerId"}


def rewind(loaded: Loaded, now: datetime, settings: TaskHubSettings) -> tuple[list[Event], Decision]:
    """The history without its failures, and the tasks to run again; failed children are rewound on their own."""
    instance = loaded.instance
    undone = _undone(loaded)
    history = [_undo(each) if place in undone else _open(each) for place, each in enumerate(loaded.history)]
    execution = Execution.restore(instance.start, history, instance.custom_status)
    decision = Decision(instance.start, now, move(instance.status, RuntimeStatus.RUNNING), instance.custom_status)
    for task_id, task in execution.open.items():
        if not (isinstance(task, Leaf) and task.kind in CHILDREN):
            create(task_id, task, decision, settings)
    return history, decision


def failed_children(history: Sequence[Event]) -> list[str]:
    """The ids of the sub-orchestrations that failed."""
    failed = {each["TaskScheduledId"] for each in history if each["EventType"] == EventType.CHILD_FAILED}
    created = [each for each in history if each["EventType"] == EventType.CHILD_CREATED]
    return [each["InstanceId"] for each in created if each["EventId"] in failed]


def _undone(loaded: Loaded) -> set[int]:
    """The places of the last failure of every failed task, of the timer behind it, and of the end."""
    execution = Execution(loaded.instance.start)
    undone: set[int] = set()
    last_timers: set[int] = set()
    for place, each in enumerate(loaded.history):
        kind = each["EventType"]
        leaf = execution.open.get(each["TaskScheduledId"]) if kind in FAILURES else None
        execution.apply(each)
        if isinstance(leaf, Leaf) and leaf.attempt >= leaf.max_attempts:
            undone.add(place)
            if leaf.kind in RETRIED:
                last_timers.add(max(execution.open))
        if kind == EventType.EXECUTION_COMPLETED or each.get(TIMER_EVENTS.get(kind, "")) in last_timers:
            undone.add(place)
    return undone


def _undo(each: Event) -> Event:
    name = protocol_name(each["EventType"])
    places = ("TaskScheduledId", "TimerId", "EventId")
    task: int = next(each[place] for place in places if place in each)
    data = f"Rewound: {name} of task {task}" if task >= 0 else f"Rewound: {name}"
    return {"EventType": int(EventType.GENERIC), "EventId": -1, "Timestamp": each["Timestamp"], "Data": data}


def _open(each: Event) -> Event:
    """The event, without the outcome that it may have brought."""
    return {key: value for key, value in each.items() if key != "Outcome"}
