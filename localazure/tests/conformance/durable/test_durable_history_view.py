"""Histories as the management API shows them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from azure.durable_functions import EntityId

AT = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
def app(rig: Any, add_common: Any) -> Any:
    add_common(rig)
    return _fill(rig)


def _fill(rig: Any) -> Any:
    @rig.functions.orchestrator
    def everything(context: Any) -> Any:
        yield context.call_activity("same", "in")
        yield context.call_sub_orchestrator("echo", "child-in", "child")
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=5))
        yield context.call_entity(EntityId("box", "k"), "get", 7)
        yield context.wait_for_external_event("go")
        try:
            yield context.call_activity("breaks")
        except Exception:  # noqa: BLE001  # the SDK raises nothing narrower
            return "out"

    return rig


async def _run_everything(rig: Any) -> None:
    await rig.client.start_new("everything", "one", {"a": 1})
    await rig.client.raise_event("one", "go", "data")
    assert (await rig.finish("one")).status == "Completed"


async def _history(rig: Any, query: str) -> list[dict[str, Any]]:
    _, body, _ = await rig.call("GET", f"instances/one?showHistory=true&{query}")
    events: list[dict[str, Any]] = body["historyEvents"]
    return events


async def test_d070_a_history_merges_tasks_with_their_results(app: Any) -> None:
    await _run_everything(app)
    five = "2026-01-01T00:00:05.000000Z"
    *events, failed, ended = await _history(app, "showHistoryOutput=true")
    sent = json.loads(events[5].pop("Input"))
    answered = events[6].pop("Name")
    assert events == [
        {"EventType": "ExecutionStarted", "Timestamp": AT, "FunctionName": "everything", "Input": '"{\\"a\\": 1}"'},
        {
            "EventType": "TaskCompleted",
            "Timestamp": AT,
            "Result": "in",
            "ScheduledTime": AT,
            "FunctionName": "same",
            "Input": None,
        },
        {
            "EventType": "SubOrchestrationInstanceCompleted",
            "Timestamp": AT,
            "Result": "child-in",
            "ScheduledTime": AT,
            "FunctionName": "echo",
            "Input": None,
        },
        {"EventType": "TimerCreated", "Timestamp": AT, "FireAt": five},
        {"EventType": "TimerFired", "Timestamp": five, "FireAt": five},
        {"EventType": "EventSent", "Timestamp": five, "InstanceId": "@box@k", "Name": "op"},
        {"EventType": "EventRaised", "Timestamp": five, "Input": '{"result":"null"}'},
        {"EventType": "EventRaised", "Timestamp": AT, "Name": "go", "Input": '"\\"data\\""'},
    ]
    assert (sent["op"], sent["input"], sent["id"]) == ("get", '"7"', answered)
    assert (failed["EventType"], failed["FunctionName"], failed["ScheduledTime"]) == ("TaskFailed", "breaks", five)
    assert failed["Reason"] == "Activity function 'breaks' failed:  ValueError: broke"
    assert ended == {
        "EventType": "ExecutionCompleted",
        "Timestamp": five,
        "OrchestrationStatus": "Completed",
        "Result": "out",
    }


async def test_d070_outputs_and_inputs_are_left_out_when_they_are_not_wanted(app: Any) -> None:
    await _run_everything(app)
    assert all("Result" not in each for each in await _history(app, ""))
    assert any("Input" in each for each in await _history(app, ""))
    assert all("Input" not in each for each in await _history(app, "showInput=false"))
    _, body, _ = await app.call("GET", "instances/one?showInput=FALSE")
    assert (body["input"], "historyEvents" in body) == (None, False)
    _, body, _ = await app.call("GET", "instances/one?showInput=perhaps&showHistory=perhaps")
    assert (body["input"], "historyEvents" in body) == ('{"a": 1}', False)


async def test_d070_a_task_without_result_is_shown_as_scheduled(app: Any) -> None:
    @app.functions.orchestrator
    def parent(context: Any) -> Any:
        yield context.call_sub_orchestrator("waits", "in", "child")

    await app.client.start_new("parent", "one")
    await app.idle()
    created = {"EventType": "SubOrchestrationInstanceCreated", "Timestamp": AT, "InstanceId": "child", "Name": "waits"}
    assert (await _history(app, ""))[1:] == [created | {"Input": None}]
    await app.client.terminate("one", "why")
    await app.finish("one")
    ended = {"EventType": "ExecutionTerminated", "Timestamp": AT, "Input": "why"}
    assert (await _history(app, ""))[1:] == [created | {"Input": None}, ended]


async def test_d070_inputs_of_tasks_are_shown_when_the_settings_store_them(make_rig: Any, add_common: Any) -> None:
    rig = _fill(await make_rig(store_inputs=True))
    add_common(rig)
    await _run_everything(rig)
    tasks = [each for each in await _history(rig, "") if "ScheduledTime" in each]
    assert [each["Input"] for each in tasks] == ['["\\"in\\""]', '"\\"child-in\\""', '["null"]']
