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
from typing import NamedTuple

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


class Part(NamedTuple):
    """One event as the SDK gets it, without the opening brace. `is_created`: it came after the call, with a task."""

    text: str
    is_created: bool


class Transcript:
    """Grows with every episode, of which it is given the parts that `parts_of` makes of the events."""

    def __init__(self) -> None:
        self._past = ""
        self._told = 0  # the end of what the last call was told; behind it stands what was created since
        self._untold: list[Part] = []  # of episodes without a call

    def tell(self, episode: Sequence[Part]) -> Telling:
        """What to tell in a call in this episode."""
        news = _flagged(NEW, self._with_untold(episode))
        return Telling(self._past[: self._told], self._past[self._told :] + news)

    def add(self, episode: Sequence[Part], *, called: bool) -> None:
        """Take a whole episode; `called` says whether there was a call in it."""
        if not called:
            self._untold += episode[1:]
            return
        parts = self._with_untold(episode)
        created = [part for part in parts if part.is_created]
        self._past += _flagged(PLAYED, [part for part in parts if not part.is_created])
        self._told = len(self._past)
        self._past += _flagged(PLAYED, created)
        self._untold = []

    def _with_untold(self, episode: Sequence[Part]) -> Sequence[Part]:
        """The parts in order, under the one `OrchestratorStarted`, which is an episode's first."""
        return [episode[0], *self._untold, *episode[1:]] if self._untold else episode


def parts_of(events: Iterable[Event], texts: Iterable[str]) -> list[Part]:
    """What the SDK is told of events; `texts` are the same events as they are stored."""
    pairs = zip(events, texts, strict=True)
    return [
        Part(_reduced(each, text), each["EventType"] == EventType.EVENT_SENT)
        for each, text in pairs
        if each["EventType"] in TOLD
    ]


def _reduced(event: Event, text: str) -> str:
    """Swap the time in the text: a large payload is not encoded again."""
    if event["EventType"] == EventType.EXECUTION_STARTED:
        text = dump({key: event[key] for key in ("EventType", "EventId", "Timestamp", "Version")})
    head, _, tail = text.partition(TIME)
    stamp = tail[:4] + tail[5:7] + tail[8:10]
    if event["EventType"] == EventType.ORCHESTRATOR_STARTED:
        stamp += f"T{tail[11:13]}{tail[14:16]}{tail[17:TIME_LENGTH]}"
    return f"{head[1:]}{TIME}{stamp}{tail[TIME_LENGTH:]}"


def _flagged(flag: str, parts: Iterable[Part]) -> str:
    return "".join([f"{flag}{part.text}," for part in parts])
