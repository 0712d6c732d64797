"""Durable entities."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from azure.durable_functions import EntityId
from localazure.durable.functions import FunctionKind

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def counters(rig: Any, seen: list[Any]) -> Any:
    _add_counter(rig, seen)
    return rig


def _add_counter(rig: Any, seen: list[Any]) -> None:
    @rig.functions.entity
    def counter(context: Any) -> None:
        value = context.get_state(lambda: 0)
        argument = context.get_input()
        seen.append((context.entity_key, context.operation_name, argument))
        match context.operation_name:
            case "add":
                context.set_state(value + argument)
            case "get":
                context.set_result(value)
            case "break":
                context.set_state(value + 100)
                raise ValueError("bad operation")
            case "reset":
                context.destruct_on_exit()

    @rig.functions.orchestrator
    def ask(context: Any) -> Any:
        results = []
        for operation, argument in context.get_input():
            try:
                results.append((yield context.call_entity(EntityId("Counter", "k"), operation, argument)))
            except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
                results.append(str(caught))
        return results


async def test_d054_signals_and_calls_change_one_state(counters: Any) -> None:
    for value in (1, 2, 3):
        await counters.client.signal_entity(EntityId("counter", "k"), "add", value)
    await counters.idle()
    assert (await counters.client.read_entity_state(EntityId("counter", "k"))).entity_state == 6
    assert await counters.output("ask", [["get", None], ["add", 4], ["get", None]]) == [6, None, 10]


async def test_d055_an_operation_s_exception_can_be_caught_and_keeps_the_state(counters: Any) -> None:
    assert await counters.output("ask", [["add", 1], ["break", None], ["get", None]]) == [None, "bad operation", 101]


async def test_d056_concurrent_signals_are_applied_once_each_and_never_in_parallel(
    counters: Any, seen: list[Any]
) -> None:
    entity = EntityId("counter", "k")
    call, running = counters.functions.call_entity, 0

    async def slow(*arguments: str) -> Any:
        nonlocal running
        running += 1
        await asyncio.sleep(0)
        assert running == 1
        running -= 1
        return await call(*arguments)

    counters.functions.call_entity = slow
    await asyncio.gather(*(counters.client.signal_entity(entity, "add", 2**number) for number in range(100)))
    await counters.idle()
    assert (await counters.client.read_entity_state(entity)).entity_state == 2**100 - 1
    assert len(seen) == 100


async def test_d057_a_deleted_entity_starts_anew(counters: Any) -> None:
    entity = EntityId("counter", "k")
    await counters.output("ask", [["add", 5], ["reset", None]])
    assert not (await counters.client.read_entity_state(entity)).entity_exists
    assert await counters.output("ask", [["get", None]]) == [0]


async def test_d058_names_ignore_case_and_keys_do_not(counters: Any, seen: list[Any]) -> None:
    await counters.call("POST", "entities/COUNTER/Key?op=add", data="1", headers=JSON)
    await counters.call("POST", "entities/counter/key?op=add", data="2", headers=JSON)
    await counters.idle()
    assert (await counters.call("GET", "entities/Counter/Key"))[:2] == (200, 1)
    assert (await counters.call("GET", "entities/counter/key"))[:2] == (200, 2)


@pytest.mark.parametrize("value", [{"a": 1}, [1], "text", 5])
async def test_d059_inputs_arrive_from_orchestrators_and_clients(counters: Any, seen: list[Any], value: Any) -> None:
    await counters.output("ask", [["note", value], ["note", None]])
    await counters.client.signal_entity(EntityId("counter", "k"), "note", value)
    await counters.idle()
    assert [argument for _, _, argument in seen] == [value, None, value]


async def test_d060_state_survives_a_restart(rig: Any, seen: list[Any]) -> None:
    _add_counter(rig, seen)
    await rig.output("ask", [["add", 5]])
    await rig.restart()
    assert await rig.output("ask", [["get", None]]) == [5]


async def test_d061_signals_over_http_carry_json(counters: Any, seen: list[Any]) -> None:
    status, _, _ = await counters.call("POST", "entities/counter/k?op=note", data='{"a": 1}', headers=JSON)
    assert status == 202
    await counters.idle()
    assert seen == [("k", "note", {"a": 1})]
    assert (await counters.call("POST", "entities/nobody/k?op=note", data="1", headers=JSON))[0] == 400
    assert (await counters.call("POST", "entities/counter/k?op=note", data="{", headers=JSON))[0] == 400


async def test_d062_an_operation_without_result_returns_none_after_one_with(counters: Any) -> None:
    assert await counters.output("ask", [["get", None], ["add", 1], ["get", None], ["add", 1]]) == [0, None, 1, None]


async def test_d063_signals_of_one_orchestrator_keep_their_order(counters: Any, seen: list[Any]) -> None:
    @counters.functions.orchestrator
    def signals(context: Any) -> Any:
        for number in range(20):
            context.signal_entity(EntityId("counter", "k"), "note", number)
        return "sent"
        yield

    assert await counters.output("signals") == "sent"
    await counters.idle()
    assert [argument for _, _, argument in seen] == list(range(20))


async def test_entities_can_be_listed(counters: Any) -> None:
    for key in "abc":
        await counters.client.signal_entity(EntityId("counter", key), "add", 1)
    await counters.idle()
    status, first, headers = await counters.call("GET", "entities/counter?top=2&fetchState=true")
    assert status == 200
    assert [(each["entityId"], each["state"]) for each in first] == [
        ({"name": "counter", "key": "a"}, 1),
        ({"name": "counter", "key": "b"}, 1),
    ]
    token = {"x-ms-continuation-token": headers["x-ms-continuation-token"]}
    _, rest, _ = await counters.call("GET", "entities?top=2", headers=token)
    assert [each["entityId"]["key"] for each in rest] == ["c"]


async def test_a_call_to_an_unknown_entity_is_an_error(rig: Any) -> None:
    @rig.functions.orchestrator
    def asks(context: Any) -> Any:
        try:
            yield context.call_entity(EntityId("nobody", "k"), "get")
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    assert (await rig.output("asks")).startswith(
        "The function 'nobody' doesn't exist, is disabled, or is not an entity"
    )


async def test_an_entity_function_that_breaks_answers_with_its_error_and_keeps_the_state(rig: Any) -> None:
    @rig.functions.orchestrator
    def asks(context: Any) -> Any:
        try:
            yield context.call_entity(EntityId("broken", "k"), "get")
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    rig.functions.entity(lambda _: None, "broken")
    rig.functions._functions[FunctionKind.ENTITY]["broken"] = ("broken", lambda _: "no result")
    assert (await rig.output("asks")).startswith("not a batch result")
    assert not (await rig.client.read_entity_state(EntityId("broken", "k"))).entity_exists


async def test_text_and_empty_bodies_and_deletes_reach_an_entity(counters: Any, seen: list[Any]) -> None:
    await counters.call("POST", "entities/counter/k?op=note", data="hello", headers={"Content-Type": "text/plain"})
    await counters.call("POST", "entities/counter/k", headers=JSON)
    await counters.call("DELETE", "entities/counter/k")
    await counters.idle()
    assert seen == [("k", "note", "hello"), ("k", "", None), ("k", "delete", None)]
    assert (await counters.call("GET", "entities/counter/k/more"))[0] == 404


async def test_entities_show_among_instances_when_asked_for(counters: Any) -> None:
    await counters.output("ask", [["add", 5]])
    _, found, _ = await counters.call("GET", "instances?instanceIdPrefix=@counter")
    assert [(each["instanceId"], each["input"]) for each in found] == [("@counter@k", 5)]


async def test_pending_operations_survive_a_restart(rig: Any, seen: list[Any]) -> None:
    _add_counter(rig, seen)
    held = asyncio.Event()
    call = rig.functions.call_entity

    async def hold(name: str, instance_id: str, batch_json: str) -> Any:
        await held.wait()
        return await call(name, instance_id, batch_json)

    rig.functions.call_entity = hold
    for _ in range(3):
        await rig.client.signal_entity(EntityId("counter", "k"), "add", 1)
    await rig.hub.stop(grace_s=0.01)
    held.set()
    await rig.stop()
    await rig.start()
    await rig.idle()
    assert (await rig.client.read_entity_state(EntityId("counter", "k"))).entity_state == 3
