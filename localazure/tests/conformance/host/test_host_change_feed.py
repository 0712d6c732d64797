"""Cosmos DB trigger and bindings against the Cosmos emulator, with the official client."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient


@pytest.fixture
def prefix() -> str:
    return f"t{uuid.uuid4().hex[:8]}"


@pytest.fixture
def start(hosts: Any, cosmos_connection: str, prefix: str) -> Any:
    """Start the app on the containers of this test."""
    return lambda **settings: hosts.start("feeds", COSMOS=cosmos_connection, PREFIX=prefix, **settings)


@pytest.fixture
async def containers(cosmos: CosmosClient, prefix: str) -> dict[str, ContainerProxy]:
    database = await cosmos.create_database_if_not_exists("feeds")
    names = ("items", "faulty", "slow")
    return {
        name: await database.create_container_if_not_exists(f"{prefix}-{name}", PartitionKey(path="/id"))
        for name in names
    }


async def _put(container: ContainerProxy, *ids: str) -> None:
    for item_id in ids:
        await container.upsert_item({"id": item_id})


def _flat(batches: list[list[str]]) -> list[str]:
    return [item for batch in batches for item in batch]


async def test_h073_only_later_changes_unless_from_the_beginning(start, containers, cosmos, eventually) -> None:
    await _put(containers["items"], "a", "b", "c")
    host = start()
    await eventually(lambda: _flat(host.records("all_items")) == ["a", "b", "c"], explain=host.log_text)
    assert [len(batch) for batch in host.records("all_items")] == [2, 1], "maxItemsPerInvocation bounds the batch"
    await _begun(cosmos, containers["items"], "new", eventually)
    await _put(containers["items"], "d")
    await eventually(lambda: host.records("new_items") == [["d"]], explain=host.log_text)


async def test_h074_restart_goes_on_from_the_lease(start, containers, cosmos, eventually) -> None:
    await _put(containers["items"], "a")
    first = start()
    await first.recorded("all_items")
    await _begun(cosmos, containers["items"], "new", eventually)
    assert first.stop() == 0
    await _put(containers["items"], "b")
    second = start()
    await second.recorded("new_items")
    await second.recorded("all_items")
    assert (second.records("all_items"), second.records("new_items")) == ([["b"]], [["b"]])


async def test_h075_failed_batch_without_a_retry_policy_is_not_delivered_again(start, containers, eventually) -> None:
    await _put(containers["faulty"], "a")
    host = start()
    await host.recorded("failing")
    await _put(containers["faulty"], "b")
    await eventually(lambda: host.records("failing") == [["a"], ["b"]], explain=host.log_text)


async def test_h076_endless_retry_policy_repeats_the_batch_and_later_documents_wait(start, containers) -> None:
    await _put(containers["faulty"], "a")
    host = start()
    await host.recorded("stubborn", count=3)
    await _put(containers["faulty"], "b")
    assert (await host.recorded("stubborn", count=6)) == [["a"]] * 3 + [["b"]] * 3


async def test_h077_batch_of_a_killed_host_is_delivered_again(start, containers) -> None:
    await _put(containers["slow"], "a")
    first = start(SLOW_SECONDS="60")
    await first.recorded("slow")
    first.kill()
    assert await start().recorded("slow") == [["a"]]


async def test_h078_missing_lease_container_is_reported_and_others_work(start, containers) -> None:
    await _put(containers["items"], "a")
    host = start()
    await host.logged("or the lease container 'no-such-leases' (in database 'feeds') does not exist.")
    assert await host.recorded("all_items") == [["a"]]


async def test_h079_output_upserts_and_creates_the_container(start, containers, cosmos, http, prefix) -> None:
    host = start()
    for count in (1, 2):
        async with http.post(f"{host.url}/api/put/made", json={"id": "x", "count": count}) as response:
            assert response.status == 200, host.log_text()
    made = cosmos.get_database_client("feeds").get_container_client(f"{prefix}-made")
    assert [item["count"] async for item in made.read_all_items()] == [2]


async def test_h080_input_by_id_gives_the_document_or_none(start, containers, http) -> None:
    await _put(containers["items"], "known")
    host = start()
    for item_id, expected in (("known", ["known"]), ("unknown", None)):
        async with http.get(f"{host.url}/api/get/{item_id}") as response:
            assert json.loads(await response.text()) == expected


async def _begun(cosmos: CosmosClient, container: ContainerProxy, lease_prefix: str, eventually: Any) -> None:
    """Wait until the position of a feed that begins now is written to its lease."""
    rid = (await container.read())["_rid"]
    leases = cosmos.get_database_client("feeds").get_container_client("leases")

    async def has_position() -> bool:
        found = [lease async for lease in leases.read_all_items()]
        return any(
            lease["id"].startswith(lease_prefix) and rid in lease["id"] and bool(lease["ContinuationToken"])
            for lease in found
        )

    await eventually(has_position)
