"""Replays recorded histories against today's orchestrators: does an order that is under way survive the deployment?

Each turn of the history is played with what the instance knew then and nothing more, and its answer is compared with
what the history has of that turn. So a divergence is found at the very turn in which it would have come about, though
the rest of the history might hide it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.functions import DecoratorApi

from localazure.durable.actions import ActionType
from localazure.durable.episode import Episode
from localazure.durable.events import Event, EventType, parse_time
from localazure.durable.execution import Execution, OutcomeKind
from localazure.durable.matching import NonDeterminism, UnusableAnswer, match_actions, outline
from localazure.durable.sdk import Answer, MalformedAnswer, read_answer, read_failure
from localazure.durable.settings import TaskHubSettings
from localazure.durable.status import IllegalTransition
from localazure.host.app import App
from localazure.testing.apps import app_folder, app_of
from localazure.testing.errors import HistoryDiverged
from localazure.testing.histories import BadHistory, History

Handle = Callable[[str], str]
"""An orchestrator in the SDK's wrapper: context text in, state text out."""


def replay(
    history: History | Path | str,
    app: Path | str | DecoratorApi | None = None,
    *,
    orchestrators: Iterable[Callable[..., Any]] = (),
) -> None:
    """Replay one history against an app folder, a blueprint, or plain orchestrator functions.

    Raises HistoryDiverged, BadHistory, and ConfigError for an app that cannot be loaded.
    """
    recorded = history if isinstance(history, History) else History.read(history)
    if isinstance(app, Path | str):
        with app_folder(Path(app), {}) as loaded:
            check(recorded, handles_of(loaded))
    else:
        check(recorded, handles_of(app_of(app, orchestrators, (), {}, {})))


def problems_of(files: Iterable[Path], app: Path) -> list[str]:
    """One line for each file that cannot be read or does not replay. Raises ConfigError."""
    problems: list[str] = []
    histories: dict[Path, History] = {}
    for file in files:  # all of them before the app changes the current directory
        try:
            histories[file] = History.read(file)
        except BadHistory as bad:
            problems.append(str(bad))
    with app_folder(app, {}) as loaded:
        handles = handles_of(loaded)
        for file, history in histories.items():
            try:
                check(history, handles)
            except (BadHistory, HistoryDiverged) as problem:
                problems.append(f"{file}: {problem}")
    return problems


def handles_of(app: App) -> dict[str, Handle]:
    """The app's orchestrators by name in lower case."""
    return {each.durable_name.lower(): each.call for each in app.index.runnable("orchestrationtrigger")}


def check(history: History, handles: Mapping[str, Handle], settings: TaskHubSettings | None = None) -> None:
    """Raises HistoryDiverged, BadHistory."""
    handle = handles.get(history.orchestrator.lower())
    if handle is None:
        known = ", ".join(sorted(handles)) or "none"
        raise HistoryDiverged(
            history.instance_id, 0, f"an orchestrator '{history.orchestrator}'", f"an app that has {known}"
        )
    try:
        for turn in _turns(history.events):
            if "Actions" in turn.record:
                _check_turn(turn, history, handle, settings or TaskHubSettings())
    except (KeyError, IndexError, ValueError, IllegalTransition) as inconsistent:
        raise BadHistory(
            f"the history of '{history.instance_id}' is not consistent: {inconsistent!r}"
        ) from inconsistent


@dataclass(frozen=True)
class _Turn:
    """One episode of a history: `first` is the place of its `OrchestratorStarted`, `last` that of its record."""

    events: list[Event]
    first: int
    last: int

    @property
    def record(self) -> Event:
        return self.events[self.last]

    @property
    def taken(self) -> Iterator[Event]:
        """What had happened when the orchestrator was called; what it asked for has an id of its own."""
        for each in self.events[self.first + 1 : self.last]:
            if each["EventId"] < 0 and each["EventType"] != EventType.EXECUTION_COMPLETED:
                yield each

    def place_of(self, event_id: int | None) -> int:
        """The place of the event with this id, or of the turn's record."""
        named = (place for place, each in enumerate(self.events) if each["EventId"] == event_id)
        return self.last if event_id is None else next(named, self.last)


def _turns(events: list[Event]) -> Iterator[_Turn]:
    first = 0
    for place, each in enumerate(events):
        if each["EventType"] == EventType.ORCHESTRATOR_STARTED:
            first = place
        elif each["EventType"] == EventType.ORCHESTRATOR_COMPLETED:
            yield _Turn(events, first, place)


def _check_turn(turn: _Turn, history: History, handle: Handle, settings: TaskHubSettings) -> None:
    execution = Execution.restore(history.start, turn.events[: turn.first])
    answer = _answer(handle, _context(execution, turn, settings))
    execution.close(turn.record)

    def diverged(event_id: int | None, expected: str, got: str) -> HistoryDiverged:
        return HistoryDiverged(history.instance_id, turn.place_of(event_id), expected, got)

    expected, got = _recorded_ending(turn.record), _ending(answer)
    if answer.error is not None and expected != got:
        raise diverged(None, expected, f"{got}: {answer.error}")
    try:
        canceled = match_actions(execution, answer)
    except NonDeterminism as different:
        raise diverged(different.event, different.expected, different.got) from None
    except UnusableAnswer as unusable:
        raise diverged(None, expected, str(unusable)) from None
    if more := answer.actions[len(execution.actions) :]:
        raise diverged(None, "nothing more", ", ".join(map(outline, more)))
    if canceled:
        timer = execution.leaves[canceled[0]].task_id
        raise diverged(timer, "a timer that goes on", "a timer that is cancelled")
    if expected != got:
        raise diverged(None, expected, got)


def _context(execution: Execution, turn: _Turn, settings: TaskHubSettings) -> str:
    started = turn.events[turn.first]
    episode = Episode(execution, parse_time(started["Timestamp"]), [started])
    for each in turn.taken:
        episode.take(each)
    return episode.context(settings)


def _answer(handle: Handle, context: str) -> Answer:
    try:
        return read_answer(handle(context))
    except MalformedAnswer as malformed:
        return Answer([], error=str(malformed))
    except Exception as raised:  # noqa: BLE001  # whatever user code raises is its answer
        return read_failure(str(raised)) or Answer([], error=f"{type(raised).__name__}: {raised}")


def _ending(answer: Answer) -> str:
    """How an answer ends the execution. Failures are all alike: their texts hold paths and line numbers."""
    if answer.error is not None:
        return OutcomeKind.FAILED
    if not answer.is_done:
        return "to go on"
    last = answer.actions[-1] if answer.actions else {}
    if last.get("actionType") == ActionType.CONTINUE_AS_NEW:
        return f"{OutcomeKind.CONTINUED} with {json.dumps(last['input'])}"
    return f"{OutcomeKind.COMPLETED} with {answer.output}"


def _recorded_ending(record: Event) -> str:
    if "Outcome" not in record:
        return "to go on"
    kind, text, *_ = record["Outcome"]
    return kind if kind == OutcomeKind.FAILED else f"{kind} with {text}"
