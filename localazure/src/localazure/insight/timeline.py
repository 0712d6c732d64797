"""The history of one execution as rows of a timeline. Pure: the same rows for the same history.

The history is folded once more through the engine's own `Execution`, so that attempts, retry delays and what is still
open are what the engine takes them for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from localazure.durable.actions import CHILDREN, ActionType, Leaf
from localazure.durable.events import Event, EventType, parse_time
from localazure.durable.execution import Execution, RetryDelay
from localazure.durable.records import Instance
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import Loaded


class Kind(StrEnum):
    """What a row is about."""

    STARTED = "started"
    STATUS = "status"
    ACTIVITY = "activity"
    HTTP = "http"
    TIMER = "timer"
    EVENT = "event"
    CHILD = "child"
    ENTITY = "entity"
    SIGNAL = "signal"
    CONTROL = "control"
    ENDED = "ended"


class State(StrEnum):
    """How it stands with a row."""

    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"
    OPEN = "open"
    HELD = "held"


@dataclass
class Row:
    """One thing that happened. `detail` is JSON text, a failure or empty; `due` is for timers and next attempts."""

    kind: Kind
    name: str
    began: datetime
    ended: datetime | None = None
    state: State = State.OPEN
    detail: str = ""
    attempt: int = 1
    attempts: int = 1
    due: datetime | None = None
    instance_id: str = ""


@dataclass
class Timeline:
    """`returned` is set when the orchestrator has returned and only waits for its open tasks."""

    instance: Instance
    rows: list[Row]
    inbox: int
    returned: bool = False

    @property
    def began(self) -> datetime:
        return self.rows[0].began if self.rows else self.instance.created_at

    @property
    def open(self) -> list[Row]:
        """What the instance waits for; nothing when it has ended."""
        is_live = not self.instance.status.is_final
        return [row for row in self.rows if is_live and row.state in {State.OPEN, State.HELD}]

    def end(self, now: datetime) -> datetime:
        """When the last thing happened; `now` while it goes on."""
        times = [moment for row in self.rows for moment in (row.began, row.ended) if moment is not None]
        return max(times, default=self.began) if self.instance.status.is_final else max([now, *times])


def timeline_of(loaded: Loaded) -> Timeline:
    """The timeline of an instance's current execution."""
    reader = _Reader(loaded.instance)
    for event in loaded.history:
        reader.read(event)
    returned = reader.execution.outcome is not None and not loaded.instance.status.is_final
    return Timeline(loaded.instance, reader.rows_in_order(), len(loaded.inbox), returned)


