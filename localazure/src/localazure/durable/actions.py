"""The actions an orchestrator returned: their wire form and the tree of tasks they stand for.

A node is *complete* when it has its outcome, and *settled* when nothing behind it has to wait any more. Leaves tell
their parents; counters make each change cost one step per level, however wide a compound is.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

Action = dict[str, Any]


class ActionType(IntEnum):
    """Action numbers of the protocol."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_CHILD = 2
    CALL_CHILD_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    WHEN_ANY = 11
    WHEN_ALL = 12


COMPOUNDS = frozenset({ActionType.WHEN_ANY, ActionType.WHEN_ALL})
RETRIED = frozenset({ActionType.CALL_ACTIVITY_WITH_RETRY, ActionType.CALL_CHILD_WITH_RETRY})
CHILDREN = frozenset({ActionType.CALL_CHILD, ActionType.CALL_CHILD_WITH_RETRY})
WITHOUT_TASK_ID = frozenset({ActionType.CONTINUE_AS_NEW, ActionType.WAIT_FOR_EVENT})
WITHOUT_OUTCOME = frozenset({ActionType.CONTINUE_AS_NEW, ActionType.SIGNAL_ENTITY})
NEVER_BARS = frozenset({ActionType.CREATE_TIMER, ActionType.WAIT_FOR_EVENT})

HTTP_ACTIVITY = "BuiltIn::HttpActivity"


class Node:
    """An action in the tree."""

    __slots__ = ("complete", "parent", "settled")

    def __init__(self, parent: Compound | None) -> None:
        self.parent = parent
        self.complete = False
        self.settled = False

    def mark_complete(self) -> None:
        self.complete = True
        self.settle()
        if self.parent is not None:
            self.parent.child_completed()

    def settle(self) -> None:
        if not self.settled:
            self.settled = True
            if self.parent is not None:
                self.parent.child_settled()


class Compound(Node):
    """`task_any` or `task_all` over the children that it lists."""

    __slots__ = ("incomplete", "is_any", "unsettled")

    def __init__(self, parent: Compound | None, *, is_any: bool, size: int) -> None:
        super().__init__(parent)
        self.is_any = is_any
        self.incomplete = size
        self.unsettled = size

    def child_completed(self) -> None:
        self.incomplete -= 1
        if not self.complete and (self.is_any or self.incomplete == 0):
            self.mark_complete()

    def child_settled(self) -> None:
        self.unsettled -= 1
        if self.unsettled == 0:
            self.settle()


class Leaf(Node):
    """One action that is not a compound. `task_id` is that of the current attempt."""

    __slots__ = ("action", "attempt", "canceled", "kind", "task_id", "top")

    def __init__(self, parent: Compound | None, action: Action, top: int) -> None:
        super().__init__(parent)
        self.action = action
        self.kind = ActionType(action["actionType"])
        self.top = top
        self.task_id = -1
        self.attempt = 1
        self.canceled = False

    @property
    def max_attempts(self) -> int:
        if self.kind not in RETRIED:
            return 1
        return max(1, int(self.action["retryOptions"]["maxNumberOfAttempts"]))

    @property
    def retry_interval_ms(self) -> int:
        return int(self.action["retryOptions"]["firstRetryIntervalInMilliseconds"])


def build(action: Action, parent: Compound | None, top: int, leaves: list[Leaf]) -> Node:
    """The tree of one action of top-level number `top`; its leaves are appended depth-first, left to right."""
    if action["actionType"] in COMPOUNDS:
        inner = action["compoundActions"]
        compound = Compound(parent, is_any=action["actionType"] == ActionType.WHEN_ANY, size=len(inner))
        for child in inner:
            build(child, compound, top, leaves)
        if not inner:
            compound.mark_complete()
        return compound
    leaf = Leaf(parent, action, top)
    leaves.append(leaf)
    if leaf.kind in WITHOUT_OUTCOME:
        leaf.mark_complete()
    elif leaf.kind in NEVER_BARS:
        leaf.settle()
    return leaf


def flatten(action: Action) -> Iterator[Action]:
    """The leaves of an action, depth-first, left to right."""
    if action["actionType"] in COMPOUNDS:
        for child in action["compoundActions"]:
            yield from flatten(child)
    else:
        yield action


def has_any(action: Action) -> bool:
    """Whether a `task_any` is part of the action."""
    kind = action["actionType"]
    return kind == ActionType.WHEN_ANY or (kind == ActionType.WHEN_ALL and any(map(has_any, action["compoundActions"])))


def describe(action: Action) -> str:
    """Kind and name of a leaf: what must stay the same from replay to replay."""
    kind = ActionType(action["actionType"])
    if kind == ActionType.CALL_HTTP:
        name = f"{action['httpRequest']['method']} {action['httpRequest']['uri']}"
    elif kind in {ActionType.CALL_ENTITY, ActionType.SIGNAL_ENTITY}:
        name = f"{action['instanceId']} {action['operation']}"
    else:
        name = action.get("functionName") or action.get("externalEventName") or ""
    return f"{kind.name} {name}".rstrip()
