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
DAY_LENGTH = len("2026-01-01")
PLAYED, NEW = '{"IsPlayed":true,', '{"IsPlayed":false,'


@dataclass(slots=True)
class Part:
    """One event that the SDK is told of, `stored` as it is. It becomes what the SDK gets when that is asked for."""

    event: Event
    stored: str
    _told: str = ""

    @property
    def is_created(self) -> bool:
        """Whether it came after the call, with a task."""
        return bool(self.event["EventType"] == EventType.EVENT_SENT)

    def told(self, *, played: bool) -> str:
        """The JSON object."""
        self._told = self._told or _reduced(self.event, self.stored)
        return f"{PLAYED if played else NEW}{self._told}"


class Transcript:
    """Grows with every episode, of which it is given the parts that `parts_of` makes of the events."""

    def __init__(self) -> None:
        self._text = ""  # of what is played, as far as it was read
        self._played: list[Part] = []  # and what follows there
        self._created: list[Part] = []  # since the last call
        self._untold: list[Part] = []  # of episodes without a call
        self._is_read = False

    def everything(self, episode: Sequence[Part]) -> str:
        """What to tell in a call in this episode, to somebody who knows nothing: objects with commas between them."""
        self._is_read = True
        self._fold()
        created = [part.told(played=True) for part in self._created]
        new = [part.told(played=False) for part in self._with_untold(episode)]
        return ",".join([self._text, *created, *new] if self._text else created + new)

    def news(self, episode: Sequence[Part]) -> list[Event]:
        """What to tell to somebody who remembers the call before."""
        created = [_seen(part.event, played=True) for part in self._created]
        return created + [_seen(part.event, played=False) for part in self._with_untold(episode)]

    def add(self, episode: Sequence[Part], *, called: bool) -> None:
        """Take a whole episode; `called` says whether there was a call in it."""
        if not called:
            self._untold += episode[1:]
            return
        parts = self._with_untold(episode)
        self._played += self._created
        self._played += [part for part in parts if not part.is_created]
        self._created = [part for part in parts if part.is_created]
        self._untold = []
        if self._is_read:  # so it will be again, and a text takes less room
            self._fold()
            self._is_read = False

    def _with_untold(self, episode: Sequence[Part]) -> Sequence[Part]:
        """The parts in order, under the one `OrchestratorStarted`, which is an episode's first."""
        return [episode[0], *self._untold, *episode[1:]] if self._untold else episode

    def _fold(self) -> None:
        if self._played:
            played = [part.told(played=True) for part in self._played]
            self._text = ",".join([self._text, *played] if self._text else played)
            self._played = []


def parts_of(events: Iterable[Event], texts: Iterable[str]) -> list[Part]:
    """What the SDK is told of events; `texts` are the same events as they are stored."""
    return [Part(each, text) for each, text in zip(events, texts, strict=True) if each["EventType"] in TOLD]


def _seen(event: Event, *, played: bool) -> Event:
    """What `told` says, without making a text of it."""
    is_start = event["EventType"] == EventType.ORCHESTRATOR_STARTED
    stamp = event["Timestamp"] if is_start else event["Timestamp"][:DAY_LENGTH]
    return {**event, "IsPlayed": played, "Timestamp": stamp}


def _reduced(event: Event, text: str) -> str:
    """Swap the time in the text: a large payload is not encoded again."""
    if event["EventType"] == EventType.EXECUTION_STARTED:
        text = dump({key: event[key] for key in ("EventType", "EventId", "Timestamp", "Version")})
    head, _, tail = text.partition(TIME)
    stamp = tail[:4] + tail[5:7] + tail[8:10]
    if event["EventType"] == EventType.ORCHESTRATOR_STARTED:
        stamp += f"T{tail[11:13]}{tail[14:16]}{tail[17:TIME_LENGTH]}"
    return f"{head[1:]}{TIME}{stamp}{tail[TIME_LENGTH:]}"
