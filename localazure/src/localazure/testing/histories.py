"""Recorded histories: one JSON file per instance, to be read by people and replayed by machines.

    {"orchestrator": name, "instanceId": id, "input": value, "output": value, "history": [event, ...]}

`input` is what the SDK's client sent, which is JSON text; `output` is the JSON value or the failure's text. The events
are those that the hub stores. What is first and what is in `history` say the same; the former is for people.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from localazure.durable.events import Event, EventType
from localazure.durable.records import Parent, Start
from localazure.durable.sqlite_store import SqliteStore
from localazure.durable.store import Loaded
from localazure.durable.views import shown
from localazure.testing.errors import TestingError


class BadHistory(TestingError):
    """A file is no recorded history; the text names the file and what is wrong with it."""


@dataclass(frozen=True)
class History:
    """What one execution of an orchestrator did."""

    orchestrator: str
    instance_id: str
    input: Any
    output: Any
    events: list[Event]

    @classmethod
    def of(cls, loaded: Loaded) -> Self:
        start = loaded.instance.start
        output = shown(loaded.instance.output)
        return cls(start.name, start.instance_id, shown(start.input), output, loaded.history)

    @classmethod
    def read(cls, file: Path | str) -> Self:
        """Raises BadHistory."""
        file = Path(file)
        try:
            content = json.loads(file.read_text())
            history = cls(
                content["orchestrator"],
                content["instanceId"],
                content["input"],
                content.get("output"),
                content["history"],
            )
            _ = history.start
        except (OSError, ValueError, UnicodeError) as unreadable:
            raise BadHistory(f"{file} cannot be read: {unreadable}") from None
        except (KeyError, TypeError, StopIteration) as malformed:
            raise BadHistory(f"{file} is not a recorded history: {malformed!r}") from None
        return history

    def write(self, file: Path, *, without: Iterable[Path | str] = ()) -> None:
        """`without` are folders of this machine, cut from the paths in the stack traces of failures."""
        content = {
            "orchestrator": self.orchestrator,
            "instanceId": self.instance_id,
            "input": self.input,
            "output": self.output,
            "history": self.events,
        }
        text = json.dumps(content, indent=1)
        for folder in without:
            text = text.replace(f"{folder}/", "")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    @property
    def start(self) -> Start:
        """What the execution began with. Raises StopIteration when the history has no beginning."""
        started = next(each for each in self.events if each["EventType"] == EventType.EXECUTION_STARTED)
        execution_id = started["OrchestrationInstance"]["ExecutionId"]
        parent = started["ParentInstance"] and _parent(started["ParentInstance"])
        version, generation = started["Version"], started.get("Generation", 0)
        given = started["Input"]
        return Start(self.instance_id, execution_id, self.orchestrator, version, given, parent, generation)


def _parent(described: dict[str, Any]) -> Parent:
    instance = described["OrchestrationInstance"]
    return Parent(instance["InstanceId"], instance["ExecutionId"], described["Name"], described["TaskScheduleId"])


def read_hub(file: Path, instance_ids: Iterable[str]) -> list[History]:
    """Histories from the file of a hub that no host has open, in the order of the ids. Raises HubInUse, BadHistory."""
    return asyncio.run(_read_hub(file, list(instance_ids)))


async def _read_hub(file: Path, instance_ids: list[str]) -> list[History]:
    store = SqliteStore(file)
    await store.open()
    try:
        loaded = [await store.load(instance_id) for instance_id in instance_ids]
    finally:
        await store.close()
    missing = [instance_id for instance_id, found in zip(instance_ids, loaded, strict=True) if found is None]
    if missing:
        raise BadHistory(f"{file} has no instance {', '.join(missing)}")
    return [History.of(found) for found in loaded if found is not None]
