"""Single episodes of the pure core: what is taken, dropped or refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from localazure.durable.episode import begin, finish
from localazure.durable.events import EventType, completion, event, event_raised, failure, parse_stored, timer_fired
from localazure.durable.execution import Execution
from localazure.durable.records import Decision, Message, Start
from localazure.durable.sdk import MalformedAnswer, context_input, read_answer, read_failure
from localazure.durable.settings import TaskHubSettings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CALL_A = {"actionType": 0, "functionName": "A", "input": "null"}
CALL_B = {"actionType": 0, "functionName": "B", "input": "null"}
RETRY_R = {
    "actionType": 1,
    "functionName": "R",
    "input": "null",
    "retryOptions": {"firstRetryIntervalInMilliseconds": 5000, "maxNumberOfAttempts": 2},
}
WAIT_GO = {"actionType": 6, "externalEventName": "Go", "reason": "ExternalEvent"}


def timer(seconds: int, *, canceled: bool = False) -> dict[str, Any]:
    fire_at = (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"actionType": 5, "fireAt": fire_at, "isCanceled": canceled}


def when_all(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 12, "compoundActions": list(actions)}


def when_any(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 11, "compoundActions": list(actions)}


class Driver:
    """An execution that is answered by hand."""

    def __init__(self) -> None:
        self.execution = Execution(Start("i", "e1", "Orch", None, None))
        self.inbox: list[Message] = []
        self.now = NOW
        self._seq = 0

    def send(self, *events: dict[str, Any], execution_id: str | None = "e1") -> None:
        for each in events:
            self._seq += 1
            self.inbox.append(Message(self._seq, execution_id, each))

    def step(self, *actions: dict[str, Any], **state: Any) -> Decision:
        """One episode in which the orchestrator, if it is called, returns these actions."""
        episode = begin(self.execution, self.inbox, self.now)
        assert episode is not None
        answer = None
        if self.execution.needs_call:
            text = json.dumps({"isDone": False, "schemaVersion": 2, "actions": [actions], **state})
            answer = read_answer(text)
        decision = finish(episode, answer, self.inbox, self.now, TaskHubSettings())
        self.inbox = [message for message in self.inbox if message.seq not in episode.consumed]
        return decision


@pytest.fixture
def driver() -> Driver:
    return Driver()


def test_results_for_another_execution_or_a_closed_task_are_dropped_without_history(driver: Driver) -> None:
    driver.step(CALL_A, WAIT_GO)
    driver.send(completion(EventType.TASK_COMPLETED, 0, "1", NOW), execution_id="e0")
    driver.send(completion(EventType.TASK_COMPLETED, 7, "1", NOW))
    decision = driver.step()
    assert (decision.consumed, decision.history, driver.inbox) == ([1, 2], "", [])


def test_a_result_that_comes_twice_counts_once(driver: Driver) -> None:
    driver.step(CALL_A, WAIT_GO)
    driver.send(*[completion(EventType.TASK_COMPLETED, 0, "1", NOW)] * 2)
    decision = driver.step(CALL_A, WAIT_GO)
    assert [each["EventType"] for each in parse_stored(decision.history)] == [12, 5, 13]
    assert decision.consumed == [1, 2]


def test_a_timer_that_fires_after_it_was_cancelled_is_dropped(driver: Driver) -> None:
    driver.step(when_any(timer(5), CALL_A))
    driver.send(completion(EventType.TASK_COMPLETED, 1, "1", NOW))
    cancelled = driver.step(when_any(timer(5, canceled=True), CALL_A), CALL_B)
    assert cancelled.ended_timers == [0]
    driver.send(timer_fired(0, NOW, NOW))
    assert driver.step().history == ""


def test_a_timer_created_and_cancelled_at_once_keeps_its_id_and_event_and_never_fires(driver: Driver) -> None:
    decision = driver.step(when_any(timer(5, canceled=True), CALL_A))
    created = [each["EventId"] for each in parse_stored(decision.history) if each["EventId"] >= 0]
    assert (created, decision.timers) == ([0, 1], [])
    assert list(driver.execution.open) == [1]


def test_an_episode_is_never_dated_before_the_timers_it_brings(driver: Driver) -> None:
    driver.step(timer(30))
    driver.send(timer_fired(0, NOW + timedelta(seconds=30), NOW))
    decision = driver.step(timer(30), isDone=True)
    assert parse_stored(decision.history)[0]["Timestamp"] == "2026-01-01T00:00:30.000000Z"


def test_a_failed_attempt_behind_another_result_waits_for_the_next_episode(driver: Driver) -> None:
    driver.step(when_any(CALL_A, when_all(RETRY_R)))
    driver.send(completion(EventType.TASK_COMPLETED, 0, "1", NOW), failure(EventType.TASK_FAILED, 1, "x", None, NOW))
    first = driver.step(when_any(CALL_A, when_all(RETRY_R)), CALL_B)
    assert [each["EventId"] for each in parse_stored(first.history)] == [-1, -1, 2, -1]
    second = driver.step()
    assert [(each["EventType"], each["EventId"]) for each in parse_stored(second.history)] == [
        (12, -1),
        (6, -1),
        (10, 3),
        (13, -1),
    ]


def test_what_follows_a_task_all_is_created_when_all_of_it_has_settled(driver: Driver) -> None:
    driver.step(when_all(CALL_A, CALL_B))
    driver.send(failure(EventType.TASK_FAILED, 0, "broke", None, NOW))
    held = driver.step(when_all(CALL_A, CALL_B), CALL_A)
    assert held.activities == []
    driver.send(completion(EventType.TASK_COMPLETED, 1, "1", NOW))
    released = driver.step(when_all(CALL_A, CALL_B), CALL_A)
    assert [activity.task_id for activity in released.activities] == [2]


def test_an_outcome_waits_for_open_tasks_without_further_calls(driver: Driver) -> None:
    driver.step(when_any(CALL_A, CALL_B))
    driver.send(completion(EventType.TASK_COMPLETED, 0, "1", NOW))
    decision = driver.step(when_any(CALL_A, CALL_B), isDone=True, output=5)
    assert decision.status == "Running"
    driver.send(event_raised("go", None, NOW), execution_id=None)
    driver.send(completion(EventType.TASK_COMPLETED, 1, "1", NOW))
    begun = begin(driver.execution, driver.inbox, NOW)
    assert begun is not None
    assert not driver.execution.needs_call
    ended = finish(begun, None, driver.inbox, NOW, TaskHubSettings())
    assert (ended.status, ended.output) == ("Completed", "5")


def test_nothing_to_take_is_no_episode(driver: Driver) -> None:
    driver.step(WAIT_GO)
    assert begin(driver.execution, [], NOW) is None
    driver.send(event_raised("other", None, NOW), execution_id=None)
    assert begin(driver.execution, driver.inbox, NOW) is None


def test_an_action_of_an_unknown_kind_fails_the_instance(driver: Driver) -> None:
    decision = driver.step({"actionType": 99})
    assert decision.status == "Failed"
    assert "unknown action" in str(decision.output)


def test_an_orchestrator_that_fails_earlier_than_before_is_not_called_non_deterministic(driver: Driver) -> None:
    driver.step(CALL_A)
    driver.send(completion(EventType.TASK_COMPLETED, 0, "1", NOW))
    decision = driver.step(error="boom")
    assert decision.output == "Orchestrator function 'Orch' failed: boom"


def test_terminate_ends_an_instance_that_has_not_begun(driver: Driver) -> None:
    driver.send(event(EventType.EXECUTION_TERMINATED, NOW, Input="why"), execution_id=None)
    decision = driver.step()
    assert (decision.status, decision.output) == ("Terminated", "why")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"isDone": true, "actions": []}', "null"])
def test_an_answer_that_is_no_state_is_malformed(text: str) -> None:
    with pytest.raises(MalformedAnswer):
        read_answer(text)


def test_the_state_in_an_exception_is_behind_its_last_mark() -> None:
    state = '{"isDone": false, "schemaVersion": 2, "actions": [[]], "error": "it\\n\\n$OutOfProcData$: broke"}'
    answer = read_failure(f"it\n\n$OutOfProcData$: broke\n\n$OutOfProcData$:{state}")
    assert answer is not None
    assert answer.error == "it\n\n$OutOfProcData$: broke"
    assert read_failure("plain") is None


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        (None, None),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
        ('{"a": 1}', {"a": 1}),
        ("[1]", "[1]"),
        ("5", "5"),
        ('"5"', "5"),
        ('"x"', '"x"'),
        ("null", "null"),
    ],
)
def test_a_stored_input_is_sent_so_that_the_sdk_decodes_it_once(stored: str | None, sent: Any) -> None:
    assert json.loads(context_input(stored)) == sent
