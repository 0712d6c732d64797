"""Rows of the store as records, and back."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from datetime import datetime
from typing import Any

from localazure.durable.events import dump, parse_time, time_text
from localazure.durable.records import Activity, EntityRequest, Instance, Message, Parent, Start, Timer
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import Entity

Row = sqlite3.Row


def instance_of(row: Row) -> Instance:
    parent = json.loads(row["parent"]) if row["parent"] else None
    return Instance(
        start=Start(
            instance_id=row["instance_id"],
            execution_id=row["execution_id"],
            name=row["name"],
            version=row["version"],
            input=row["input"],
            parent=Parent(**parent) if parent else None,
            generation=row["generation"],
        ),
        status=RuntimeStatus(row["status"]),
        custom_status=row["custom_status"],
        output=row["output"],
        created_at=parse_time(row["created_at"]),
        updated_at=parse_time(row["updated_at"]),
        episodes=row["episodes"],
    )


def instance_row(start: Start, at: datetime) -> dict[str, Any]:
    """The parameters of `put_instance`."""
    return {
        "instance_id": start.instance_id,
        "execution_id": start.execution_id,
        "name": start.name,
        "version": start.version,
        "input": start.input,
        "parent": dump(asdict(start.parent)) if start.parent else None,
        "generation": start.generation,
        "now": time_text(at),
    }


def message_of(row: Row) -> Message:
    return Message(row["seq"], row["execution_id"], json.loads(row["event"]))


def message_row(instance_id: str, message: Message) -> dict[str, Any]:
    """The parameters of `add_message`."""
    return {
        "seq": message.seq,
        "instance_id": instance_id,
        "execution_id": message.execution_id,
        "event": message.text,
    }


def activity_of(row: Row) -> Activity:
    return Activity(**dict(row))


def timer_of(row: Row) -> Timer:
    return Timer(row["instance_id"], row["execution_id"], row["task_id"], parse_time(row["fire_at"]))


def timer_row(timer: Timer) -> tuple[str, str, int, str]:
    return timer.instance_id, timer.execution_id, timer.task_id, time_text(timer.fire_at)


def activity_row(activity: Activity) -> tuple[str, str, int, str, str]:
    return activity.instance_id, activity.execution_id, activity.task_id, activity.name, activity.input


def request_of(row: Row) -> tuple[int, EntityRequest]:
    fields = json.loads(row["request"])
    caller = fields.pop("caller")
    return row["seq"], EntityRequest(**fields, caller=Parent(**caller) if caller else None)


def request_row(seq: int, request: EntityRequest) -> tuple[int, str, str]:
    return seq, request.entity_id, dump(asdict(request))


def entity_of(row: Row) -> Entity:
    return Entity(row["entity_id"], row["state"], parse_time(row["updated_at"]))