class _Reader:
    """Takes events one by one. `_tasks` are the rows by task id, `_waits` those of open waits by name."""

    def __init__(self, instance: Instance) -> None:
        self.execution = Execution(instance.start)
        self._rows: list[Row] = []
        self._tasks: dict[int, Row] = {}
        self._waits: dict[str, list[Row]] = {}
        self._listed: dict[int, Leaf] = {}  # by the task id of the first attempt
        self._latest: dict[Leaf, Row] = {}  # the row of the latest attempt
        self._creating: list[Event] = []

    def rows_in_order(self) -> list[Row]:
        return sorted(self._rows, key=lambda row: (row.began, row.kind == Kind.ENDED))

    def read(self, event: Event) -> None:
        at = parse_time(event["Timestamp"])
        match event["EventType"]:
            case EventType.TASK_SCHEDULED | EventType.CHILD_CREATED | EventType.TIMER_CREATED | EventType.EVENT_SENT:
                self._creating.append(event)
            case EventType.TASK_COMPLETED | EventType.CHILD_COMPLETED:
                self._finish(event["TaskScheduledId"], at, State.DONE, event["Result"])
            case EventType.TASK_FAILED | EventType.CHILD_FAILED:
                self._finish(event["TaskScheduledId"], at, State.FAILED, event["Reason"])
            case EventType.TIMER_FIRED:
                self._finish(event["TimerId"], at, State.DONE, "")
            case EventType.EVENT_RAISED:
                self._raised(event, at)
            case EventType.EXECUTION_STARTED:
                self._note(Kind.STARTED, event["Name"], at, event["Input"])
            case EventType.EXECUTION_COMPLETED:
                status = RuntimeStatus.of(event["OrchestrationStatus"])
                state = State.FAILED if status == RuntimeStatus.FAILED else State.DONE
                self._note(Kind.ENDED, status.lower(), at, event["Result"], state)
            case kind if kind in _CONTROLS:
                self._note(Kind.CONTROL, _CONTROLS[kind], at, event.get("Reason") or event.get("Input"))
        self.execution.apply(event)
        if event["EventType"] == EventType.ORCHESTRATOR_COMPLETED:
            self._close(event, at)

    def _note(self, kind: Kind, name: str, at: datetime, detail: str | None, state: State = State.DONE) -> None:
        self._rows.append(Row(kind, name, at, at, state, detail or ""))

    def _finish(self, task_id: int, at: datetime, state: State, detail: str | None) -> None:
        row = self._tasks.get(task_id)
        if row is not None:
            row.ended, row.state, row.detail = at, state, detail or ""

    def _raised(self, event: Event, at: datetime) -> None:
        if "TaskScheduledId" in event:
            result, failed = _entity_answer(event["Input"])
            self._finish(event["TaskScheduledId"], at, State.FAILED if failed else State.DONE, result)
        elif waits := self._waits.get(event["Name"].lower()):
            row = waits.pop()
            row.ended, row.state, row.detail = at, State.DONE, event["Input"] or ""

    def _close(self, record: Event, at: datetime) -> None:
        """Take what an episode has listed, created and cancelled."""
        if "CustomStatus" in record:
            self._note(Kind.STATUS, "", at, record["CustomStatus"])
        for leaf in self.execution.leaves[len(self._latest) :]:
            self._list(leaf, at)
        for event in self._creating:
            self._create(event, parse_time(event["Timestamp"]))
        self._creating = []
        for place in record.get("Canceled", ()):
            row = self._latest[self.execution.leaves[place]]
            row.ended, row.state = at, State.CANCELED

    def _list(self, leaf: Leaf, at: datetime) -> None:
        row = Row(_KINDS[leaf.kind], _name_of(leaf), at, state=State.HELD, attempts=leaf.max_attempts)
        self._latest[leaf] = row
        if leaf.kind == ActionType.CONTINUE_AS_NEW:
            return
        self._rows.append(row)
        if leaf.kind == ActionType.WAIT_FOR_EVENT:
            row.state = State.OPEN
            self._waits.setdefault(row.name.lower(), []).append(row)
        else:
            self._listed[leaf.task_id] = leaf

    def _create(self, event: Event, at: datetime) -> None:
        """A task is under way: a listed one, another attempt, or the pause before that."""
        task_id = event["EventId"]
        task = self.execution.open.get(task_id)
        if isinstance(task, RetryDelay):
            if not task.is_last:
                self._latest[task.leaf].due = parse_time(event["FireAt"])
            return
        leaf = task or self._listed[task_id]
        row = self._latest[leaf]
        if task_id not in self._listed:
            row = Row(row.kind, row.name, at, attempt=leaf.attempt, attempts=leaf.max_attempts)
            self._latest[leaf] = row
            self._rows.append(row)
        self._tasks[task_id] = row
        self._begin(row, event, leaf, at)

    def _begin(self, row: Row, event: Event, leaf: Leaf, at: datetime) -> None:
        row.began, row.state = at, State.OPEN
        row.due = parse_time(event["FireAt"]) if "FireAt" in event else None
        if leaf.kind in CHILDREN:
            row.instance_id = event["InstanceId"]
        if row.kind == Kind.SIGNAL or leaf.canceled:
            row.ended, row.state = at, State.CANCELED if leaf.canceled else State.DONE


_CONTROLS: dict[int, str] = {
    EventType.EXECUTION_SUSPENDED: "suspended",
    EventType.EXECUTION_RESUMED: "resumed",
    EventType.EXECUTION_TERMINATED: "terminated",
    EventType.EXECUTION_REWOUND: "rewound",
}
_KINDS = {
    ActionType.CALL_ACTIVITY: Kind.ACTIVITY,
    ActionType.CALL_ACTIVITY_WITH_RETRY: Kind.ACTIVITY,
    ActionType.CALL_CHILD: Kind.CHILD,
    ActionType.CALL_CHILD_WITH_RETRY: Kind.CHILD,
    ActionType.CONTINUE_AS_NEW: Kind.ENDED,
    ActionType.CREATE_TIMER: Kind.TIMER,
    ActionType.WAIT_FOR_EVENT: Kind.EVENT,
    ActionType.CALL_ENTITY: Kind.ENTITY,
    ActionType.CALL_HTTP: Kind.HTTP,
    ActionType.SIGNAL_ENTITY: Kind.SIGNAL,
}


def _name_of(leaf: Leaf) -> str:
    action = leaf.action
    match leaf.kind:
        case ActionType.CALL_HTTP:
            return f"{action['httpRequest']['method']} {action['httpRequest']['uri']}"
        case ActionType.CALL_ENTITY | ActionType.SIGNAL_ENTITY:
            return f"{action['instanceId']} {action['operation']}"
    return str(action.get("functionName") or action.get("externalEventName") or "")


def _entity_answer(response: str) -> tuple[str, bool]:
    """The result of an entity call, or its failure, and whether it is one."""
    answer: dict[str, Any] = json.loads(response)
    return str(answer.get("result") or ""), "exceptionType" in answer
