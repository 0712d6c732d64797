"""What was called: one record per invocation of user code, kept through crashes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from localazure.durable.functions import FunctionFailure, FunctionKind


class CallOutcome(StrEnum):
    """How an invocation went. `lost`: a crash took its result. `prevented`: a rule came before it, so it never ran."""

    PREVENTED = "prevented"
    RUNNING = "running"
    RETURNED = "returned"
    RAISED = "raised"
    LOST = "lost"


@dataclass(eq=False)
class Call:
    """One invocation. `input` and `result` are JSON values, None for an orchestrator, whose work is in its history.

    `number` counts the invocations of this function in this hub, from 1; `at` is when it began, by the hub's clock.
    `error` is the text of what was raised.
    """

    kind: FunctionKind
    name: str
    instance_id: str
    number: int
    at: datetime
    input: Any
    result: Any = None
    error: str | None = None
    outcome: CallOutcome = CallOutcome.RUNNING

    def returned(self, text: str) -> None:
        self.outcome = CallOutcome.RETURNED
        self.result = None if self.kind is FunctionKind.ORCHESTRATOR else value_of(text)

    def raised(self, failure: FunctionFailure) -> None:
        self.error = str(failure)
        if self.outcome is CallOutcome.RUNNING:
            self.outcome = CallOutcome.RAISED

    def lost(self) -> None:
        if self.outcome is CallOutcome.RUNNING:
            self.outcome = CallOutcome.LOST


class CallLog:
    """All invocations of a hub in the order in which they began."""

    def __init__(self) -> None:
        self.all: list[Call] = []
        self._counts: dict[tuple[FunctionKind, str], int] = {}

    def begin(self, kind: FunctionKind, name: str, instance_id: str, text: str, at: datetime) -> Call:
        number = self._counts[kind, name] = self._counts.get((kind, name), 0) + 1
        given = None if kind is FunctionKind.ORCHESTRATOR else value_of(text)
        call = Call(kind, name, instance_id, number, at, given)
        self.all.append(call)
        return call

    @property
    def running(self) -> list[Call]:
        return [call for call in self.all if call.outcome is CallOutcome.RUNNING]


def value_of(text: str) -> Any:
    """The value in JSON text, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
