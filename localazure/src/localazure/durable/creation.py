"""New tasks as creating events in the history and as work that leaves the episode."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

from localazure.durable.actions import CHILDREN, HTTP_ACTIVITY, ActionType, Leaf
from localazure.durable.events import Event, EventType, dump, event, parse_time, time_text
from localazure.durable.execution import RetryDelay, Task
from localazure.durable.records import Activity, Decision, EntityRequest, Parent, Start, Timer
from localazure.durable.settings import TaskHubSettings


def create(task_id: int, task: Task, decision: Decision, settings: TaskHubSettings) -> Event:
    """Put the work for a task into `decision`; returns its creating event."""
    if isinstance(task, RetryDelay):
        wait = timedelta(0) if task.is_last else timedelta(milliseconds=task.leaf.retry_interval_ms)
        return _timer(task_id, decision.at + wait, decision)
    if task.kind == ActionType.CREATE_TIMER:
        return _timer(task_id, parse_time(task.action["fireAt"]), decision, canceled=task.canceled)
    if task.kind in CHILDREN:
        return _child(task_id, task, decision, settings)
    if task.kind in {ActionType.CALL_ENTITY, ActionType.SIGNAL_ENTITY}:
        return _entity_request(task_id, task, decision)
    return _activity(task_id, task, decision, settings)


def _timer(task_id: int, fire_at: datetime, decision: Decision, *, canceled: bool = False) -> Event:
    start = decision.start
    if not canceled:
        decision.timers.append(Timer(start.instance_id, start.execution_id, task_id, fire_at))
    return event(EventType.TIMER_CREATED, decision.at, event_id=task_id, FireAt=time_text(fire_at))


def _activity(task_id: int, leaf: Leaf, decision: Decision, settings: TaskHubSettings) -> Event:
    if leaf.kind == ActionType.CALL_HTTP:
        name, input_json = HTTP_ACTIVITY, dump(leaf.action["httpRequest"])
    else:
        name, input_json = leaf.action["functionName"], leaf.action["input"]
    start = decision.start
    decision.activities.append(Activity(start.instance_id, start.execution_id, task_id, name, input_json))
    kept = f"[{dump(input_json)}]" if settings.store_inputs else None
    return event(EventType.TASK_SCHEDULED, decision.at, event_id=task_id, Name=name, Version=None, Input=kept)


def _child(task_id: int, leaf: Leaf, decision: Decision, settings: TaskHubSettings) -> Event:
    start, action = decision.start, leaf.action
    child = Start(
        instance_id=action.get("instanceId") or f"{start.execution_id}:{task_id}",
        execution_id=derived_id(start.execution_id, f"child {task_id}"),
        name=action["functionName"],
        version=action.get("version") or settings.default_version,
        input=json.dumps(action["input"]),
        parent=Parent(start.instance_id, start.execution_id, start.name, task_id),
    )
    decision.children.append((task_id, child))
    kept = child.input if settings.store_inputs else None
    fields = {"InstanceId": child.instance_id, "Name": child.name, "Version": child.version, "Input": kept}
    return event(EventType.CHILD_CREATED, decision.at, event_id=task_id, **fields)


def _entity_request(task_id: int, leaf: Leaf, decision: Decision) -> Event:
    start, action = decision.start, leaf.action
    is_signal = leaf.kind == ActionType.SIGNAL_ENTITY
    caller = None if is_signal else Parent(start.instance_id, start.execution_id, start.name, task_id)
    request = EntityRequest(
        entity_id=action["instanceId"],
        operation=action["operation"],
        input=json.dumps(action["input"]),
        request_id=str(uuid5(NAMESPACE_OID, f"{start.execution_id}/{task_id}")),
        caller=caller,
    )
    decision.requests.append(request)
    message = {
        "op": request.operation,
        **({"signal": True} if is_signal else {}),
        "input": request.input,
        "id": request.request_id,
        "parent": start.instance_id,
        "parentExecution": start.execution_id,
    }
    fields = {"InstanceId": request.entity_id, "Name": "op", "Input": dump(message)}
    return event(EventType.EVENT_SENT, decision.at, event_id=task_id, **fields)


def derived_id(execution_id: str, purpose: str) -> str:
    """An execution id for something that `execution_id` brings about: the same each time, 32 hex digits."""
    return uuid5(NAMESPACE_OID, f"{execution_id}/{purpose}").hex
