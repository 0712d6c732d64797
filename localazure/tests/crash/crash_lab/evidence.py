"""What a task hub left on disk, read from a copy: looking at the original would repair it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localazure.durable import sqlite_instances
from localazure.durable.records import Instance, Message
from localazure.durable.store import InstanceQuery

HUB_FILE = "hub.sqlite"
KEPT = {"hub", "instances", "history", "entities"}
"""The tables that may hold rows when all is over; every other one is an inbox, a queue or the like."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The hub file, and the traces in the folder of the experiment, at one moment."""

    instances: dict[str, Instance]
    history: dict[str, list[dict[str, Any]]]
    inbox: dict[str, list[Message]]
    entities: dict[str, str]
    waiting: dict[str, list[dict[str, Any]]]  # rows by table, of the tables that are empty in the end
    effects: list[dict[str, Any]]
    is_mended: bool

    def has_reached(self, instance_id: str, token: str) -> bool:
        """Whether a text is in the instance, its history or its inbox."""
        return any(token in repr(part.get(instance_id)) for part in (self.instances, self.history, self.inbox))

    def has_been_sent(self, token: str) -> bool:
        """Whether a text is in an entity, or on its way to one."""
        return token in repr(self.entities) or token in repr(self.waiting.get("requests"))


def read(folder: Path) -> Evidence:
    """The evidence in the folder of an experiment, in which no process runs."""
    effects = folder / "effects.jsonl"
    lines = effects.read_text().splitlines() if effects.exists() else []
    copy = folder / "evidence"
    copy.mkdir()
    for file in folder.glob(f"{HUB_FILE}*"):
        shutil.copy(file, copy)
    try:
        with sqlite3.connect(copy / HUB_FILE, isolation_level=None) as connection:
            connection.row_factory = sqlite3.Row
            return _read(connection, [json.loads(line) for line in lines], (folder / "mended").exists())
    finally:
        connection.close()
        shutil.rmtree(copy)


def _read(connection: sqlite3.Connection, effects: list[dict[str, Any]], is_mended: bool) -> Evidence:
    tables = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if not tables:
        return Evidence({}, {}, {}, {}, {}, effects, is_mended)
    found = {each.start.instance_id: each for each in sqlite_instances.find(connection, InstanceQuery())}
    loaded = {instance_id: sqlite_instances.load(connection, instance_id) for instance_id in found}
    return Evidence(
        instances=found,
        history={instance_id: each.history for instance_id, each in loaded.items() if each},
        inbox={instance_id: each.inbox for instance_id, each in loaded.items() if each},
        entities={row["entity_id"]: row["state"] for row in connection.execute("SELECT * FROM entities")},
        waiting={
            table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
            for table in tables
            if table not in KEPT
        },
        effects=effects,
        is_mended=is_mended,
    )
