"""Instances and histories as the management API shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from localazure.durable.events import FAILURES, SUCCESSES, Event, EventType, protocol_name
from localazure.durable.records import Instance
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import Entity

HIDDEN = frozenset({EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED})
CREATIONS = frozenset({EventType.TASK_SCHEDULED, EventType.CHILD_CREATED})
ALWAYS_LEFT_OUT = frozenset({"EventType", "EventId", "IsPlayed"})
LEFT_OUT = {
    EventType.EXECUTION_STARTED: {"OrchestrationInstance", "ParentInstance", "Version", "Tags", "Generation", "Name"},
    EventType.TASK_SCHEDULED: {"Version"},
    EventType.CHILD_CREATED: {"Version"},
    EventType.TIMER_FIRED: {"TimerId"},
}
WITH_RESULT = SUCCESSES | {EventType.EXECUTION_COMPLETED}


def status_view(instance: Instance, *, show_input: bool = True) -> dict[str, Any]:
    """One instance; its texts are shown parsed when they are JSON."""
    return {
        "name": instance.start.name,
        "instanceId": instance.start.instance_id,
        "runtimeStatus": instance.status,
        "input": shown(instance.start.input) if show_input else None,
        "customStatus": shown(instance.custom_status),
        "output": shown(instance.output),
        "createdTime": instance.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lastUpdatedTime": instance.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def shown(text: str | None) -> Any:
    """The JSON value in a text, or the text itself."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def history_view(history: Iterable[Event], *, show_input: bool, show_output: bool) -> list[dict[str, Any]]:
    """The events a client sees: a task and its result are one, episodes do not show."""
    events = [each for each in history if each["EventType"] not in HIDDEN]
    creations = {each["EventId"]: each for each in events if each["EventType"] in CREATIONS}
    answered = {each.get("TaskScheduledId") for each in events if each["EventType"] in SUCCESSES | FAILURES}
    return [
        _event_view(each, creations, show_input=show_input, show_output=show_output)
        for each in events
        if not (each["EventType"] in CREATIONS and each["EventId"] in answered)
    ]


def _event_view(each: Event, creations: dict[int, Event], *, show_input: bool, show_output: bool) -> dict[str, Any]:
    kind = EventType(each["EventType"])
    left_out = ALWAYS_LEFT_OUT | LEFT_OUT.get(kind, set())
    view = {"EventType": protocol_name(kind)} | {key: value for key, value in each.items() if key not in left_out}
    created = creations.get(view.pop("TaskScheduledId", -1))
    if created is not None:
        view |= {"ScheduledTime": created["Timestamp"], "FunctionName": created["Name"], "Input": created["Input"]}
    if kind == EventType.EXECUTION_STARTED:
        view["FunctionName"] = each["Name"]
    if kind == EventType.EXECUTION_COMPLETED:
        view["OrchestrationStatus"] = RuntimeStatus.of(each["OrchestrationStatus"])
    if kind in WITH_RESULT:
        view["Result"] = shown(each["Result"])
        if not show_output:
            del view["Result"]
    if not show_input:
        view.pop("Input", None)
    return view


def entity_view(entity: Entity, *, show_state: bool) -> dict[str, Any]:
    """One entity of a list."""
    name, _, key = entity.entity_id[1:].partition("@")
    view = {
        "entityId": {"name": name, "key": key},
        "lastOperationTime": entity.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return view | ({"state": shown(entity.state)} if show_state else {})


def entity_instance_view(entity: Entity, *, show_input: bool = True) -> dict[str, Any]:
    """An entity in the form of an instance."""
    updated = entity.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "name": entity.entity_id.rpartition("@")[0],
        "instanceId": entity.entity_id,
        "runtimeStatus": RuntimeStatus.RUNNING,
        "input": shown(entity.state) if show_input else None,
        "customStatus": None,
        "output": None,
        "createdTime": updated,
        "lastUpdatedTime": updated,
    }
