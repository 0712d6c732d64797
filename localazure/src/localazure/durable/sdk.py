"""What the SDK is told about an execution, and how its answer is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from localazure.durable.actions import Action
from localazure.durable.events import dump
from localazure.durable.records import Start
from localazure.durable.texts import storable

ERROR_MARK = "\n\n$OutOfProcData$:"


class MalformedAnswer(Exception):
    """The function returned something that is not an orchestrator state."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An orchestrator state. `output` and `custom_status` are JSON text; `error` is the text of an exception."""

    actions: list[Action]
    is_done: bool = False
    output: str | None = None
    custom_status: str | None = None
    error: str | None = None


def context_text(start: Start, history: str, *, replaying: bool, http_poll_ms: int) -> str:
    """The input of an orchestrator call; `history` is JSON objects with commas between them.

    The two durations that make the SDK cut long timers into legs are left out: a leg could not be cancelled.
    """
    parent = dump(start.parent.instance_id) if start.parent else "null"
    return (
        f'{{"history":[{history}],"input":{context_input(start.input)},"instanceId":{dump(start.instance_id)},'
        f'"isReplaying":{"true" if replaying else "false"},"parentInstanceId":{parent},"upperSchemaVersion":1,'
        f'"upperSchemaVersionNew":2,"defaultHttpAsyncRequestSleepTimeMillseconds":{http_poll_ms}}}'
    )


def context_input(stored: str | None) -> str:
    """The `input` member for a stored input: what the SDK decodes once to give the value that was sent.

    The SDK sends JSON text as a JSON string; a plain HTTP post stores the JSON itself.
    """
    if stored is None:
        return "null"
    value = json.loads(stored)
    if isinstance(value, dict) or (isinstance(value, str) and is_json(value)):
        return stored
    return dump(stored)


def is_json(text: str) -> bool:
    """Whether `text` is JSON text."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def read_answer(text: str) -> Answer:
    """The state in a normal return. Raises MalformedAnswer."""
    try:
        state = json.loads(text)
        (actions,) = state["actions"]
        return Answer(
            _storable(list(actions)) if "\\ud" in text else list(actions),
            bool(state["isDone"]),
            _text_of(state.get("output")),
            _text_of(state.get("customStatus")),
            state.get("error"),
        )
    except (ValueError, KeyError, TypeError) as malformed:
        raise MalformedAnswer(f"not an orchestrator state: {text[:200]!r}") from malformed


def read_failure(message: str) -> Answer | None:
    """The state inside an exception's text; None when the exception carries none. Raises MalformedAnswer."""
    head, mark, state = message.rpartition(ERROR_MARK)
    if not mark:
        return None
    answer = read_answer(state)
    return Answer(answer.actions, custom_status=answer.custom_status, error=answer.error or head)


def _storable(value: Any) -> Any:
    """The value with all its texts made storable. Only an escape in JSON text (`\\ud8…`) can bring one that is not."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return {key: _storable(each) for key, each in value.items()} if isinstance(value, dict) else value


def _text_of(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
