"""A timeline as lines for a terminal.

Columns: time of day, time since the start, what happened, a bar on the scale of the whole execution, how long it took,
and its result, cut to the width. A narrow terminal gets no bars.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import click

from localazure.durable.status import RuntimeStatus
from localazure.durable.views import shown
from localazure.insight.spans import clock, day, span, until
from localazure.insight.timeline import Kind, Row, State, Timeline

MARKS = {
    Kind.STARTED: "▶",
    Kind.STATUS: "◆",
    Kind.ACTIVITY: "●",
    Kind.HTTP: "⇅",
    Kind.TIMER: "◷",
    Kind.EVENT: "✉",
    Kind.CHILD: "↳",
    Kind.ENTITY: "⇄",
    Kind.SIGNAL: "→",
    Kind.CONTROL: "‖",
    Kind.ENDED: "■",
}
COLORS = {
    State.DONE: "green",
    State.FAILED: "red",
    State.CANCELED: "bright_black",
    State.OPEN: "yellow",
    State.HELD: "bright_black",
}
STATUS_COLORS = {
    RuntimeStatus.COMPLETED: "green",
    RuntimeStatus.FAILED: "red",
    RuntimeStatus.TERMINATED: "red",
    RuntimeStatus.CANCELED: "red",
}
NOTES = {Kind.STARTED, Kind.STATUS, Kind.CONTROL}
INSTANTS = {Kind.STARTED, Kind.STATUS, Kind.SIGNAL, Kind.CONTROL, Kind.ENDED}
MAX_LABEL = 36
MAX_WAITS = 12
SHORT = 80
MIN_BAR, MAX_BAR = 12, 32
WIDTH_WITH_BARS = 90
INDENT = "  "
_FAILED = re.compile(r"^(?:(?:Activity|Orchestrator) function '[^']*' failed:\s*)+")


@dataclass(frozen=True)
class Page:
    """The columns of one drawing. `bar` is 0 for none."""

    began: datetime
    ended: datetime
    now: datetime
    label: int
    bar: int
    width: int

    def place(self, moment: datetime) -> float:
        """Where a moment lies between the beginning and the end, from 0 to 1."""
        whole = (self.ended - self.began) / timedelta(microseconds=1)
        part = (moment - self.began) / timedelta(microseconds=1)
        return min(1.0, max(0.0, part / whole)) if whole else 0.0


def draw(timeline: Timeline, children: Mapping[str, Timeline], now: datetime, width: int) -> str:
    """The timeline of an instance, and below their rows those of the children that are given, by instance id."""
    rows = list(_nested(timeline, children, 0))
    longest = max((len(INDENT) * depth + 2 + len(_label(row)) for row, depth in rows), default=0)
    page = Page(
        began=timeline.began,
        ended=max([timeline.end(now), *(row.ended for row, _ in rows if row.ended)]),
        now=now,
        label=min(longest, MAX_LABEL),
        bar=min(MAX_BAR, max(MIN_BAR, (width - WIDTH_WITH_BARS) // 2)) if width >= WIDTH_WITH_BARS else 0,
        width=width,
    )
    lines = [*_head(timeline, page), "", *_body(rows, timeline, page), "", *_foot(timeline, page)]
    return "\n".join(lines)


def _nested(timeline: Timeline, children: Mapping[str, Timeline], depth: int) -> Iterator[tuple[Row, int]]:
    for row in timeline.rows:
        yield row, depth
        if row.kind == Kind.CHILD and row.instance_id in children:
            yield from _nested(children[row.instance_id], children, depth + 1)


def _head(timeline: Timeline, page: Page) -> list[str]:
    instance = timeline.instance
    status = click.style(instance.status, fg=STATUS_COLORS.get(instance.status, "yellow"), bold=True)
    took = f"in {span(page.ended - page.began)}" if instance.status.is_final else f"for {span(page.now - page.began)}"
    ended = f" → {_moment(page.ended, page.began)}" if instance.status.is_final else ""
    facts = [
        f"{status} {took}",
        f"{day(page.began)} {clock(page.began)}{ended} UTC",
        _counted(instance.episodes, "episode"),
    ]
    if instance.start.generation:
        facts.append(f"run {instance.start.generation + 1}, after as many continuations as new")
    if instance.start.parent is not None:
        facts.append(f"child of {instance.start.parent.instance_id}")
    return [f"{click.style(instance.start.name, bold=True)}  {instance.start.instance_id}", " · ".join(facts)]


def _moment(moment: datetime, other: datetime) -> str:
    return clock(moment) if day(moment) == day(other) else f"{day(moment)} {clock(moment)}"


def _body(rows: Sequence[tuple[Row, int]], timeline: Timeline, page: Page) -> Iterator[str]:
    today = day(page.began)
    for row, depth in rows:
        if depth == 0 and day(row.began) != today:
            today = day(row.began)
            yield click.style(f"── {today} ──", dim=True)
        yield _line(row, depth, timeline, page)


def _line(row: Row, depth: int, timeline: Timeline, page: Page) -> str:
    left = row.ended is None and timeline.instance.status.is_final  # its instance has ended without it
    color = "bright_black" if left else "cyan" if row.kind in NOTES else COLORS[row.state]
    times = f"{clock(row.began)} {'+' + span(row.began - page.began):>11}"
    indent = INDENT * depth
    label = _cut(_label(row), max(0, page.label - len(indent) - 2)).ljust(page.label - len(indent) - 2)
    bar = f"  {_bar(row, page)}" if page.bar else ""
    took = "" if row.kind in INSTANTS or left else span((row.ended or page.ended) - row.began)
    room = page.width - len(f"{times}  {indent}{MARKS[row.kind]} {label}{bar} {took:>10}  ")
    detail = _cut("the instance has ended without it" if left else _detail(row, page), max(0, room))
    if not took and not detail:
        bar = bar.rstrip()
    start = f"{click.style(times, dim=True)}  {indent}{click.style(MARKS[row.kind], fg=color)} {label}"
    return f"{start}{click.style(bar, fg=color)} {took:>10}  {_colored(detail, row)}".rstrip()


def _colored(detail: str, row: Row) -> str:
    return click.style(detail, fg="red") if row.state == State.FAILED else detail


def _label(row: Row) -> str:
    tried = row.attempt > 1 or (row.state == State.FAILED and row.attempts > 1)
    name = row.name if row.kind not in {Kind.STARTED, Kind.STATUS, Kind.TIMER} else row.kind.value
    return f"{name} {row.attempt}/{row.attempts}" if tried else name


def _bar(row: Row, page: Page) -> str:
    """Where the row lies in the whole; a moment is a point."""
    if row.state == State.HELD:
        return " " * page.bar
    first, last = (round(page.place(moment) * (page.bar - 1)) for moment in (row.began, row.ended or page.ended))
    stroke = "·" if row.kind in INSTANTS else "━" if row.ended else "╍"
    return f"{' ' * first}{stroke * (last - first + 1)}".ljust(page.bar)


def _detail(row: Row, page: Page) -> str:
    if row.state == State.HELD:
        return "not begun: an earlier task_all has not ended"
    facts = [row.instance_id, _reason(row.detail) if row.state == State.FAILED else _plain(row.detail)]
    if row.kind == Kind.TIMER and row.due is not None and row.state != State.DONE:
        canceled = "cancelled, was " if row.state == State.CANCELED else ""
        facts.insert(0, f"{canceled}due {_moment(row.due, row.began)}{_in(row, page)}")
    elif row.due is not None and row.ended is not None and row.kind != Kind.TIMER:
        facts.insert(0, f"again after {span(row.due - row.ended)}")
    return " · ".join(fact for fact in facts if fact)


def _in(row: Row, page: Page) -> str:
    return f" ({until(row.due, page.now)})" if row.state == State.OPEN and row.due is not None else ""


def _plain(text: str) -> str:
    """JSON text on one line; a JSON string without its quotes, nothing for null."""
    value = shown(text) if text else None
    return " ".join(_text(value).split()) if value is not None else ""


def _reason(text: str) -> str:
    """The first line of a failure, without the words that say of which function."""
    return " ".join(_FAILED.sub("", text).partition("\n")[0].split())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"[:width]


def _foot(timeline: Timeline, page: Page) -> list[str]:
    """How the instance ended, or what it waits for now."""
    instance = timeline.instance
    if instance.status.is_final:
        title = {RuntimeStatus.FAILED: "Failure", RuntimeStatus.TERMINATED: "Reason"}.get(instance.status, "Output")
        return [*_paragraph("Custom status", instance.custom_status), *_paragraph(title, instance.output)]
    return [*_paragraph("Custom status", instance.custom_status), *_now(timeline, page)]


def _paragraph(title: str, text: str | None) -> list[str]:
    """A text in full: JSON on one line if that is short, else a line per item."""
    if text is None:
        return []
    head, value = click.style(title, bold=True), shown(text)
    if isinstance(value, dict) and len(_plain(text)) > SHORT:
        return [head, *(f"{INDENT}{key}: {_text(item)}" for key, item in value.items())]
    if isinstance(value, list) and len(_plain(text)) > SHORT:
        return [head, *(f"{INDENT}{_text(item)}" for item in value)]
    lines = _text(value).splitlines()
    return [f"{head}  {lines[0]}"] if len(lines) == 1 else [head, *(f"{INDENT}{line}" for line in lines)]


def _now(timeline: Timeline, page: Page) -> list[str]:
    """What a live instance waits for."""
    waits = timeline.open
    lines = [f"{INDENT}{MARKS[row.kind]} {_wait(row, page)}" for row in waits[:MAX_WAITS]]
    if len(waits) > MAX_WAITS:
        lines.append(f"{INDENT}and {len(waits) - MAX_WAITS:,} more")
    if timeline.instance.status == RuntimeStatus.SUSPENDED:
        lines.insert(0, f"{INDENT}‖ being resumed")
    if timeline.inbox:
        lines.append(f"{INDENT}{_counted(timeline.inbox, 'message')} in its inbox, not yet taken")
    note = " The orchestrator has returned; the instance ends when these have." if timeline.returned else ""
    title = click.style("Waits for", bold=True)
    return [f"{title}{note}", *lines] if lines else [f"{title}  nothing: it is about to go on"]


def _wait(row: Row, page: Page) -> str:
    since = "" if row.state == State.HELD else f"since {span(page.now - row.began)}"
    what = (
        f"event {row.name!r}" if row.kind == Kind.EVENT else f"{row.kind} {_label(row)}".replace("timer timer", "timer")
    )
    facts = [what, since, f"attempt {row.attempt} of {row.attempts}" if row.attempts > 1 else "", _detail(row, page)]
    return ", ".join(fact for fact in facts if fact)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
