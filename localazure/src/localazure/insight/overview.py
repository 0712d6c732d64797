"""All instances of a task hub at a glance: how many in which state, the oldest at work, and what they wait for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from localazure.durable.events import parse_time, time_text
from localazure.durable.records import Instance
from localazure.durable.status import RuntimeStatus
from localazure.insight.hub_file import HubFile
from localazure.insight.spans import span, until
from localazure.insight.timeline import Kind, timeline_of

MAX_FOLDED = 1_000
MAX_OLDEST = 3
ORDER = ("Running", "Pending", "Suspended", "Completed", "Failed", "Terminated", "Canceled")


@dataclass(frozen=True)
class Overview:
    """`counts` is by orchestrator and state; `events` by name, over the `folded` oldest of `live` instances."""

    counts: dict[str, dict[str, int]]
    oldest: list[Instance]
    activities: dict[str, int]
    events: dict[str, int]
    timers: int
    next_timer: datetime | None
    entities: dict[str, int]
    messages: int
    requests: int
    live: int
    folded: int

    @property
    def instances(self) -> int:
        return sum(number for states in self.counts.values() for number in states.values())

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, with the same words."""
        oldest = [
            {"instanceId": each.start.instance_id, "name": each.start.name, "runtimeStatus": each.status}
            | {"createdTime": time_text(each.created_at)}
            for each in self.oldest
        ]
        waits = {"activities": self.activities, "events": self.events, "timers": self.timers}
        backlog = {"messages": self.messages, "requests": self.requests}
        next_timer = time_text(self.next_timer) if self.next_timer else None
        content = {"instances": self.counts, "oldest": oldest, "waitsFor": waits, "nextTimer": next_timer}
        return content | {"entities": self.entities, "backlog": backlog}


def overview_of(hub: HubFile) -> Overview:
    """Count everything; event waits are in the histories alone, so no more than `MAX_FOLDED` of these are read."""
    counts: dict[str, dict[str, int]] = {}
    for row in hub.rows("counts"):
        counts.setdefault(row["name"], {})[row["status"]] = row["number"]
    live_ids = hub.live(MAX_FOLDED)
    loaded = [found for each in live_ids if (found := hub.load(each)) is not None]
    events: dict[str, int] = {}
    for each in loaded:
        for name in {row.name for row in timeline_of(each).open if row.kind == Kind.EVENT}:
            events[name] = events.get(name, 0) + 1
    (timers,) = hub.rows("timers")
    (backlog,) = hub.rows("backlog")
    return Overview(
        counts=counts,
        oldest=[each.instance for each in loaded[:MAX_OLDEST]],
        activities={row["name"]: row["number"] for row in hub.rows("activities")},
        events=events,
        timers=timers["number"],
        next_timer=parse_time(timers["next"]) if timers["next"] else None,
        entities={row["name"]: row["number"] for row in hub.rows("entities")},
        messages=backlog["messages"],
        requests=backlog["requests"],
        live=sum(n for states in counts.values() for name, n in states.items() if not RuntimeStatus(name).is_final),
        folded=len(loaded),
    )


def draw_overview(overview: Overview, now: datetime) -> str:
    """The tables of an overview."""
    parts = [_table_of_states(overview), _waits(overview, now), _oldest(overview, now), _entities(overview)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _table_of_states(overview: Overview) -> list[str]:
    states = [state for state in ORDER if any(state in counts for counts in overview.counts.values())]
    width = max((len(name) for name in overview.counts), default=0)
    head = "".join(f"{state:>{len(state) + 2}}" for state in states)
    lines = [click.style(f"{'':{width}}{head}", bold=True)] if states else ["No instances."]
    for name, counts in overview.counts.items():
        cells = [(f"{counts[state]:,}" if state in counts else "-").rjust(len(state) + 2) for state in states]
        colored = [
            click.style(cell, fg="red") if s == "Failed" and s in counts else cell
            for s, cell in zip(states, cells, strict=True)
        ]
        lines.append(f"{name:{width}}{''.join(colored)}")
    return lines


def _waits(overview: Overview, now: datetime) -> list[str]:
    due = f"next one due {until(overview.next_timer, now)}" if overview.next_timer else ""
    partly = "" if overview.folded >= overview.live else f"of the {overview.folded:,} oldest of {overview.live:,}"
    rows = [
        *((f"activity {name}", number, "") for name, number in overview.activities.items()),
        *((f"event {name}", number, partly) for name, number in sorted(overview.events.items())),
        *((what, number, note) for what, number, note in (("timers", overview.timers, due),) if number),
        *(("messages not yet taken", number, "") for number in (overview.messages,) if number),
        *(("entity requests not yet served", number, "") for number in (overview.requests,) if number),
    ]
    return [click.style("Waiting for", bold=True), *_aligned(rows)] if rows else []


def _oldest(overview: Overview, now: datetime) -> list[str]:
    lines = [
        f"  {each.start.instance_id}  {each.start.name}  {each.status}  {span(now - each.created_at)}"
        for each in overview.oldest
    ]
    return [click.style("Oldest at work", bold=True), *lines] if lines else []


def _entities(overview: Overview) -> list[str]:
    rows = [(name, number, "") for name, number in overview.entities.items()]
    return [click.style("Entities", bold=True), *_aligned(rows)] if rows else []


def _aligned(rows: list[tuple[str, int, str]]) -> list[str]:
    width = max(len(what) for what, _, _ in rows)
    return [f"  {what:{width}}  {number:>6,}  {note}".rstrip() for what, number, note in rows]
