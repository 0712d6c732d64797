"""Orchestrators that are kept between turns: the SDK's own objects go on with the new events alone.

A session is a replay that does not end: the SDK's executor, its context and the user's generator stay as the first
call left them, and each turn gives the executor the events that came since. So code, numbers of tasks, times and ids
are those of a replay. A session is only a cache: whatever is in doubt (no session, another execution, another turn
than the next one, an error of the machinery) is settled by a replay of the whole history.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.durable_functions import DurableOrchestrationContext, Orchestrator
from azure.durable_functions.models.history.HistoryEvent import HistoryEvent

from localazure.durable.events import Event, EventType
from localazure.durable.functions import FunctionFailure, Turn

MAX_SESSIONS = 2_000
"""A session takes some 10 KB, and more when the orchestrator holds much."""
_FIRST = {
    "EventType": int(EventType.ORCHESTRATOR_STARTED),
    "EventId": -1,
    "IsPlayed": False,
    "Timestamp": "20260101T00Z",
}
"""Stands for the history while the SDK makes a context: parsing times is most of what that costs."""
_BLANK = vars(HistoryEvent(**_FIRST))
_ZONE = _BLANK["_timestamp"].tzinfo


class SessionBroken(Exception):
    """The SDK could not go on from where it stood; nothing is said about user code."""


class KeptOrchestrator:
    """The SDK's wrapper around an orchestrator, but it remembers where it stands."""

    def __init__(self, wrapper: Any) -> None:
        self._wrapper = wrapper
        self._context: Any = None
        self._executor: Any = None

    @property
    def is_done(self) -> bool:
        """Whether nothing can follow."""
        return self._executor is None or bool(self._executor.has_execution_completed)

    def __call__(self, argument: Any) -> str:
        """Replay a context. Raises what user code does."""
        context_json = getattr(argument, "body", argument)
        given = json.loads(context_json)
        events = [_event(**fields) for fields in given["history"]]
        context = DurableOrchestrationContext(**{**given, "history": [_FIRST]})
        context._histories = events
        context._version = context._extract_version_from_history(events)
        context.decision_started_event = events[0]
        context.current_utc_datetime = events[0].timestamp
        context._input_expected_type = getattr(self._wrapper, "_df_input_type", None)
        orchestrator = Orchestrator(self._wrapper.orchestrator_function)
        text: str = orchestrator.handle(context)
        self._context, self._executor = context, orchestrator.task_orchestration_executor
        return text

    def go_on(self, news: Sequence[Event]) -> str:
        """Take the events since the call before. Raises what a replay would, SessionBroken."""
        try:
            for event in [_event(**fields) for fields in news]:
                self._context.histories.append(event)
                if not self._executor.has_execution_completed:
                    self._executor.process_event(event)
        except Exception as error:
            raise SessionBroken(f"{type(error).__name__}: {error}") from error
        text: str = self._executor.get_orchestrator_state_str()
        return text


def _event(EventType: int, EventId: int, IsPlayed: bool, Timestamp: str, **fields: Any) -> HistoryEvent:  # noqa: N803  # the protocol's names
    """What the SDK's constructor makes of an event, without its slow parsing of the time."""
    moment = datetime.fromisoformat(Timestamp)
    if moment.tzinfo is not None:
        moment = moment.replace(tzinfo=_ZONE)
    event = HistoryEvent.__new__(HistoryEvent)
    vars(event).update(
        _BLANK, **fields, _event_type=EventType, _event_id=EventId, _is_played=IsPlayed, _timestamp=moment
    )
    return event


def can_be_kept(wrapper: Any) -> bool:
    """Whether a function is the SDK's wrapper itself; around it there may be anything."""
    return hasattr(wrapper, "orchestrator_function") and not hasattr(wrapper, "__wrapped__")


Call = Callable[[Callable[[Any], str], str], Awaitable[str]]
"""Runs code on a text, as the host runs functions. Raises FunctionFailure."""


@dataclass(frozen=True, slots=True)
class _Session:
    """An orchestrator that waits for its next turn."""

    orchestrator: KeptOrchestrator
    execution_id: str
    next_number: int
    ends_at: float


class Sessions:
    """The orchestrators that wait for their next turn. For one event loop only."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Session] = OrderedDict()  # in the order in which they were used
        self._alarm: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._kept)

    async def play(self, instance_id: str, turn: Turn, wrapper: Any, call: Call) -> str:
        """Make a turn with the generator of the turn before, or by a replay. Raises FunctionFailure.

        A session is not kept while it plays: whatever ends the call, also a time-out or a shutdown, ends it as well.
        """
        if not can_be_kept(wrapper):
            return await call(wrapper, turn.context())
        kept = self._kept.pop(instance_id, None)
        if kept is not None and (kept.execution_id, kept.next_number) == (turn.execution_id, turn.number):
            try:
                text = await call(lambda _: kept.orchestrator.go_on(turn.news), "")
            except FunctionFailure as failed:
                if failed.type_name != SessionBroken.__name__:
                    raise
            else:
                self._keep(instance_id, turn, kept.orchestrator)
                return text
        orchestrator = KeptOrchestrator(wrapper)
        text = await call(orchestrator, turn.context())
        self._keep(instance_id, turn, orchestrator)
        return text

    def forget(self, instance_id: str) -> None:
        self._kept.pop(instance_id, None)

    def _keep(self, instance_id: str, turn: Turn, orchestrator: KeptOrchestrator) -> None:
        """Keep what has made `turn`, unless nothing can follow."""
        if orchestrator.is_done:
            return
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + turn.idle_s
        self._kept[instance_id] = _Session(orchestrator, turn.execution_id, turn.number + 1, ends_at)
        if len(self._kept) > MAX_SESSIONS:
            self._kept.popitem(last=False)
        if self._alarm is None:
            self._alarm = loop.call_at(ends_at, self._evict, loop)

    def _evict(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drop what was not used for too long, and look again when the next one may be due."""
        self._alarm = None
        for instance_id, session in list(self._kept.items()):
            if session.ends_at > loop.time():
                self._alarm = loop.call_at(session.ends_at, self._evict, loop)
                return
            del self._kept[instance_id]
