"""Transactions over entities: each function does one unit of work on an open transaction."""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection

from localazure.durable.events import time_text
from localazure.durable.records import EntityRequest
from localazure.durable.rows import entity_of, message_row, request_row
from localazure.durable.store import Entity, EntityCommit, EntityQuery
from localazure.statements import load_statements

SQL = load_statements(__package__)

EARLIEST, LATEST = "0000", "9999"


def request(connection: Connection, seq: int, request: EntityRequest) -> None:
    connection.execute(SQL["add_request"], request_row(seq, request))


def commit_entity(connection: Connection, commit: EntityCommit, at: datetime) -> None:
    """State, answers and the end of the served requests, together."""
    connection.executemany(SQL["delete_request"], [(seq,) for seq in commit.served])
    if commit.entity is None:
        connection.execute(SQL["delete_entity"], (commit.entity_id,))
    else:
        fields = {"entity_id": commit.entity_id, "state": commit.entity.state, "now": time_text(at)}
        connection.execute(SQL["put_entity"], fields)
    for delivery in commit.answers:
        connection.execute(SQL["add_message"], message_row(delivery.instance_id, delivery.message))


def get(connection: Connection, entity_id: str) -> Entity | None:
    row = connection.execute(SQL["entity"], (entity_id,)).fetchone()
    return None if row is None else entity_of(row)


def find(connection: Connection, query: EntityQuery) -> list[Entity]:
    parameters = {
        "prefix": query.prefix,
        "after": query.after,
        "updated_from": time_text(query.updated_from) if query.updated_from else EARLIEST,
        "updated_to": time_text(query.updated_to) if query.updated_to else LATEST,
        "top": -1 if query.top is None else query.top,
    }
    return [entity_of(row) for row in connection.execute(SQL["entities"], parameters).fetchall()]
