"""What the SDK is told of an execution: only the events that it reads, and of them only what it reads.

Most of what a replay costs is the SDK's parsing of each event's time. It reads the time of `OrchestratorStarted`
alone, so that one is sent in full, in the shortest form that it parses to the same value; the others carry their day.
Events that cannot have moved user code, because it was not called, are told with the next call, as news under its
`OrchestratorStarted`: one for all of them.

The history that is stored and shown stays complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from localazure.durable.events import FAILURES, SUCCESSES, Event, EventType, dump

TOLD = frozenset(
    {
        EventType.EXECUTION_STARTED,
        EventType.TIMER_FIRED,
        EventType.ORCHESTRATOR_STARTED,
        EventType.EVENT_SENT,
        EventType.EVENT_RAISED,
    }
    | SUCCESSES
    | FAILURES,
)
"""The SDK ignores all other events but pays for parsing them."""

TIME = '"Timestamp":"'
TIME_LENGTH = len("2026-01-01T00:00:00.000000Z")
PLAYED, NEW = '{"IsPlayed":true,', '{"IsPlayed":false,'


@dataclass(frozen=True, slots=True)
class Telling:
    """JSON objects, each followed by a comma. `news` is what came after the call before this one."""

    past: str
    news: str

    @property
    def everything(self) -> str:
        return self.past + self.news


class Transcript:
    """Grows with every episode. An episode's events begin with its `OrchestratorStarted`."""

    def __init__(self) -> None:
        self._past = ""
        self._told = 0  # the end of what the last call was told; behind it stands what was created since
        self._untold: list[str] = []  # of episodes without a call

    def __bool__(self) -> bool:
        """Whether there was a call."""
        return bool(self._past)

    def tell(self, events: Sequence[Event], texts: Sequence[str]) -> Telling:
        """What to tell in a call in the episode of these events; `texts` are the same events as they are stored."""
        news = _flagged(NEW, self._fresh(events, texts))
        return Telling(self._past[: self._told], self._past[self._told :] + news)

    def add(self, events: Sequence[Event], texts: Sequence[str], *, called: bool) -> None:
        """Take a whole episode; `called` says whether there was a call in it."""
        if not called:
            self._untold += _told(events[1:], texts[1:])
            return
        fresh = self._fresh(events, texts)
        later = len(fresh) - sum(each["EventType"] == EventType.EVENT_SENT for each in events)
        self._past += _flagged(PLAYED, fresh[:later])
        self._told = len(self._past)
        self._past += _flagged(PLAYED, fresh[later:])
        self._untold = []

    def _fresh(self, events: Sequence[Event], texts: Sequence[str]) -> list[str]:
        return _told(events[:1], texts[:1]) + self._untold + _told(events[1:], texts[1:])


def _told(events: Iterable[Event], texts: Iterable[str]) -> list[str]:
    """The events as the SDK gets them, without the opening brace."""
    pairs = zip(events, texts, strict=True)
    return [_reduced(each, text) for each, text in pairs if each["EventType"] in TOLD]


def _reduced(event: Event, text: str) -> str:
    """Swap the time in the text: a large payload is not encoded again."""
    if event["EventType"] == EventType.EXECUTION_STARTED:
        text = dump({key: event[key] for key in ("EventType", "EventId", "Timestamp", "Version")})
    head, _, tail = text.partition(TIME)
    stamp = _day(tail)
    if event["EventType"] == EventType.ORCHESTRATOR_STARTED:
        stamp += f"T{tail[11:13]}{tail[14:16]}{tail[17:TIME_LENGTH]}"
    return f"{head[1:]}{TIME}{stamp}{tail[TIME_LENGTH:]}"


def _day(time: str) -> str:
    return time[:4] + time[5:7] + time[8:10]


def _flagged(flag: str, parts: Iterable[str]) -> str:
    return "".join([f"{flag}{part}," for part in parts])
