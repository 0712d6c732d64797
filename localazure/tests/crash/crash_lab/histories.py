"""What is wrong with a stored history, whatever it is the history of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from localazure.durable.events import EventType

Event = dict[str, Any]
ENDS = {EventType.EXECUTION_COMPLETED, EventType.EXECUTION_TERMINATED}
CREATIONS = {EventType.TASK_SCHEDULED, EventType.CHILD_CREATED, EventType.TIMER_CREATED, EventType.EVENT_SENT}


def flaws(history: list[Event], *, is_final: bool) -> Iterator[str]:
    """Each task is created once, in the order of ids, and answered once; each event came once; one start, one end."""
    kinds = [event["EventType"] for event in history]
    if kinds[:2] != [EventType.ORCHESTRATOR_STARTED, EventType.EXECUTION_STARTED]:
        yield f"begins with events {kinds[:2]}"
    marks = [kind for kind in kinds if kind in {EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED}]
    if marks != [EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED] * (len(marks) // 2):
        yield f"episodes are cut: {marks}"
    if kinds.count(EventType.EXECUTION_STARTED) != 1 or sum(kind in ENDS for kind in kinds) != is_final:
        yield f"starts or ends more or less than once: {kinds}"
    created = [event["EventId"] for event in history if event["EventType"] in CREATIONS]
    if created != list(range(len(created))):
        yield f"tasks were created as {created}"
    answered = Counter(answers(history))
    if set(answered) - set(created) or any(count > 1 for count in answered.values()):
        yield f"tasks were answered as {sorted(answered.elements())}"
    yield from _repeated_events(history)


def answers(history: list[Event]) -> list[int]:
    """The ids of the tasks that have an answer."""
    found = (event.get("TaskScheduledId", event.get("TimerId")) for event in history)
    return [task_id for task_id in found if task_id is not None]


def shape(history: list[Event]) -> Counter[str]:
    """How many events of each kind and name there are, whatever episodes they came in."""
    marks = {EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED}
    events = [event for event in history if event["EventType"] not in marks]
    return Counter(f"{EventType(event['EventType']).name} {_name(event)}".strip() for event in events)


def _name(event: Event) -> str:
    is_answer = "TaskScheduledId" in event  # of an entity: its name is the request's id
    return "" if is_answer else str(event.get("Name", ""))


def _repeated_events(history: list[Event]) -> Iterator[str]:
    """The payloads of the clients in the scenarios are all different."""
    raised = [event for event in history if event["EventType"] == EventType.EVENT_RAISED]
    payloads = Counter(event["Input"] for event in raised if "TaskScheduledId" not in event)
    if any(count > 1 for count in payloads.values()):
        yield f"events were repeated: {payloads}"
