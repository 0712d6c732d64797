"""Whether the actions an orchestrator returned are those of its history, and whether the new ones can be done."""

from __future__ import annotations

from collections.abc import Sequence

from localazure.durable.actions import Action, describe, flatten
from localazure.durable.execution import Execution
from localazure.durable.sdk import Answer
from localazure.durable.settings import TaskHubSettings
from localazure.durable.texts import non_deterministic

MAX_CUSTOM_STATUS_BYTES = 16 * 1024


class NonDeterminism(Exception):
    """The orchestrator did not repeat the actions of its history; the text says which one differs."""


class UnusableAnswer(Exception):
    """The orchestrator wants something that cannot be done; the text is what its clients see."""


def match_actions(execution: Execution, answer: Answer) -> list[int]:
    """Compare the actions with those of the history. Returns the places of timers that were cancelled.

    Raises NonDeterminism; not for a failed run, which may well have ended earlier.
    """
    known, now = execution.actions, answer.actions
    if now[: len(known)] == known:
        return []
    if len(now) < len(known) and answer.error is None:
        raise _different(execution, len(now), known[len(now)], None)
    canceled: list[int] = []
    for number, (before, after) in enumerate(zip(known, now, strict=False)):
        if before != after:
            canceled += _match_one(execution, number, after, lenient=answer.error is not None)
    return canceled


def _match_one(execution: Execution, number: int, after: Action, *, lenient: bool) -> list[int]:
    before = execution.actions[number]
    leaves, actions = execution.leaves_of(number), list(flatten(after))
    same = [describe(leaf.action) for leaf in leaves] == [describe(action) for action in actions]
    if not same and not lenient:
        raise _different(execution, number, before, after)
    if not same:
        return []
    execution.actions[number] = after
    first = execution.first_leaf[number]
    return [
        first + place
        for place, (leaf, action) in enumerate(zip(leaves, actions, strict=True))
        if action.get("isCanceled") and not leaf.canceled
    ]


def _different(execution: Execution, number: int, before: Action, after: Action | None) -> NonDeterminism:
    expected = ", ".join(map(describe, flatten(before)))
    got = "missing" if after is None else ", ".join(map(describe, flatten(after)))
    return NonDeterminism(non_deterministic(execution.start.instance_id, number, expected, got))


def check_answer(execution: Execution, answer: Answer, listed: Sequence[Action], settings: TaskHubSettings) -> None:
    """Refuse what the engine cannot carry out or store; `listed` are the new actions. Raises UnusableAnswer."""
    try:
        texts = [describe(leaf) for action in listed for leaf in flatten(action)]
    except (KeyError, ValueError, TypeError) as malformed:
        raise UnusableAnswer(f"The orchestrator returned an unknown action: {malformed!r}") from malformed
    if len(execution.leaves) + len(texts) > settings.max_actions:
        raise UnusableAnswer(f"More than {settings.max_actions} actions were scheduled.")
    if len((answer.custom_status or "").encode("utf-16-le")) > MAX_CUSTOM_STATUS_BYTES:
        raise UnusableAnswer("The custom status is larger than 16 KB.")
