"""Recorded histories replay against today's orchestrators: an order under way survives a deployment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.durable_functions.orchestrator import Orchestrator

from orchestrators import ORCHESTRATORS

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
BY_NAME = {orchestrator.__name__: orchestrator for orchestrator in ORCHESTRATORS}
TASK_SCHEDULED, EXECUTION_COMPLETED = 4, 1


def replay(record: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """The SDK's answer to a history."""
    context = {
        "history": [{"IsPlayed": True, **event} for event in events],
        "input": record["input"],
        "instanceId": record["instanceId"],
        "isReplaying": True,
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
    }
    answer: dict[str, Any] = json.loads(Orchestrator.create(BY_NAME[record["orchestrator"]])(json.dumps(context)))
    return answer


def activities_of(actions: list[dict[str, Any]]) -> Iterator[str]:
    """Names of the activities that an answer asks for, compounds flattened."""
    for action in actions:
        if "compoundActions" in action:
            yield from activities_of(action["compoundActions"])
        elif "functionName" in action:
            yield action["functionName"]


def scheduled(events: list[dict[str, Any]]) -> list[str]:
    """Names of the activities that were scheduled, each retried one once."""
    return [event["Name"] for event in events if event["EventType"] == TASK_SCHEDULED]


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_history_replays_to_its_recorded_end(file: Path) -> None:
    record = json.loads(file.read_text())
    events = [event for event in record["history"] if event["EventType"] != EXECUTION_COMPLETED]

    answer = replay(record, events)

    assert answer["isDone"]
    assert answer["output"] == record["output"]
    assert list(dict.fromkeys(activities_of(answer["actions"][0]))) == list(dict.fromkeys(scheduled(events)))


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_every_turn_asks_for_what_was_recorded_next(file: Path) -> None:
    """After each turn, the activities asked for so far are the ones scheduled so far: none more, none fewer."""
    record = json.loads(file.read_text())
    events = record["history"]
    turns = [number for number, event in enumerate(events) if event["EventType"] == TASK_SCHEDULED]

    for before in turns:
        known = [event for event in events[:before] if event["EventType"] != EXECUTION_COMPLETED]
        asked = set(activities_of(replay(record, known)["actions"][0]))
        assert events[before]["Name"] in asked


def test_every_orchestrator_has_a_recorded_history() -> None:
    assert {json.loads(file.read_text())["orchestrator"] for file in HISTORIES} == set(BY_NAME)
