"""Queue trigger and output against a real Azurite."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def _new_queue(queues: QueueServiceClient, name: str) -> QueueClient:
    queue = queues.get_queue_client(name)
    await queue.create_queue()
    return queue


async def _peek(queues: QueueServiceClient, name: str) -> list[str]:
    try:
        return [str(message.content) for message in await queues.get_queue_client(name).peek_messages(32)]
    except ResourceNotFoundError:
        return []


@pytest.fixture(scope="module")
def host(module_hosts: Any, azurite: str) -> Any:
    return module_hosts.start("queues", AzureWebJobsStorage=azurite, PREFIX="shared")


async def test_h056_message_is_processed_once_and_deleted(host, queues, eventually) -> None:
    # The queue is made after the host has started (line 62 of the checklist).
    queue = await _new_queue(queues, "shared-orders")
    sent = await queue.send_message(_encoded("hello"))
    [record] = await host.recorded("take_order")
    assert record == {"id": sent.id, "body": "hello", "dequeue_count": 1}

    async def is_empty() -> bool:
        return (await queue.get_queue_properties()).approximate_message_count == 0

    await eventually(is_empty)


@pytest.mark.parametrize(
    ("queue", "function", "type_name"), [("text", "take_text", "str"), ("bytes", "take_bytes", "bytes")]
)
async def test_h027_annotation_decides_how_the_message_arrives(host, queues, queue, function, type_name) -> None:
    await (await _new_queue(queues, f"shared-{queue}")).send_message(_encoded("grüß"))
    assert await host.recorded(function) == [{"type": type_name, "value": "grüß"}]


async def test_h053_manual_run_delivers_the_given_text(host, http) -> None:
    async with http.post(f"{host.url}/admin/functions/take_text", json={"input": "by hand"}) as response:
        assert (response.status, await response.read()) == (202, b"")
    await host.logged('"value": "by hand"')


async def test_h063_output_creates_the_queue_and_writes_base64(host, http, queues) -> None:
    async with http.post(f"{host.url}/api/send/made", data="first") as response:
        assert response.status == 200
    assert await _peek(queues, "shared-made") == [_encoded("first")]


async def test_h063_list_output_writes_one_message_each(host, http, queues) -> None:
    async with http.post(f"{host.url}/api/send-many", json=["a", "b", '{"c": 1}']) as response:
        assert response.status == 200
    assert sorted(await _peek(queues, "shared-many")) == sorted(map(_encoded, ["a", "b", '{"c": 1}']))


async def test_h023_unset_output_writes_nothing(host, http, queues) -> None:
    async with http.post(f"{host.url}/api/send/nothing") as response:
        assert response.status == 200
    assert await _peek(queues, "shared-nothing") == []


async def test_h024_function_that_fails_after_setting_an_output_writes_nothing(host, http, queues) -> None:
    async with http.post(f"{host.url}/api/send/failed?fail=1", data="never") as response:
        assert response.status == 500
    assert await _peek(queues, "shared-failed") == []


async def test_h025_returning_a_value_without_return_binding_fails(host, http) -> None:
    async with http.post(f"{host.url}/admin/functions/answers", json={"input": "x"}) as response:
        assert response.status == 202
    await host.logged("RuntimeError: function 'answers' without a $return binding returned a non-None value")


async def test_h057_failing_message_is_tried_five_times_and_then_poison(host, queues, eventually) -> None:
    queue = queues.get_queue_client("shared-orders")
    await queue.send_message(_encoded("fail me"))

    async def is_poison() -> bool:
        return await _peek(queues, "shared-orders-poison") == [_encoded("fail me")]

    await eventually(is_poison)
    counts = [r["dequeue_count"] for r in host.records("take_order") if r["body"] == "fail me"]
    assert counts == [1, 2, 3, 4, 5]
    assert (
        "Message has reached MaxDequeueCount of 5. Moving message to queue 'shared-orders-poison'." in host.log_text()
    )
    assert await _peek(queues, "shared-orders") == []


async def test_h060_body_that_is_not_base64_is_poison_without_a_call(host, queues, eventually) -> None:
    queue = queues.get_queue_client("shared-text")
    await queue.send_message("not base64!")

    async def is_poison() -> bool:
        return await _peek(queues, "shared-text-poison") == ["not base64!"]

    await eventually(is_poison)
    assert all(record["value"] != "not base64!" for record in host.records("take_text"))


async def test_options_of_host_json_are_honoured(hosts, azurite, queues, eventually) -> None:
    """Lines 58, 60 (raw bodies) and 61 of the checklist, with one host."""
    options = {"messageEncoding": "none", "maxDequeueCount": "2", "batchSize": "1", "newBatchThreshold": "0"}
    overrides = {f"AzureFunctionsJobHost__extensions__queues__{key}": value for key, value in options.items()}
    slow = await _new_queue(queues, "raw-slow")
    orders = await _new_queue(queues, "raw-orders")
    for number in range(3):
        await slow.send_message(f"plain {number}")
    await orders.send_message("fail twice")
    host = hosts.start("queues", AzureWebJobsStorage=azurite, PREFIX="raw", **overrides)
    records = await host.recorded("take_slowly", count=3)
    assert {record["message"] for record in records} == {"plain 0", "plain 1", "plain 2"}
    assert {record["at_once"] for record in records} == {1}

    async def is_poison() -> bool:
        return await _peek(queues, "raw-orders-poison") == ["fail twice"]

    await eventually(is_poison)
    assert [record["dequeue_count"] for record in host.records("take_order")] == [1, 2]


async def test_h065_message_of_a_killed_host_is_delivered_again(hosts, azurite, queues) -> None:
    queue = await _new_queue(queues, "killed-stuck")
    await queue.send_message(_encoded("once more"))
    first = hosts.start("queues", AzureWebJobsStorage=azurite, PREFIX="killed")
    [[message_id, receipt, count]] = await first.recorded("take_and_stay")
    assert count == 1
    assert await _peek(queues, "killed-stuck") == [], "hidden while its function runs"
    first.kill()
    # Instead of waiting for ten minutes: what the service does when the time is over.
    await queue.update_message(message_id, receipt, visibility_timeout=0)
    second = hosts.start("queues", AzureWebJobsStorage=azurite, PREFIX="killed")
    [[again, _, count]] = await second.recorded("take_and_stay")
    assert (again, count) == (message_id, 2)


async def test_host_stops_in_time_although_a_thread_of_the_app_does_not(hosts, azurite, queues) -> None:
    queue = await _new_queue(queues, "stopped-stuck")
    await queue.send_message(_encoded("for ever"))
    host = hosts.start("queues", "--grace", "0.3", AzureWebJobsStorage=azurite, PREFIX="stopped")
    await host.recorded("take_and_stay")
    assert host.stop() == 0
    assert "Executed 'Functions.take_and_stay' (Cancelled" in host.log_text()
    assert (await queue.get_queue_properties()).approximate_message_count == 1, "left for redelivery"
