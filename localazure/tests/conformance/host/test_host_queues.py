"""Queue trigger and output against a real Azurite."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueServiceClient as SyncQueueServiceClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient
from localazure.host.functions import Binding, HostedFunction
from localazure.host.host_json import Section
from localazure.host.invocation import TriggerCall
from localazure.host.queue_options import QueueOptions
from localazure.host.queue_trigger import QueueListener
from localazure.host.settings import Settings
from localazure.host.storage import StorageClients


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def _new_queue(queues: QueueServiceClient, name: str) -> QueueClient:
    queue = queues.get_queue_client(name)
    await queue.create_queue()
    return queue


async def _made(queues: QueueServiceClient, name: str) -> QueueClient:
    """The queue, which another test may have made already."""
    with suppress(ResourceExistsError):
        return await _new_queue(queues, name)
    return queues.get_queue_client(name)


async def _is_empty(queue: QueueClient) -> bool:
    """Hidden messages count, too."""
    return (await queue.get_queue_properties()).approximate_message_count == 0


async def _peek(queues: QueueServiceClient, name: str) -> list[str]:
    try:
        return [str(message.content) for message in await queues.get_queue_client(name).peek_messages(32)]
    except ResourceNotFoundError:
        return []


def _options(**options: str) -> dict[str, str]:
    return {f"AzureFunctionsJobHost__extensions__queues__{key}": value for key, value in options.items()}


@pytest.fixture(scope="module")
def host(module_hosts: Any, azurite: str) -> Any:
    return module_hosts.start("queues", AzureWebJobsStorage=azurite, PREFIX="shared")


@pytest.fixture(scope="module", autouse=True)
def patient(module_hosts: Any, azurite: str) -> Any:
    """A host that polls rarely and takes its time after a failure; begun first, looked at in the last tests."""
    with SyncQueueServiceClient.from_connection_string(azurite) as service:
        service.create_queue("patient-orders").send_message(_encoded("fail slowly"))
    options = _options(visibilityTimeout="00:00:10", maxPollingInterval="00:01:00")
    return module_hosts.start("queues", state="patient", AzureWebJobsStorage=azurite, PREFIX="patient", **options)


async def test_h056_message_is_processed_once_and_deleted(host, queues, eventually) -> None:
    queue = await _made(queues, "shared-orders")
    sent = await queue.send_message(_encoded("hello"))
    [record] = await host.recorded("take_order")
    expected = {"id": sent.id, "body": "hello", "dequeue_count": 1}
    assert record.items() >= expected.items()
    assert record["inserted"] == sent.inserted_on.isoformat()
    assert record["expires"] == sent.expires_on.isoformat()
    assert record["has_receipt"]
    await eventually(lambda: _is_empty(queue))


@pytest.mark.parametrize(
    ("queue", "function", "type_name"),
    [("text", "take_text", "str"), ("bytes", "take_bytes", "bytes"), ("object", "take_object", "QueueMessage")],
)
async def test_h027_annotation_decides_how_the_message_arrives(host, queues, queue, function, type_name) -> None:
    await (await _made(queues, f"shared-{queue}")).send_message(_encoded("grüß"))
    assert await host.recorded(function) == [{"type": type_name, "value": "grüß"}]


async def test_h053_manual_run_delivers_the_given_text(host, http, eventually) -> None:
    for function in ("take_text", "take_bytes", "take_order"):
        async with http.post(f"{host.url}/admin/functions/{function}", json={"input": "by händ"}) as response:
            assert (response.status, await response.read()) == (202, b"")
    for function, kind in (("take_text", "str"), ("take_bytes", "bytes")):
        seen = {"type": kind, "value": "by händ"}
        await eventually(lambda function=function, seen=seen: seen in host.records(function), explain=host.log_text)

    def as_object() -> list[Any]:
        return [record for record in host.records("take_order") if record["body"] == "by händ"]

    await eventually(lambda: bool(as_object()), explain=host.log_text)
    [record] = as_object()
    assert (record["dequeue_count"], len(record["id"])) == (1, 36)


async def test_h062_queue_may_be_made_after_the_host_has_started(host, queues) -> None:
    assert "shared-slow" not in [queue.name async for queue in queues.list_queues()]
    await (await _new_queue(queues, "shared-slow")).send_message(_encoded("late"))
    assert [record["message"] for record in await host.recorded("take_slowly")] == ["late"]


async def test_h063_output_creates_the_queue_and_writes_base64(host, http, queues) -> None:
    async with http.post(f"{host.url}/api/send/made", data="first") as response:
        assert response.status == 200
    assert await _peek(queues, "shared-made") == [_encoded("first")]


async def test_body_that_nests_too_deep_to_be_read_is_no_trouble_for_expressions(host, http, queues) -> None:
    async with http.post(f"{host.url}/api/send/deep", data="[" * 20_000) as response:
        assert response.status == 200
    assert await _peek(queues, "shared-deep") == [_encoded("[" * 20_000)]
    async with http.post(f"{host.url}/admin/functions/take_text", data="[" * 20_000) as response:
        assert response.status == 400


async def test_h063_list_output_writes_one_message_each(host, http, queues) -> None:
    async with http.post(f"{host.url}/api/send-many", json=["a", "b", '{"c": 1}']) as response:
        assert response.status == 200
    assert sorted(await _peek(queues, "shared-many")) == sorted(map(_encoded, ["a", "b", '{"c": 1}']))


async def test_h023_set_output_is_written_and_an_unset_one_is_not(host, http, queues) -> None:
    async with http.post(f"{host.url}/api/send/something", data="this") as response:
        assert response.status == 200
    assert await _peek(queues, "shared-something") == [_encoded("this")]
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
    queue = await _made(queues, "shared-orders")
    await queue.send_message(_encoded("fail me"))

    async def is_poison() -> bool:
        return await _peek(queues, "shared-orders-poison") == [_encoded("fail me")]

    await eventually(is_poison)
    counts = [r["dequeue_count"] for r in host.records("take_order") if r["body"] == "fail me"]
    assert counts == [1, 2, 3, 4, 5]
    assert (
        "Message has reached MaxDequeueCount of 5. Moving message to queue 'shared-orders-poison'." in host.log_text()
    )
    await eventually(lambda: _is_empty(queue))


async def test_h060_body_that_is_not_base64_is_poison_without_a_call(host, queues, eventually) -> None:
    queue = await _made(queues, "shared-text")
    calls = host.log_text().count("Executing 'Functions.take_text'")
    await queue.send_message("not base64!")

    async def is_poison() -> bool:
        return await _peek(queues, "shared-text-poison") == ["not base64!"]

    await eventually(is_poison)
    await eventually(lambda: _is_empty(queue))
    assert host.log_text().count("Executing 'Functions.take_text'") == calls


@pytest.fixture(scope="module")
def raw(module_hosts: Any, azurite: str) -> Any:
    """A host that takes raw messages, one at a time, and tries twice."""
    with SyncQueueServiceClient.from_connection_string(azurite) as service:
        for name in ("raw-slow", "raw-orders"):
            service.create_queue(name)
        for number in range(3):
            service.get_queue_client("raw-slow").send_message(f"plain {number}")
    options = _options(messageEncoding="none", maxDequeueCount="2", batchSize="1", newBatchThreshold="0")
    return module_hosts.start("queues", state="raw", AzureWebJobsStorage=azurite, PREFIX="raw", **options)


class TestOptionsOfHostJson:
    async def test_h058_max_dequeue_count_of_two_makes_two_calls(self, raw, queues, eventually) -> None:
        await queues.get_queue_client("raw-orders").send_message("fail twice")

        async def is_poison() -> bool:
            return await _peek(queues, "raw-orders-poison") == ["fail twice"]

        await eventually(is_poison)
        assert [record["dequeue_count"] for record in raw.records("take_order")] == [1, 2]

    async def test_h060_raw_bodies_are_delivered_when_there_is_no_encoding(self, raw) -> None:
        records = await raw.recorded("take_slowly", count=3)
        assert {record["message"] for record in records} == {"plain 0", "plain 1", "plain 2"}

    async def test_h061_batches_of_one_never_run_two_at_once(self, raw) -> None:
        assert {record["at_once"] for record in await raw.recorded("take_slowly", count=3)} == {1}

    async def test_output_is_written_as_it_is(self, raw, http, queues) -> None:
        async with http.post(f"{raw.url}/api/send/made", data="plain") as response:
            assert response.status == 200
        assert await _peek(queues, "raw-made") == ["plain"]


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


async def test_message_that_was_received_too_often_is_poison_without_a_call(hosts, azurite, queues, eventually) -> None:
    """As after a host that died with it in each of its lives."""
    queue = await _new_queue(queues, "deadly-text")
    sent = await queue.send_message(_encoded("deadly"))
    for _ in range(3):
        [received] = [message async for message in queue.receive_messages(visibility_timeout=3600)]
        await queue.update_message(received, visibility_timeout=0)
    assert received.id == sent.id
    host = hosts.start("queues", AzureWebJobsStorage=azurite, PREFIX="deadly", **_options(maxDequeueCount="3"))

    async def is_poison() -> bool:
        return await _peek(queues, "deadly-text-poison") == [_encoded("deadly")]

    await eventually(is_poison)
    await eventually(lambda: _is_empty(queue))
    assert "Executing 'Functions.take_text'" not in host.log_text()


async def test_host_stops_in_time_although_a_thread_of_the_app_does_not(hosts, azurite, queues) -> None:
    queue = await _new_queue(queues, "stopped-stuck")
    await queue.send_message(_encoded("for ever"))
    host = hosts.start("queues", "--grace", "0.3", AzureWebJobsStorage=azurite, PREFIX="stopped")
    await host.recorded("take_and_stay")
    assert host.stop() == 0
    assert "Executed 'Functions.take_and_stay' (Cancelled" in host.log_text()
    assert (await queue.get_queue_properties()).approximate_message_count == 1, "left for redelivery"


async def test_message_stays_hidden_for_as_long_as_its_function_runs(azurite, queues, eventually) -> None:
    """With two seconds instead of ten minutes, renewed every second."""
    queue = await _new_queue(queues, "renewed-text")
    await queue.send_message(_encoded("long work"))
    clients = StorageClients(Settings({"AzureWebJobsStorage": azurite}))
    invoker = _WaitingInvoker()
    options = QueueOptions.read(Section("extensions.queues", {}))
    listener = QueueListener(_queue_function("renewed-text"), invoker, options, clients, visibility_s=2)
    running = asyncio.create_task(listener.run())
    await eventually(lambda: invoker.calls == 1)
    end = asyncio.get_running_loop().time() + 3.5
    while asyncio.get_running_loop().time() < end:
        assert [message async for message in queue.receive_messages(visibility_timeout=1)] == []
    invoker.finish.set()
    await eventually(lambda: _is_empty(queue))
    listener.stop()
    await running
    await clients.close()
    assert invoker.calls == 1


class _WaitingInvoker:
    def __init__(self) -> None:
        self.calls = 0
        self.finish = asyncio.Event()

    async def invoke(self, _: HostedFunction, __: TriggerCall) -> None:
        self.calls += 1
        await self.finish.wait()


def _queue_function(queue: str) -> HostedFunction:
    properties = {"queueName": queue, "connection": "AzureWebJobsStorage"}
    trigger = Binding("message", "queueTrigger", "in", properties)
    return HostedFunction("f", "f", "function_app.py", print, False, (), (trigger,), "message")


async def test_h059_failed_message_comes_back_after_the_visibility_time_out(patient) -> None:
    first, second, *_ = await patient.recorded("take_order", count=2, within_s=30)
    assert second["at"] - first["at"] >= 10


async def test_h064_message_of_an_output_binding_is_taken_without_waiting_for_the_next_poll(
    patient, http, queues
) -> None:
    # After so many empty receives this listener pauses for many seconds at a time.
    await _new_queue(queues, "patient-text")
    async with http.post(f"{patient.url}/api/send/text", data="wake up") as response:
        assert response.status == 200
    assert await patient.recorded("take_text", within_s=1) == [{"type": "str", "value": "wake up"}]
