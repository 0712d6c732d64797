"""Tells in the log which events woke an instance; at level Debug, because one order has some ten episodes."""

from __future__ import annotations

import logging

from localazure.durable.actions import Leaf
from localazure.durable.episode import Episode
from localazure.durable.events import Event, EventType, protocol_name

log = logging.getLogger("localazure.durable")

MAX_NAMED = 5


def note_waking(episode: Episode) -> None:
    """Log what an episode has taken; costs nothing when nobody listens."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    taken = [each for each in episode.events if each["EventType"] != EventType.ORCHESTRATOR_STARTED]
    leaves = {leaf.task_id: leaf for leaf in episode.execution.leaves}
    named = [_named(each, leaves) for each in taken[:MAX_NAMED]]
    if len(taken) > MAX_NAMED:
        named.append(f"{len(taken) - MAX_NAMED} more")
    start = episode.execution.start
    if named:
        log.debug("%s [instance %s] woken by %s", start.name, start.instance_id, ", ".join(named))


def _named(taken: Event, leaves: dict[int, Leaf]) -> str:
    """The event's name, and that of the function or event it is about: `TaskCompleted reserve_stock`."""
    task_id = next((taken[key] for key in ("TaskScheduledId", "TimerId") if key in taken), -1)
    leaf = leaves.get(task_id)
    action = leaf.action if leaf is not None else {}
    subject = action.get("functionName") or action.get("operation") or taken.get("Name") or ""
    return f"{protocol_name(taken['EventType'])} {subject}".rstrip()
