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
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from azure.durable_functions import DurableOrchestrationContext, Orchestrator
from azure.durable_functions.models.history.HistoryEvent import HistoryEvent

from localazure.durable.functions import Turn
from localazure.host.functions import HostedFunction

_SOME_EVENT = HistoryEvent(EventType=13, EventId=-1, IsPlayed=False, Timestamp="2026-01-01")


class SessionBroken(Exception):
    """The SDK could not go on from where it stood; nothing is said about user code."""


class KeptOrchestrator:
    """The SDK's wrapper around an orchestrator, but it remembers where it stands."""

    def __init__(self, wrapper: Any) -> None:
        self._wrapper = wrapper
        self._context: Any = None
        self._executor: Any = None
        self._zone: tzinfo | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing can follow."""
        return self._executor is None or bool(self._executor.has_execution_completed)

    def __call__(self, argument: Any) -> str:
        """Take a context at first, and lists of new events from then on. Raises what a replay would, SessionBroken."""
        body = getattr(argument, "body", argument)
        if self._executor is None:
            return self._replay(body)
        return self._go_on(body)

    def _replay(self, context_json: str) -> str:
        context = DurableOrchestrationContext.from_json(context_json)
        context._input_expected_type = getattr(self._wrapper, "_df_input_type", None)
        orchestrator = Orchestrator(self._wrapper.orchestrator_function)
        text: str = orchestrator.handle(context)
        self._context, self._executor = context, orchestrator.task_orchestration_executor
        self._zone = context.current_utc_datetime.tzinfo
        return text

    def _go_on(self, news_json: str) -> str:
        try:
            for event in [self._event(**fields) for fields in json.loads(news_json)]:
                self._context.histories.append(event)
                if not self._executor.has_execution_completed:
                    self._executor.process_event(event)
        except Exception as error:
            raise SessionBroken(f"{type(error).__name__}: {error}") from error
        text: str = self._executor.get_orchestrator_state_str()
        return text

    def _event(self, EventType: int, EventId: int, IsPlayed: bool, Timestamp: str, **fields: Any) -> HistoryEvent:  # noqa: N803  # the protocol's names
        """What the SDK's constructor makes of an event, without its slow parsing of the time."""
        moment = datetime.fromisoformat(Timestamp)
        if moment.tzinfo is not None:
            moment = moment.replace(tzinfo=self._zone)
        event = copy(_SOME_EVENT)
        vars(event).update(fields, _event_type=EventType, _event_id=EventId, _is_played=IsPlayed, _timestamp=moment)
        return event


def can_be_kept(wrapper: Any) -> bool:
    """Whether a function is the SDK's wrapper itself; around it there may be anything."""
    return hasattr(wrapper, "orchestrator_function") and not hasattr(wrapper, "__wrapped__")


@dataclass(slots=True)
class Session:
    """A kept orchestrator as a function of the host. The rest says where it stands and until when it is kept."""

    orchestrator: KeptOrchestrator
    function: HostedFunction
    execution_id: str = ""
    number: int = -1
    ends_at: float = 0.0

    @classmethod
    def of(cls, function: HostedFunction) -> Session | None:
        """A session that has not begun; None when the orchestrator cannot be kept."""
        if not can_be_kept(function.call):
            return None
        orchestrator = KeptOrchestrator(function.call)
        return cls(orchestrator, replace(function, call=orchestrator))


class Sessions:
    """The sessions that wait for their next turn. For one event loop only."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Session] = OrderedDict()  # in the order in which they were used
        self._alarm: asyncio.TimerHandle | None = None

    def take(self, instance_id: str, turn: Turn) -> Session | None:
        """The session that stands right before `turn`. It is not kept during the turn."""
        session = self._kept.pop(instance_id, None)
        if session is None or (session.execution_id, session.number + 1) != (turn.execution_id, turn.number):
            return None
        return session

    def keep(self, instance_id: str, session: Session, turn: Turn) -> None:
        """Keep a session that has made `turn`, unless nothing can follow."""
        if session.orchestrator.is_done:
            return
        loop = asyncio.get_running_loop()
        session.execution_id, session.number = turn.execution_id, turn.number
        session.ends_at = loop.time() + turn.idle_s
        self._kept[instance_id] = session
        if self._alarm is None:
            self._alarm = loop.call_at(session.ends_at, self._evict, loop)

    def forget(self, instance_id: str) -> None:
        self._kept.pop(instance_id, None)

    def _evict(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drop what was not used for too long, and look again when the next one may be due."""
        self._alarm = None
        for instance_id, session in list(self._kept.items()):
            if session.ends_at > loop.time():
                self._alarm = loop.call_at(session.ends_at, self._evict, loop)
                return
            del self._kept[instance_id]
