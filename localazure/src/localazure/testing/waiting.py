"""Says what an instance waits for: the first thing to know when a test finds that it has not ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from localazure.durable.actions import CHILDREN, ActionType, Leaf
from localazure.durable.events import EventType, parse_time, time_text
from localazure.durable.execution import Execution, RetryDelay, Task
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import Loaded


def explain(loaded: Loaded, now: datetime, kept_back: Collection[tuple[str, str]]) -> str:
    """State, open tasks, awaited events and untaken events of one instance.

    `kept_back` holds function and instance id of the invocations that a fault rule keeps back.
    """
    start, status = loaded.instance.start, loaded.instance.status
    head = f"instance '{start.instance_id}' of {start.name} is {status} at {time_text(now)} on the hub's clock"
    if status.is_final:
        return f"{head}: {loaded.instance.output}"
    execution = Execution.restore(start, loaded.history, loaded.instance.custom_status)
    lines = [*_state(status), *_tasks(execution, loaded, now, kept_back), *_events(execution), *_untaken(loaded)]
    return "\n".join([f"{head} and waits for", *(f"  - {line}" for line in lines or ["nothing: it can go on"])])


def _state(status: RuntimeStatus) -> Iterable[str]:
    if status is RuntimeStatus.SUSPENDED:
        yield "resume(): it is suspended"


def _tasks(
    execution: Execution, loaded: Loaded, now: datetime, kept_back: Collection[tuple[str, str]]
) -> Iterable[str]:
    due = {
        each["EventId"]: parse_time(each["FireAt"])
        for each in loaded.history
        if each["EventType"] == EventType.TIMER_CREATED
    }
    children = {
        each["EventId"]: each["InstanceId"] for each in loaded.history if each["EventType"] == EventType.CHILD_CREATED
    }
    for task_id, task in execution.open.items():
        if task_id in due:
            yield _timer(task, due[task_id], now)
        elif isinstance(task, Leaf):
            yield _call(task, children.get(task_id), loaded.instance.start.instance_id, kept_back)


def _timer(task: Task, fire_at: datetime, now: datetime) -> str:
    what = f"the next attempt of {_name(task.leaf)}" if isinstance(task, RetryDelay) else "a timer"
    return f"{what}, due at {time_text(fire_at)}, in {fire_at - now}: hub.advance(...)"


def _call(leaf: Leaf, child_id: str | None, instance_id: str, kept_back: Collection[tuple[str, str]]) -> str:
    if leaf.kind in CHILDREN:
        return f"sub-orchestration {_name(leaf)}, instance '{child_id}'"
    if leaf.kind is ActionType.CALL_ENTITY:
        return f"entity {leaf.action['instanceId']} to answer {leaf.action['operation']!r}"
    kept = ", which a fault rule keeps back" if (_name(leaf), instance_id) in kept_back else ""
    return f"activity {_name(leaf)}{kept}"


def _name(leaf: Leaf) -> str:
    if leaf.kind is ActionType.CALL_HTTP:
        return f"{leaf.action['httpRequest']['method']} {leaf.action['httpRequest']['uri']}"
    return str(leaf.action["functionName"])


def _events(execution: Execution) -> Iterable[str]:
    for leaf in execution.leaves:
        if leaf.kind is ActionType.WAIT_FOR_EVENT and not leaf.complete:
            yield f"event '{leaf.action['externalEventName']}': raise_event(...)"


def _untaken(loaded: Loaded) -> Iterable[str]:
    for message in loaded.inbox:
        if message.event["EventType"] == EventType.EVENT_RAISED and message.execution_id is None:
            yield f"(event '{message.event['Name']}' has come, and nothing asks for it)"
