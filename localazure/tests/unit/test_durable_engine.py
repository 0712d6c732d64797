"""The pure core under random schedules, with the real SDK as the orchestrator.

A model hub answers activities, children, timers and entities in whatever order hypothesis draws, and fails what it
draws. Whatever happens, every orchestration ends, every result reaches the task it belongs to, and an execution that
is restored from its history decides as the one in memory.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.durable_functions import EntityId, Orchestrator, RetryOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from localazure.durable.episode import begin, finish
from localazure.durable.events import (
    Event,
    EventType,
    completion,
    entity_answered,
    event_raised,
    failure,
    parse_stored,
    timer_fired,
)
from localazure.durable.execution import Execution
from localazure.durable.records import Decision, Message, Start
from localazure.durable.sdk import read_answer, read_failure
from localazure.durable.settings import TaskHubSettings
from localazure.durable.status import RuntimeStatus

SETTINGS = TaskHubSettings()
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
RETRY = RetryOptions(1000, 3)
MAX_EPISODES = 500


def parallel_retries(context: Any) -> Generator[Any, Any, Any]:
    """Retried activities inside `task_all`, whose failure is caught."""
    tasks = [context.call_activity_with_retry(f"r{n}", RETRY, n) for n in range(3)]
    try:
        values = yield context.task_all([*tasks, context.call_activity("plain", "p")])
    except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
        values = [_short(caught)]
    values.append((yield context.call_activity("clean", "c")))
    return values


def retry_race(context: Any) -> Generator[Any, Any, Any]:
    """A `task_any` loop over retried tasks, with activities and signals in between."""
    tasks = [context.call_activity_with_retry(f"r{n}", RETRY, n) for n in range(4)]
    names = {id(task): f"r{n}" for n, task in enumerate(tasks)}
    seen = []
    while tasks:
        done = yield context.task_any(tasks)
        tasks.remove(done)
        assert names[id(done)] in _short(done.result)
        context.signal_entity(EntityId("log", "k"), "note", len(seen))
        try:
            seen.append((yield context.call_activity(f"between{len(seen)}")))
        except Exception as caught:  # noqa: BLE001  # see above
            seen.append(_short(caught))
    return seen


def mixture(context: Any) -> Generator[Any, Any, Any]:
    """Timers, events, an entity call and a retried sub-orchestration."""
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=5))
    event = context.wait_for_external_event("Go")
    winner = yield context.task_any([timer, event])
    if winner == event and not timer.is_completed:
        timer.cancel()
    results = ["event" if winner == event else "timer"]
    for task in (context.call_entity(EntityId("e", "k"), "op"), context.call_sub_orchestrator_with_retry("r", RETRY)):
        try:
            results.append((yield task))
        except Exception as caught:  # noqa: BLE001  # see above
            results.append(_short(caught))
    return results


def late_awaits(context: Any) -> Generator[Any, Any, Any]:
    """Retried tasks that are scheduled together and awaited one by one, late."""
    first = context.call_activity_with_retry("r0", RETRY, 0)
    second = context.call_activity_with_retry("r1", RETRY, 1)
    yield context.task_any([first, second, context.call_activity("plain")])
    results = []
    for task in (second, first):
        try:
            results.append((yield task))
        except Exception as caught:  # noqa: BLE001  # see above
            results.append(_short(caught))
    results.append((yield context.call_activity("last")))
    return results


def _short(value: Any) -> str:
    return str(value).splitlines()[0].strip()


@dataclass
class ModelHub:
    """Runs one execution; `choose` draws which pending thing happens next, and whether it fails."""

    orchestrator: Callable[[Any], str]
    choose: Callable[[int], int]
    restores: bool = False
    now: datetime = BEGINNING
    inbox: list[Message] = field(default_factory=list)
    pending: list[tuple[str, int, Event | None]] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    seq: int = 0

    def __post_init__(self) -> None:
        self.start = Start("i", "e" * 32, "orchestrator", None, None)
        self.execution = Execution(self.start)

    def run(self) -> Decision:
        """Until the instance has ended."""
        self._send(event_raised("gO", '"now"', self.now))
        while True:
            self._episodes()
            if self.execution.status.is_final:
                return self.decisions[-1]
            assert self.pending, f"stuck with {self.execution.open}"
            for _ in range(1 + self.choose(3)):
                if self.pending:
                    self._happen(self.pending.pop(self.choose(len(self.pending))))

    def _episodes(self) -> None:
        while not self.execution.status.is_final:
            assert len(self.decisions) < MAX_EPISODES
            if self.restores:
                self.execution = Execution.restore(self.start, self.history, self.execution.custom_status)
            episode = begin(self.execution, self.inbox, self.now)
            if episode is None:
                return
            answer = self._call(episode.context(SETTINGS)) if self.execution.needs_call else None
            decision = finish(episode, answer, self.inbox, self.now, SETTINGS)
            self.inbox = [message for message in self.inbox if message.seq not in episode.consumed]
            self._take(decision)

    def _call(self, context: str) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Potential duplicate")
            try:
                return read_answer(self.orchestrator(context))
            except Exception as raised:  # noqa: BLE001  # as the host does
                return read_failure(str(raised))

    def _take(self, decision: Decision) -> None:
        self.decisions.append(decision)
        self.history += parse_stored(decision.history)
        for activity in decision.activities:
            self.pending.append((activity.name, activity.task_id, None))
        for task_id, child in decision.children:
            self.pending.append((f"child {child.name}", task_id, None))
        for timer in decision.timers:
            self.pending.append(("", timer.task_id, timer_fired(timer.task_id, timer.fire_at, timer.fire_at)))
        for request in decision.requests:
            if request.caller is not None:
                answer = json.dumps({"result": '"entity"'})
                answered = entity_answered(request.caller.task_id, request.request_id, answer, self.now)
                self.pending.append(("", request.caller.task_id, answered))
        self.pending = [each for each in self.pending if each[1] not in decision.ended_timers or each[2] is None]

    def _happen(self, what: tuple[str, int, Event | None]) -> None:
        name, task_id, event = what
        self.now += timedelta(milliseconds=1)
        if event is None:
            event = self._result(
                name, task_id, fails=name.removeprefix("child ").startswith("r") and not self.choose(2)
            )
        elif "FireAt" in event:
            self.now = max(self.now, datetime.fromisoformat(event["FireAt"]))
        self._send(event)

    def _result(self, name: str, task_id: int, *, fails: bool) -> Event:
        is_child = name.startswith("child ")
        if fails:
            kind = EventType.CHILD_FAILED if is_child else EventType.TASK_FAILED
            return failure(kind, task_id, f"{name} failed", None, self.now)
        kind = EventType.CHILD_COMPLETED if is_child else EventType.TASK_COMPLETED
        return completion(kind, task_id, json.dumps(f"{name} done"), self.now)

    def _send(self, event: Event) -> None:
        self.seq += 1
        self.inbox.append(Message(self.seq, None, event))


SHAPES = [parallel_retries, retry_race, mixture, late_awaits]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("restores", [False, True], ids=["in memory", "restored"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_schedule_ends_and_every_result_reaches_its_task(shape: Any, restores: bool, data: Any) -> None:
    def choose(count: int) -> int:
        return int(data.draw(st.integers(0, count - 1)))

    hub = ModelHub(Orchestrator.create(shape), choose, restores)
    ended = hub.run()
    assert ended.status == RuntimeStatus.COMPLETED, ended.output
    _check_results(shape, json.loads(ended.output or ""))
    _check_ids(hub.history)


def _check_results(shape: Any, results: list[str]) -> None:
    if shape is parallel_retries:
        assert results[-1] == "clean done"
        assert results[:-1] == ["r0 done", "r1 done", "r2 done", "plain done"] or "failed" in results[0]
    elif shape is retry_race:
        assert results == [f"between{n} done" for n in range(4)]
    elif shape is mixture:
        assert results[0] in {"event", "timer"}
        assert results[1] == "entity"
        assert results[2] in {"child r done", "child r failed"}
    else:
        assert [result.split()[0] for result in results] == ["r1", "r0", "last"]


def _check_ids(history: list[Event]) -> None:
    created = sorted(event["EventId"] for event in history if event["EventId"] >= 0)
    assert created == list(range(len(created)))


def test_a_failed_attempt_costs_no_call_of_the_orchestrator() -> None:
    """The worked example: retry twice, then wait for an event."""
    calls = []

    def example(context: Any) -> Generator[Any, Any, Any]:
        value = yield context.call_activity_with_retry("r", RetryOptions(5000, 3), "x")
        return [value, (yield context.wait_for_external_event("Go"))]

    orchestrator = Orchestrator.create(example)
    choices = iter([0, 0, 0, 0, 0, 0, 0, 1])  # one at a time; the first attempt fails, the second succeeds

    def counted(context: str) -> str:
        calls.append(context)
        return str(orchestrator(context))

    hub = ModelHub(counted, lambda _: next(choices, 0))
    ended = hub.run()
    assert ended.output == '["r done", "now"]'
    assert len(calls) == 3
    kinds = [event["EventType"] for event in hub.history]
    assert kinds == [12, 0, 4, 13, 12, 6, 10, 13, 12, 11, 4, 13, 12, 5, 13, 12, 15, 1, 13]
    assert [event["EventId"] for event in hub.history if event["EventId"] >= 0] == [0, 1, 2]
