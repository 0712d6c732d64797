"""Transactions over instances: each function does one unit of work on an open transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from sqlite3 import Connection, Cursor, Row
from typing import Any

from localazure.durable.errors import InstanceEnded, InstanceExists, InstanceNotFound, InstanceRunning, Superseded
from localazure.durable.events import dump, parse_stored, time_text
from localazure.durable.records import Activity, Decision, Delivery, Instance, Message, Start
from localazure.durable.rewind import answer_of_child
from localazure.durable.rows import (
    activity_of,
    activity_row,
    instance_of,
    instance_row,
    message_of,
    message_row,
    request_of,
    request_row,
    timer_of,
    timer_row,
)
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import EpisodeCommit, InstanceQuery, InstanceRewind, Loaded, Recovery
from localazure.durable.texts import NOT_FAILED, instance_exists
from localazure.statements import load_statements

SQL = load_statements(__package__)
SEQ_RANGE = 1 << 40
EARLIEST, LATEST = "0000", "9999"


def prepare(connection: Connection) -> Recovery:
    """Create what is missing, and read what a former process left undone."""
    for statement in SQL["schema"].split(";"):
        connection.execute(statement)
    (starts,) = connection.execute(SQL["count_start"]).fetchone()
    return Recovery(
        first_seq=starts * SEQ_RANGE,
        instances=[row["instance_id"] for row in connection.execute(SQL["instances_to_run"])],
        activities=[activity_of(row) for row in connection.execute(SQL["activities_to_run"])],
        timers=[timer_of(row) for row in connection.execute(SQL["timers_to_fire"])],
        requests=[request_of(row) for row in connection.execute(SQL["requests_to_run"])],
    )


def create(connection: Connection, start: Start, at: datetime, replace_any: bool) -> None:
    """Raises InstanceExists."""
    existing = connection.execute(SQL["status_of"], (start.instance_id,)).fetchone()
    if existing is not None:
        if not replace_any and not RuntimeStatus(existing["status"]).is_final:
            raise InstanceExists(instance_exists(existing["status"]))
        _clear(connection, start.instance_id)
        connection.execute(SQL["delete_timers"], (existing["execution_id"],))
    connection.execute(SQL["put_instance"], instance_row(start, at))


def send(connection: Connection, delivery: Delivery) -> None:
    """Raises InstanceNotFound, InstanceEnded."""
    existing = connection.execute(SQL["status_of"], (delivery.instance_id,)).fetchone()
    if existing is None:
        raise InstanceNotFound(f"No instance with ID '{delivery.instance_id}' found.")
    if RuntimeStatus(existing["status"]).is_final:
        raise InstanceEnded(f"Instance '{delivery.instance_id}' is {existing['status']}.")
    _add_message(connection, delivery)


def finish_activity(connection: Connection, activity: Activity, result: Message) -> None:
    connection.execute(SQL["delete_activity"], (activity.execution_id, activity.task_id))
    _add_message(connection, Delivery(activity.instance_id, result))


def commit(connection: Connection, commit: EpisodeCommit) -> list[Message]:
    """Write an episode; see `InstanceStore.commit`. Raises Superseded."""
    decision = commit.decision
    _write_history(connection, decision)
    _write_all(connection, "delete_message", [(seq,) for seq in decision.consumed])
    _write_work(connection, decision)
    _write_messages(connection, commit)
    refused = [
        refusal
        for start, message in commit.children
        if (refusal := _create_child(connection, start, message, decision.at)) is not None
    ]
    for refusal in refused:
        _add_message(connection, Delivery(decision.start.instance_id, refusal))
    return refused


def _write_history(connection: Connection, decision: Decision) -> None:
    if not decision.history:
        return
    start = decision.start
    key = {"instance_id": start.instance_id, "execution_id": start.execution_id, "episode": decision.episode}
    state = {
        "status": decision.status,
        "custom_status": decision.custom_status,
        "output": decision.output,
        "now": time_text(decision.at),
    }
    if decision.next_start is not None:
        following = {"next_execution_id": decision.next_start.execution_id, "input": decision.next_start.input}
        generation = {"generation": decision.next_start.generation}
        _superseded_unless(connection.execute(SQL["continue_instance"], key | state | following | generation))
        connection.execute(SQL["delete_history"], (start.instance_id,))
        return
    _superseded_unless(connection.execute(SQL["add_history"], key | {"events": decision.history}))
    if connection.execute(SQL["touch_instance"], key | state).rowcount == 0:  # the index of statuses stays untouched
        connection.execute(SQL["update_instance"], key | state)
    if decision.status.is_final:
        connection.execute(SQL["delete_inbox"], (start.instance_id,))
        connection.execute(SQL["delete_timers"], (start.execution_id,))


def _superseded_unless(written: Cursor) -> None:
    if written.rowcount == 0:
        raise Superseded("the instance was replaced, or went on in another way")


def _write_work(connection: Connection, decision: Decision) -> None:
    execution_id = decision.start.execution_id
    _write_all(connection, "delete_timer", [(execution_id, task_id) for task_id in decision.ended_timers])
    _write_all(connection, "put_activity", list(map(activity_row, decision.activities)))
    if not decision.status.is_final:
        _write_all(connection, "put_timer", list(map(timer_row, decision.timers)))


def _write_messages(connection: Connection, commit: EpisodeCommit) -> None:
    for delivery in commit.messages:
        _add_message(connection, delivery)
    _write_all(connection, "add_request", [request_row(seq, each) for seq, each in commit.requests])


def _write_all(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        connection.executemany(SQL[statement], rows)


def _create_child(connection: Connection, start: Start, refusal: Message, at: datetime) -> Message | None:
    """Start a child; gives the refusal, with its reason, when an unfinished instance has the id."""
    try:
        create(connection, start, at, False)
    except InstanceExists as exists:
        return replace(refusal, event={**refusal.event, "Reason": str(exists)})
    return None


def rewind(connection: Connection, rewinds: Sequence[InstanceRewind]) -> list[Delivery]:
    """See `InstanceStore.rewind`. Raises InstanceEnded."""
    for each in rewinds:
        decision, start = each.commit.decision, each.commit.decision.start
        existing = connection.execute(SQL["status_of"], (start.instance_id,)).fetchone()
        if existing is None or tuple(existing) != (RuntimeStatus.FAILED, start.execution_id, decision.episode):
            raise InstanceEnded(NOT_FAILED)
    for each in rewinds:
        _rewind(connection, each)
    answers = [delivery for each in rewinds for delivery in _answers_of_children(connection, each)]
    for delivery in answers:
        _add_message(connection, delivery)
    return answers


def _rewind(connection: Connection, rewound: InstanceRewind) -> None:
    decision = rewound.commit.decision
    instance_id = decision.start.instance_id
    connection.execute(SQL["rewind_instance"], {"instance_id": instance_id, "now": time_text(decision.at)})
    connection.execute(SQL["delete_history"], (instance_id,))
    connection.execute(SQL["put_history"], (instance_id, ",".join(map(dump, rewound.history))))
    _write_work(connection, decision)
    _write_messages(connection, rewound.commit)


def _answers_of_children(connection: Connection, rewound: InstanceRewind) -> Iterator[Delivery]:
    decision = rewound.commit.decision
    for task_id, child_id, seq in rewound.children:
        answer = answer_of_child(task_id, get(connection, child_id), decision.start, decision.at)
        if answer is not None:
            yield Delivery(decision.start.instance_id, Message(seq, decision.start.execution_id, answer))


def load(connection: Connection, instance_id: str) -> Loaded | None:
    instance = get(connection, instance_id)
    if instance is None:
        return None
    history = [event for row in _rows(connection, "history", (instance_id,)) for event in parse_stored(row["events"])]
    inbox = [message_of(row) for row in _rows(connection, "inbox", (instance_id,))]
    return Loaded(instance, history, inbox)


def get(connection: Connection, instance_id: str) -> Instance | None:
    row = connection.execute(SQL["instance"], (instance_id,)).fetchone()
    return None if row is None else instance_of(row)


def find(connection: Connection, query: InstanceQuery) -> list[Instance]:
    after_time, after_id = query.after or (None, "")
    parameters = {
        "created_from": time_text(query.created_from) if query.created_from else EARLIEST,
        "created_to": time_text(query.created_to) if query.created_to else LATEST,
        "after_time": time_text(after_time) if after_time else EARLIEST,
        "after_id": after_id,
        "prefix": query.prefix,
        "statuses": f",{','.join(sorted(query.statuses))}," if query.statuses else "",
        "top": -1 if query.top is None else query.top,
    }
    is_unfinished = bool(query.statuses) and not any(status.is_final for status in query.statuses)
    statement = "unfinished_instances" if is_unfinished else "instances"
    return [instance_of(row) for row in _rows(connection, statement, parameters)]


def purge(connection: Connection, instance_id: str) -> None:
    """Raises InstanceNotFound, InstanceRunning."""
    existing = connection.execute(SQL["status_of"], (instance_id,)).fetchone()
    if existing is None:
        raise InstanceNotFound(f"No instance with ID '{instance_id}' found.")
    if not RuntimeStatus(existing["status"]).is_final:
        raise InstanceRunning(f"Instance '{instance_id}' is {existing['status']}.")
    _clear(connection, instance_id)
    connection.execute(SQL["delete_instance"], (instance_id,))


def purge_matching(connection: Connection, query: InstanceQuery) -> int:
    finished = [each.start.instance_id for each in find(connection, query) if each.status.is_final]
    for instance_id in finished:
        purge(connection, instance_id)
    return len(finished)


def _rows(connection: Connection, statement: str, parameters: Any) -> list[Row]:
    """All at once: a row that cannot be understood must not leave the connection in the middle of reading."""
    return connection.execute(SQL[statement], parameters).fetchall()


def _clear(connection: Connection, instance_id: str) -> None:
    connection.execute(SQL["delete_history"], (instance_id,))
    connection.execute(SQL["delete_inbox"], (instance_id,))


def _add_message(connection: Connection, delivery: Delivery) -> None:
    connection.execute(SQL["add_message"], message_row(delivery.instance_id, delivery.message))
