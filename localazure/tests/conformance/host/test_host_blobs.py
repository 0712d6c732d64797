"""Blob trigger and bindings against a real Azurite."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient
from azure.storage.queue.aio import QueueServiceClient

POISON_QUEUE = "webjobs-blobtrigger-poison"


@pytest.fixture(scope="module")
def host(module_hosts: Any, azurite: str) -> Any:
    return module_hosts.start("blobs", AzureWebJobsStorage=azurite, PREFIX="shared")


async def _made(blobs: BlobServiceClient, name: str) -> ContainerClient:
    container = blobs.get_container_client(name)
    if not await container.exists():
        await container.create_container()
    return container


async def _text(container: ContainerClient, name: str) -> str | None:
    try:
        return (await (await container.download_blob(name)).readall()).decode()
    except ResourceNotFoundError:
        return None


async def _poison(queues: QueueServiceClient, container: str) -> list[dict[str, Any]]:
    try:
        messages = await queues.get_queue_client(POISON_QUEUE).peek_messages(32)
    except ResourceNotFoundError:
        return []
    records = [json.loads(base64.b64decode(message.content)) for message in messages]
    return [record for record in records if record["ContainerName"] == container]


async def _receipts(blobs: BlobServiceClient, part: str) -> list[Any]:
    hosts = blobs.get_container_client("azure-webjobs-hosts")
    listed = [blob async for blob in hosts.list_blobs(name_starts_with="blobreceipts/", include=["metadata"])]
    return [blob for blob in listed if part in blob.name]


async def test_h081_new_blob_triggers_once_and_a_new_version_again_but_a_restart_does_not(
    hosts, azurite, blobs, eventually
) -> None:
    first = hosts.start("blobs", AzureWebJobsStorage=azurite, PREFIX="restart")
    container = await _made(blobs, "restart-all")
    await container.upload_blob("a/b.txt", b"one", metadata={"owner": "ada"})
    [record] = await first.recorded("on_any")
    assert record == {
        "name": "restart-all/a/b.txt",
        "length": 3,
        "text": "one",
        "metadata": {"owner": "ada"},
        "has_uri": True,
        "type": "application/octet-stream",
    }
    await container.upload_blob("a/b.txt", b"two", overwrite=True)
    assert [record["text"] for record in await first.recorded("on_any", count=2)] == ["one", "two"]

    async def is_done() -> bool:
        receipts = await _receipts(blobs, "/restart-all/a/b.txt")
        return len(receipts) == 2 and not any(receipt.metadata for receipt in receipts)

    await eventually(is_done)
    assert first.stop() == 0
    second = hosts.start("blobs", AzureWebJobsStorage=azurite, PREFIX="restart")
    await container.upload_blob("later", b"three")
    assert [record["text"] for record in await second.recorded("on_any")] == ["three"]


async def test_version_that_comes_while_the_one_before_is_in_work_is_processed_after_it(hosts, azurite, blobs) -> None:
    container = await _made(blobs, "quick-slow")
    await container.upload_blob("twice", b"one")
    host = hosts.start("blobs", AzureWebJobsStorage=azurite, PREFIX="quick", SLOW_SECONDS="1.5")
    await host.recorded("stays")
    await container.upload_blob("twice", b"two", overwrite=True)
    assert len(await host.recorded("stays", count=2)) == 2


async def test_receipt_is_where_the_original_keeps_it(host, blobs, eventually) -> None:
    container = await _made(blobs, "shared-all")
    etag = (await container.get_blob_client("kept").upload_blob(b"x"))["etag"]
    await eventually(lambda: any(record["name"] == "shared-all/kept" for record in host.records("on_any")))

    async def is_kept() -> bool:
        return bool(await _receipts(blobs, f"/Host.Functions.on_any/{etag}/shared-all/kept"))

    await eventually(is_kept)


async def test_h082_pattern_selects_blobs_and_its_name_reaches_an_output_path(host, blobs, eventually) -> None:
    samples, copies = await _made(blobs, "shared-samples"), await _made(blobs, "shared-copies")
    await samples.upload_blob("a.csv", b"not this one")
    await samples.upload_blob("a.b.txt", b"this one")

    async def is_copied() -> bool:
        return await _text(copies, "a.b.copy") == "THIS ONE"

    await eventually(is_copied, explain=host.log_text)
    assert host.records("copy_text") == ["this one"]
    assert [blob.name async for blob in copies.list_blobs()] == ["a.b.copy"]
    # The output binding wakes the trigger of its container, whose input binding reads by the earlier placeholder.
    assert await host.recorded("on_copy") == [["THIS ONE", "this one"]]


async def test_h083_five_failures_leave_a_record_in_the_poison_queue(host, blobs, queues, eventually) -> None:
    container = await _made(blobs, "shared-broken")
    etag = (await container.get_blob_client("bad.bin").upload_blob(b"x"))["etag"]

    async def is_poison() -> bool:
        return bool(await _poison(queues, "shared-broken"))

    await eventually(is_poison, explain=host.log_text)
    assert await _poison(queues, "shared-broken") == [
        {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.always_fails",
            "BlobType": "BlockBlob",
            "ContainerName": "shared-broken",
            "BlobName": "bad.bin",
            "ETag": etag,
        }
    ]
    assert host.records("always_fails") == ["shared-broken/bad.bin"] * 5
    moved = "Message has reached MaxDequeueCount of 5. Moving message to queue 'webjobs-blobtrigger-poison'."
    assert moved in host.log_text()


async def test_poison_blob_threshold_counts_the_attempts(hosts, azurite, blobs, queues, eventually) -> None:
    await (await _made(blobs, "twice-broken")).upload_blob("bad", b"x")
    overrides = {"AzureFunctionsJobHost__extensions__blobs__poisonBlobThreshold": "2"}
    host = hosts.start("blobs", AzureWebJobsStorage=azurite, PREFIX="twice", **overrides)

    async def is_poison() -> bool:
        return bool(await _poison(queues, "twice-broken"))

    await eventually(is_poison, explain=host.log_text)
    assert host.records("always_fails") == ["twice-broken/bad"] * 2


async def test_blob_of_a_killed_host_is_processed_again(hosts, azurite, blobs, eventually) -> None:
    await (await _made(blobs, "killed-slow")).upload_blob("big", b"x")
    first = hosts.start("blobs", AzureWebJobsStorage=azurite, PREFIX="killed", SLOW_SECONDS="60")
    await first.recorded("stays")
    first.kill()
    [receipt] = await _receipts(blobs, "/killed-slow/big")
    assert receipt.metadata == {"Incomplete": "true", "Attempts": "1"}
    second = hosts.start("blobs", AzureWebJobsStorage=azurite, PREFIX="killed")
    assert await second.recorded("stays") == ["killed-slow/big"]


async def test_blob_that_kills_its_host_each_time_is_given_up(hosts, azurite, blobs, queues, eventually) -> None:
    container = await _made(blobs, "deadly-slow")
    await container.upload_blob("bomb", b"x")
    overrides = {"AzureFunctionsJobHost__extensions__blobs__poisonBlobThreshold": "1", "SLOW_SECONDS": "60"}
    first = hosts.start("blobs", AzureWebJobsStorage=azurite, PREFIX="deadly", **overrides)
    await first.recorded("stays")
    first.kill()
    second = hosts.start("blobs", AzureWebJobsStorage=azurite, PREFIX="deadly", **overrides)

    async def is_poison() -> bool:
        return bool(await _poison(queues, "deadly-slow"))

    await eventually(is_poison, explain=second.log_text)
    assert second.records("stays") == []


class TestBindings:
    async def test_output_makes_the_container_and_overwrites(self, host, http, blobs) -> None:
        for body in ("first", "second"):
            async with http.post(f"{host.url}/api/save/note", data=body) as response:
                assert (response.status, await response.text()) == (201, "saved"), host.log_text()
        assert await _text(blobs.get_container_client("shared-made"), "note") == "second"

    async def test_path_may_have_a_random_name_and_the_date(self, host, http, blobs) -> None:
        async with http.post(f"{host.url}/api/stamped", data="x") as response:
            assert response.status == 200, host.log_text()
        names = [blob.name async for blob in blobs.get_container_client("shared-made").list_blobs()]
        assert any(len(name) == 36 + len("/2026-01-01.txt") and name.endswith(".txt") for name in names)

    async def test_input_gives_the_content_or_nothing(self, host, http, blobs) -> None:
        container = await _made(blobs, "shared-made")
        await container.upload_blob("known", "grüß".encode())
        for name, expected in (("known", "grüß"), ("unknown", None)):
            async with http.get(f"{host.url}/api/load/{name}") as response:
                assert json.loads(await response.text()) == expected


class TestByHand:
    async def test_path_of_a_blob_runs_the_function_on_it(self, host, http, blobs) -> None:
        await (await _made(blobs, "shared-elsewhere")).upload_blob("by/hand", b"content")
        page = f"{host.url}/admin/functions/on_any"
        async with http.post(page, json={"input": "shared-elsewhere/by/hand"}) as response:
            assert response.status == 202
        await host.logged('"name": "shared-elsewhere/by/hand"')

    @pytest.mark.parametrize("path", ["shared-elsewhere/no-such-blob", "no path"])
    async def test_what_is_no_blob_is_refused(self, host, http, path) -> None:
        async with http.post(f"{host.url}/admin/functions/on_any", json={"input": path}) as response:
            assert response.status == 400


class TestEventGridSource:
    @staticmethod
    def _event(name: str) -> dict[str, Any]:
        return {
            "id": "1",
            "eventType": "Microsoft.Storage.BlobCreated",
            "subject": f"/blobServices/default/containers/shared-events/blobs/{name}",
            "data": {"url": f"https://account.blob.core.windows.net/shared-events/{name}"},
        }

    async def test_event_runs_the_function_once_and_is_acknowledged(self, host, http, blobs) -> None:
        await (await _made(blobs, "shared-events")).upload_blob("one", b"by event")
        webhook = f"{host.url}/runtime/webhooks/blobs?functionName=Host.Functions.on_event"
        for _ in range(2):  # Event Grid delivers at least once
            notification = {"aeg-event-type": "Notification"}
            async with http.post(webhook, json=[self._event("one")], headers=notification) as response:
                assert (response.status, await response.read()) == (202, b""), host.log_text()
        assert host.records("on_event").count("by event") == 1

    async def test_handshake_is_answered_and_an_unknown_function_is_not_found(self, host, http) -> None:
        body = [{"data": {"validationCode": "code"}}]
        headers = {"aeg-event-type": "SubscriptionValidation"}
        webhook = f"{host.url}/runtime/webhooks/blobs?functionName="
        async with http.post(f"{webhook}Host.Functions.on_event", json=body, headers=headers) as response:
            assert await response.json() == {"validationResponse": "code"}
        async with http.post(f"{webhook}Host.Functions.save", json=body, headers=headers) as response:
            assert response.status == 404

    async def test_emulator_sends_no_events_so_its_container_is_looked_through(self, host, blobs, eventually) -> None:
        await (await _made(blobs, "shared-events")).upload_blob("two", b"found")
        await eventually(lambda: "found" in host.records("on_event"), explain=host.log_text)
