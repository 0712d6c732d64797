"""History events: their numbers, their fields, and the JSON text that is stored and sent to the SDK.

An event is a dict with the field names of the protocol, of which the first three are `EventType`, `EventId` and
`Timestamp`. It is serialised once. The stored text has no `IsPlayed`: that says where a reader stands, not what
happened.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache
from typing import Any

Event = dict[str, Any]


class EventType(IntEnum):
    """Event numbers of the protocol."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    CHILD_CREATED = 7
    CHILD_COMPLETED = 8
    CHILD_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    GENERIC = 17
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20
    EXECUTION_REWOUND = 21


PROTOCOL_NAMES: dict[EventType, str] = {
    EventType.CHILD_CREATED: "SubOrchestrationInstanceCreated",
    EventType.CHILD_COMPLETED: "SubOrchestrationInstanceCompleted",
    EventType.CHILD_FAILED: "SubOrchestrationInstanceFailed",
    EventType.GENERIC: "GenericEvent",
}
"""The names that are not simply the camel-cased name of the member."""

SUCCESSES = frozenset({EventType.TASK_COMPLETED, EventType.CHILD_COMPLETED})
FAILURES = frozenset({EventType.TASK_FAILED, EventType.CHILD_FAILED})
CONTROLS = frozenset(
    {EventType.EXECUTION_TERMINATED, EventType.EXECUTION_SUSPENDED, EventType.EXECUTION_RESUMED},
)


def protocol_name(event_type: int) -> str:
    """The name of an event type as the management API shows it."""
    member = EventType(event_type)
    return PROTOCOL_NAMES.get(member) or "".join(part.capitalize() for part in member.name.split("_"))


@lru_cache(maxsize=16)  # the events of an episode share their time
def time_text(moment: datetime) -> str:
    """An aware time as the protocol writes it; texts sort as the times do."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='microseconds')[:-6]}Z"


def parse_time(text: str) -> datetime:
    """The inverse of `time_text`; a time without zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def event(event_type: EventType, at: datetime, *, event_id: int = -1, **fields: Any) -> Event:
    """An event of `event_type` that happened `at`."""
    return {"EventType": int(event_type), "EventId": event_id, "Timestamp": time_text(at), **fields}


def completion(event_type: EventType, task_id: int, result: str | None, at: datetime) -> Event:
    """TaskCompleted or SubOrchestrationInstanceCompleted; `result` is JSON text."""
    return event(event_type, at, TaskScheduledId=task_id, Result=result)


def failure(event_type: EventType, task_id: int, reason: str, details: str | None, at: datetime) -> Event:
    """TaskFailed or SubOrchestrationInstanceFailed; user code sees `reason` and `details`."""
    return event(event_type, at, TaskScheduledId=task_id, Reason=reason, Details=details)


def timer_fired(task_id: int, fire_at: datetime, at: datetime) -> Event:
    return event(EventType.TIMER_FIRED, at, TimerId=task_id, FireAt=time_text(fire_at))


def event_raised(name: str, input_json: str | None, at: datetime) -> Event:
    """An external event whose data is JSON text."""
    return event(EventType.EVENT_RAISED, at, Name=name, Input=input_json)


def entity_answered(task_id: int, request_id: str, response_json: str, at: datetime) -> Event:
    """The answer to an entity call: for the SDK an event named by the request, for the engine a finished task."""
    return event(EventType.EVENT_RAISED, at, Name=request_id, Input=response_json, TaskScheduledId=task_id)


_ENCODER = json.JSONEncoder(separators=(",", ":"))


def dump(value: object) -> str:
    """Compact JSON text."""
    return _ENCODER.encode(value)


def parse_stored(text: str) -> list[Event]:
    """The events of a stored text, which are joined by commas."""
    parsed: list[Event] = json.loads(f"[{text}]")
    return parsed
