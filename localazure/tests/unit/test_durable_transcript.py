"""What the SDK is told: which events, in what form, and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from azure.durable_functions.models.history.HistoryEvent import HistoryEvent
from localazure.durable.events import Event, EventType, completion, dump, event, event_raised, timer_fired
from localazure.durable.transcript import Transcript, parts_of

AT = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
STARTED = event(EventType.ORCHESTRATOR_STARTED, AT)
BEGIN = [STARTED, event(EventType.EXECUTION_STARTED, AT, Name="o", Version="2", Input='"secret"')]
ENDED = event(EventType.ORCHESTRATOR_COMPLETED, AT, Actions=[])
SENT = event(EventType.EVENT_SENT, AT, event_id=4, InstanceId="@e@k", Name="op", Input='{"id":"r"}')


def _parts(*events: Event) -> Any:
    return parts_of(events, map(dump, events))


def _read(text: str) -> list[dict[str, Any]]:
    return list(json.loads(f"[{text}]"))


def _result(task_id: int) -> Event:
    return completion(EventType.TASK_COMPLETED, task_id, '"x"', AT)


def test_only_what_the_sdk_reads_is_told() -> None:
    scheduled = event(EventType.TASK_SCHEDULED, AT, event_id=0, Name="a")
    told = _read(Transcript().everything(_parts(*BEGIN, scheduled, ENDED)))
    assert [each["EventType"] for each in told] == [12, 0]
    assert told[1] == {"IsPlayed": False, "EventType": 0, "EventId": -1, "Timestamp": "20260304", "Version": "2"}


def test_the_sdk_reads_the_time_of_a_start_to_the_microsecond() -> None:
    (told,) = _read(Transcript().everything(_parts(STARTED)))
    assert told["Timestamp"] == "20260304T050607.000089Z"
    assert HistoryEvent(**told).timestamp == AT


def test_a_payload_is_told_as_it_is_stored() -> None:
    result = completion(EventType.TASK_COMPLETED, 0, json.dumps('"Timestamp":"2026-01-01T00:00:00.000000Z" é'), AT)
    told = _read(Transcript().everything(_parts(STARTED, result)))[1]
    assert (told["Result"], told["TaskScheduledId"]) == (result["Result"], 0)


def test_the_next_call_is_told_everything_but_only_the_news_are_new() -> None:
    transcript = Transcript()
    transcript.add(_parts(*BEGIN, ENDED), called=True)
    latest = _parts(STARTED, _result(0))
    assert [(each["EventType"], each["IsPlayed"]) for each in _read(transcript.everything(latest))] == [
        (12, True),
        (0, True),
        (12, False),
        (5, False),
    ]
    assert [each["EventType"] for each in transcript.news(latest)] == [12, 5]


def test_what_a_call_created_is_news_for_the_next_one() -> None:
    transcript = Transcript()
    transcript.add(_parts(*BEGIN, SENT, ENDED), called=True)
    latest = _parts(STARTED, _result(0))
    assert [each["EventType"] for each in transcript.news(latest)] == [14, 12, 5]
    assert [each["EventType"] for each in _read(transcript.everything(latest))] == [12, 0, 14, 12, 5]


def test_episodes_without_a_call_are_news_under_the_start_of_the_next_one() -> None:
    transcript = Transcript()
    transcript.add(_parts(*BEGIN, ENDED), called=True)
    transcript.add(_parts(STARTED, _result(0), ENDED), called=False)
    transcript.add(_parts(STARTED, _result(1), ENDED), called=False)
    latest = _parts(STARTED, _result(2))
    assert [(each["EventType"], each.get("TaskScheduledId")) for each in transcript.news(latest)] == [
        (12, None),
        (5, 0),
        (5, 1),
        (5, 2),
    ]


def test_the_news_are_what_a_text_would_say() -> None:
    transcript = Transcript()
    transcript.add(_parts(*BEGIN, SENT, ENDED), called=True)
    latest = _parts(STARTED, _result(0), timer_fired(1, AT, AT), event_raised("go", "1", AT))
    told, news = _read(transcript.everything(latest))[2:], transcript.news(latest)
    assert [vars(HistoryEvent(**each)) for each in told] == [vars(HistoryEvent(**each)) for each in news]
