"""The bare SDK: its own code, unmodified, driven by the least engine that keeps what it did.

The engine replays the full history on every turn, as the original does, and commits each turn: its events are appended
to a file, and all turns that are ready together share one fsync. It has no instances to ask for, no timers, no
retries, no messages and no recovery, and calls activities without any pipeline. So it is a lower bound, not a rival.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedWriter
from itertools import islice
from pathlib import Path
from typing import Any

Calls = Mapping[str, Callable[[Any], Any]]
COMPOUND = 12


@dataclass(slots=True)
class Workflow:
    """One workflow under way. `history` is JSON objects joined by commas, `arrived` what the next turn takes."""

    instance_id: str
    history: str = ""
    arrived: list[str] = field(default_factory=list)
    tasks: int = 0
    output: Any = None


class BareEngine:
    """Runs workflows to their end. `calls` are the app's orchestrator wrappers and activities by name."""

    def __init__(self, calls: Calls, file: Path, in_flight: int) -> None:
        self._calls = calls
        self._file = file
        self._in_flight = in_flight

    def run(self, name: str, count: int) -> list[Any]:
        """The outputs of `count` workflows."""
        waiting = (Workflow(f"bare-{number}", arrived=[_event(0, Name=name, Version=None)]) for number in range(count))
        outputs: list[Any] = []
        with self._file.open("ab") as file:
            active = list(islice(waiting, self._in_flight))
            while active:
                active = self._round(name, active, file, outputs)
                active += islice(waiting, self._in_flight - len(active))
        return outputs

    def _round(self, name: str, active: list[Workflow], file: BufferedWriter, outputs: list[Any]) -> list[Workflow]:
        """One turn of every workflow, one commit for all, and then the activities they asked for."""
        asked = [(workflow, list(self._turn(name, workflow, file))) for workflow in active]
        file.flush()
        os.fsync(file.fileno())
        for workflow, activities in asked:
            for task, action in activities:
                result = self._calls[action["functionName"]](json.loads(action["input"]))
                workflow.arrived.append(_event(5, TaskScheduledId=task, Result=json.dumps(result)))
        outputs += [workflow.output for workflow, activities in asked if not activities]
        return [workflow for workflow, activities in asked if activities]

    def _turn(self, name: str, workflow: Workflow, file: BufferedWriter) -> Iterator[tuple[int, dict[str, Any]]]:
        """Replay, and append what is new to the history. Yields the new activities with their task ids."""
        events = [_event(12), *workflow.arrived]
        state = json.loads(self._calls[name](_context(workflow, ",".join(filter(None, [workflow.history, *events])))))
        workflow.output = state.get("output")
        new = list(islice(_leaves(state["actions"][0]), workflow.tasks, None))
        tasks = range(workflow.tasks, workflow.tasks + len(new))
        events += [
            _event(4, EventId=task, Name=action["functionName"], Version=None, Input=None)
            for task, action in zip(tasks, new, strict=True)
        ]
        events.append(_event(13))
        text = ",".join(events)
        file.write(f"{workflow.instance_id} {text}\n".encode())
        workflow.history = f"{workflow.history},{text}" if workflow.history else text
        workflow.arrived = []
        workflow.tasks += len(new)
        yield from zip(tasks, new, strict=True)


def _context(workflow: Workflow, history: str) -> str:
    return (
        f'{{"history":[{history}],"input":null,"instanceId":"{workflow.instance_id}","isReplaying":false,'
        '"parentInstanceId":null,"upperSchemaVersion":1,"upperSchemaVersionNew":2}'
    )


def _leaves(actions: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for action in actions:
        if action["actionType"] == COMPOUND:
            yield from _leaves(action["compoundActions"])
        else:
            yield action


def _event(event_type: int, **fields: Any) -> str:
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return json.dumps({"EventType": event_type, "EventId": -1, "IsPlayed": False, "Timestamp": now, **fields})
