"""Whether the actions an orchestrator returned are those of its history, and whether the new ones can be done.

The SDK and the engine number tasks without telling each other. So an orchestrator whose actions differ from those in
its history would be given the results of other tasks; it is stopped instead, before anything of the run is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from localazure.durable.actions import COMPOUNDS, Action, ActionType, Leaf, describe, flatten
from localazure.durable.execution import Execution
from localazure.durable.payloads import excess
from localazure.durable.sdk import Answer
from localazure.durable.settings import TaskHubSettings
from localazure.durable.shapes import MalformedAction, check_shape
from localazure.durable.texts import non_deterministic

MAX_CUSTOM_STATUS_BYTES = 16 * 1024
NOTHING = "nothing"


class NonDeterminism(Exception):
    """The orchestrator did not repeat the actions of its history.

    `action` counts the yielded actions from 0; `event` is the EventId of the event that the history has of it, None
    for a wait, which leaves no event.
    """

    def __init__(self, execution: Execution, action: int, event: int | None, expected: str, got: str) -> None:
        super().__init__(non_deterministic(execution.start.instance_id, action, event, expected, got))
        self.instance_id = execution.start.instance_id
        self.action, self.event = action, event
        self.expected, self.got = expected, got


class UnusableAnswer(Exception):
    """The orchestrator wants something that cannot be done; the text is what its clients see."""


def match_actions(execution: Execution, answer: Answer) -> list[int]:
    """Compare the actions with those of the history. Returns the places of timers that were cancelled.

    Raises NonDeterminism, also for a failed run: it may have failed because it was given the results of other tasks.
    But a failed run may have ended earlier than before. Raises UnusableAnswer for actions that make no sense.
    """
    known, now = execution.actions, answer.actions
    if now[: len(known)] == known:
        return []
    failed = answer.error is not None
    canceled: list[int] = []
    for number, (before, after) in enumerate(zip(known, now, strict=False)):
        if before != after:
            canceled += _match_one(execution, number, after, failed=failed)
    if len(now) < len(known) and not failed:
        raise _differs(execution, len(now), known[len(now)], None)
    return canceled


def _match_one(execution: Execution, number: int, after: Action, *, failed: bool) -> list[int]:
    before = execution.actions[number]
    _check_shapes([after])
    if outline(before) != outline(after):
        raise _differs(execution, number, before, after)
    execution.actions[number] = after
    first = execution.first_leaf[number]
    canceled = []
    for place, (leaf, action) in enumerate(zip(execution.leaves_of(number), flatten(after), strict=True)):
        if action.get("isCanceled") and not leaf.canceled:
            canceled.append(first + place)
        elif leaf.canceled and not action.get("isCanceled") and not failed:
            text = describe(leaf.action)
            raise NonDeterminism(execution, number, leaf.task_id, f"{text}, cancelled", f"{text}, not cancelled")
    return canceled


def outline(action: Action) -> str:
    """What must stay the same from replay to replay: kinds and names, and how they are nested."""
    if action["actionType"] in COMPOUNDS:
        inner = ", ".join(map(outline, action["compoundActions"]))
        return f"{ActionType(action['actionType']).name}({inner})"
    return describe(action)


def _differs(execution: Execution, number: int, before: Action, after: Action | None) -> NonDeterminism:
    """Name the first leaf that differs; where none does, compounds differ, and both are shown whole."""
    leaves = execution.leaves_of(number)
    wanted = [describe(leaf.action) for leaf in leaves]
    found = [] if after is None else [describe(action) for action in flatten(after)]
    for leaf, expected, got in zip_longest(leaves, wanted, found):
        if expected != got:
            return NonDeterminism(execution, number, _event_of(leaf), expected or NOTHING, got or NOTHING)
    event = _event_of(leaves[0]) if leaves else None
    return NonDeterminism(execution, number, event, outline(before), outline(after) if after else NOTHING)


def _event_of(leaf: Leaf | None) -> int | None:
    return leaf.task_id if leaf is not None and leaf.task_id >= 0 else None


def check_answer(execution: Execution, answer: Answer, listed: Sequence[Action], settings: TaskHubSettings) -> None:
    """Refuse what the engine cannot carry out or store; `listed` are the new actions. Raises UnusableAnswer."""
    _check_shapes(listed)
    leaves = [leaf for action in listed for leaf in flatten(action)]
    if len(execution.leaves) + len(leaves) > settings.max_actions:
        raise UnusableAnswer(f"More than {settings.max_actions} actions were scheduled.")
    if len((answer.custom_status or "").encode("utf-16-le")) > MAX_CUSTOM_STATUS_BYTES:
        raise UnusableAnswer("The custom status is larger than 16 KB.")
    limit = settings.max_payload_bytes
    problems = [excess(f"The input of {describe(leaf)}", _payload_of(leaf), limit) for leaf in leaves]
    for problem in (*problems, excess("The output", answer.output, limit)):
        if problem is not None:
            raise UnusableAnswer(problem)


def _check_shapes(actions: Sequence[Action]) -> None:
    try:
        for action in actions:
            check_shape(action)
    except MalformedAction as malformed:
        raise UnusableAnswer(f"The orchestrator returned an unknown action: {malformed}") from malformed


def _payload_of(leaf: Action) -> str | None:
    content: str | None = leaf["httpRequest"].get("content") if "httpRequest" in leaf else leaf.get("input")
    return content
