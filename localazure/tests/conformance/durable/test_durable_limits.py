"""What is too large or malformed is refused or fails one instance; the hub goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure.durable_functions import EntityId
from localazure.durable.functions import FunctionKind

LIMIT = 1000
JSON = {"Content-Type": "application/json"}
TIMER = {"actionType": 5, "fireAt": "2026-01-01T00:00:00Z", "isCanceled": False}
RETRY = {"firstRetryIntervalInMilliseconds": 1, "maxNumberOfAttempts": 2}


@pytest.fixture
async def small(make_rig: Any) -> Any:
    """A hub whose payloads have at most a thousand bytes."""
    rig = await make_rig(max_payload_bytes=LIMIT)
    rig.functions.activity(lambda size: "x" * size, "make")
    rig.functions.activity(len, "measure")

    @rig.functions.entity
    def box(context: Any) -> None:
        if context.operation_name == "set":
            context.set_state("x" * context.get_input())
        elif context.operation_name == "make":
            context.set_result("x" * context.get_input())

    @rig.functions.orchestrator
    def does(context: Any) -> Any:
        what, size = context.get_input()
        box = EntityId("box", "k")
        tasks = {
            "activity": lambda: context.call_activity("measure", "x" * size),
            "result": lambda: context.call_activity("make", size),
            "child": lambda: context.call_sub_orchestrator("child", "x" * size),
            "operation": lambda: context.call_entity(box, "note", "x" * size),
            "state": lambda: context.call_entity(box, "set", size),
            "answer": lambda: context.call_entity(box, "make", size),
            "http": lambda: context.call_http("POST", "http://127.0.0.1:1/", "x" * size),
        }
        if what == "output":
            return "x" * size
        if what == "again":
            context.continue_as_new(["output", "x" * size])
            return None
        try:
            yield tasks[what]()
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return f"caught {str(caught)[:200]}"

    rig.functions.orchestrator(lambda _: None, "child")
    return rig


@pytest.mark.parametrize("what", ["activity", "child", "operation", "http", "output", "again"])
async def test_an_orchestrator_that_sends_too_much_fails(small: Any, what: str) -> None:
    instance = await small.run("does", [what, LIMIT + 1])
    assert instance.status == "Failed"
    assert f"; at most {LIMIT} are allowed." in instance.output


@pytest.mark.parametrize("what", ["result", "state", "answer"])
async def test_a_function_that_returns_too_much_fails_its_caller(small: Any, what: str) -> None:
    text = await small.output("does", [what, LIMIT + 1])
    assert text.startswith("caught ")
    assert f"has {LIMIT + 3} bytes; at most {LIMIT} are allowed." in text
    assert not (await small.client.read_entity_state(EntityId("box", "k"))).entity_exists


@pytest.mark.parametrize("what", ["activity", "child", "operation", "result", "state", "answer"])
async def test_what_is_just_small_enough_passes(small: Any, what: str) -> None:
    assert not str(await small.output("does", [what, LIMIT - 10])).startswith("caught")


@pytest.mark.parametrize("path", ["orchestrators/does", "instances/open/raiseEvent/go", "entities/box/k?op=set"])
async def test_bodies_above_the_limit_are_refused(small: Any, path: str) -> None:
    @small.functions.orchestrator
    def waits(context: Any) -> Any:
        yield context.wait_for_external_event("go")

    await small.client.start_new("waits", "open")
    for text, status in (("x" * LIMIT, 413), ("ä" * (LIMIT // 2), 413), ("x" * (LIMIT - 10), 202)):
        answered, body, _ = await small.call("POST", path, data=json.dumps(text, ensure_ascii=False), headers=JSON)
        assert answered == status
        assert status == 202 or "bytes; at most 1000 are allowed." in body["ExceptionMessage"]


async def test_large_payloads_pass_everywhere(rig: Any) -> None:
    text = "x" * 2**20

    @rig.functions.entity
    def box(context: Any) -> None:
        context.set_state(context.get_input())
        context.set_result(context.get_input())

    @rig.functions.orchestrator
    def child(context: Any) -> Any:
        return context.get_input()
        yield

    @rig.functions.orchestrator
    def heavy(context: Any) -> Any:
        kept = yield context.call_entity(EntityId("box", "k"), "set", context.get_input())
        sent = yield context.call_sub_orchestrator("child", kept)
        return [sent, (yield context.wait_for_external_event("go"))]

    instance_id = await rig.client.start_new("heavy", None, text)
    await rig.client.raise_event(instance_id, "go", text)
    assert json.loads((await rig.finish(instance_id)).output) == [text, json.dumps(text)]
    assert (await rig.client.read_entity_state(EntityId("box", "k"))).entity_state == text


@pytest.mark.parametrize(
    "action",
    [
        {"actionType": 99},
        {"actionType": "0"},
        {"actionType": 0, "functionName": "a"},
        {"actionType": 0, "functionName": 5, "input": "null"},
        {"actionType": 0, "functionName": "a", "input": {"not": "text"}},
        {"actionType": 1, "functionName": "a", "input": "null"},
        {"actionType": 1, "functionName": "a", "input": "null", "retryOptions": {}},
        {
            "actionType": 1,
            "functionName": "a",
            "input": "null",
            "retryOptions": RETRY | {"firstRetryIntervalInMilliseconds": 10**18},
        },
        {"actionType": 2, "functionName": "a", "input": "null", "instanceId": 5, "version": None},
        {"actionType": 4, "input": None},
        TIMER | {"fireAt": "soon"},
        TIMER | {"fireAt": "0001-01-01T00:00:00+14:00"},
        TIMER | {"isCanceled": "no"},
        {"actionType": 6},
        {"actionType": 7, "instanceId": "box", "operation": "get", "input": "null"},
        {"actionType": 7, "instanceId": "@box@k", "operation": None, "input": "null"},
        {"actionType": 8, "httpRequest": {"uri": "x"}},
        {"actionType": 8, "httpRequest": {"method": "GET", "uri": None}},
        {"actionType": 11, "compoundActions": None},
        {"actionType": 12, "compoundActions": [TIMER, {"actionType": 6}]},
        5,
        None,
    ],
)
async def test_an_action_of_a_wrong_shape_fails_its_instance_and_not_the_hub(rig: Any, action: Any) -> None:
    text = json.dumps({"isDone": False, "schemaVersion": 2, "actions": [[action]]})
    rig.functions._add(FunctionKind.ORCHESTRATOR, "odd", lambda _: text)
    instance = await rig.run("odd")
    assert instance.status == "Failed"
    assert "The orchestrator returned an unknown action: " in instance.output

    @rig.functions.orchestrator
    def fine(context: Any) -> Any:
        return "fine"
        yield

    assert await rig.output("fine") == "fine"


@pytest.mark.parametrize("text", ["", "null", "[]", '{"isDone": true}', '{"isDone": true, "actions": [5]}'])
async def test_an_answer_that_is_no_state_fails_its_instance(rig: Any, text: str) -> None:
    rig.functions._add(FunctionKind.ORCHESTRATOR, "odd", lambda _: text)
    instance = await rig.run("odd")
    assert (instance.status, "not an orchestrator state" in instance.output) == ("Failed", True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"entityState": {"not": "text"}},
        {"results": []},
        {"results": [{"isError": False, "result": 5}]},
        {"results": None},
    ],
)
async def test_an_entity_result_of_a_wrong_shape_is_an_error_of_its_caller(rig: Any, wrong: dict[str, Any]) -> None:
    result = {"isError": False, "duration": 0, "startTime": 0, "result": "1"}
    text = json.dumps({"entityExists": True, "entityState": "1", "results": [result], "signals": []} | wrong)
    rig.functions._add(FunctionKind.ENTITY, "odd", lambda _: text)

    @rig.functions.orchestrator
    def asks(context: Any) -> Any:
        try:
            return (yield context.call_entity(EntityId("odd", "k"), "get"))
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    assert "result" in await rig.output("asks")
    assert not (await rig.client.read_entity_state(EntityId("odd", "k"))).entity_exists


@pytest.mark.parametrize("key", ["a/b", "a#b", "a?b", "a\\b", "a\tb", "\ud800"])
async def test_a_call_to_an_entity_whose_key_is_no_key_is_an_error(rig: Any, key: str) -> None:
    rig.functions.entity(lambda context: context.set_result("reached"), "box")

    @rig.functions.orchestrator
    def asks(context: Any) -> Any:
        try:
            return (yield context.call_entity(EntityId("box", key), "get"))
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    assert "do not name an entity" in await rig.output("asks")


async def test_a_batch_of_operations_is_one_call_when_the_settings_say_so(make_rig: Any) -> None:
    rig = await make_rig(max_entity_batch=10)
    batches = []
    call = rig.functions.call_entity

    async def watched(name: str, instance_id: str, batch_json: str) -> str:
        batches.append(len(json.loads(batch_json)["batch"]))
        return str(await call(name, instance_id, batch_json))

    rig.functions.call_entity = watched

    @rig.functions.entity
    def box(context: Any) -> None:
        context.set_state(context.get_state(lambda: 0) + context.get_input())

    @rig.functions.orchestrator
    def signals(context: Any) -> Any:
        for number in range(25):
            context.signal_entity(EntityId("box", "k"), "add", number)
        return "sent"
        yield

    assert await rig.output("signals") == "sent"
    await rig.idle()
    assert (await rig.client.read_entity_state(EntityId("box", "k"))).entity_state == 300
    assert batches == [10, 10, 5]
