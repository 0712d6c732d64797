"""Cosmos DB trigger and bindings against the Cosmos emulator, with the official client."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.cosmos import CosmosClient as SyncCosmosClient
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient

CONTAINERS = ("items", "faulty", "stubborn", "slow")


class Feeds:
    """The fixture app's containers under a prefix of their own, and what starts hosts on them."""

    def __init__(self, hosts: Any, url: str, key: str, works: Path = Path("/")) -> None:
        """The function that fails works once there is a file `works`."""
        self.prefix = f"t{uuid.uuid4().hex[:8]}"
        self.works = works
        self._hosts = hosts
        self._connection = f"AccountEndpoint={url};AccountKey={key};"
        with SyncCosmosClient(url, key) as client:
            database = client.create_database_if_not_exists("feeds")
            for name in CONTAINERS:
                database.create_container(f"{self.prefix}-{name}", PartitionKey(path="/id"))

    def start(self, *arguments: str, **settings: str) -> Any:
        given = {"COSMOS": self._connection, "PREFIX": self.prefix, "STUBBORN_UNTIL": str(self.works)}
        return self._hosts.start("feeds", *arguments, **given, **settings)

    def container(self, cosmos: CosmosClient, name: str) -> ContainerProxy:
        return cosmos.get_database_client("feeds").get_container_client(f"{self.prefix}-{name}")


@pytest.fixture
def feeds(hosts: Any, cosmos_url: str, cosmos_key: str) -> Feeds:
    return Feeds(hosts, cosmos_url, cosmos_key)


@pytest.fixture(scope="module")
def shared(
    module_hosts: Any, cosmos_url: str, cosmos_key: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Feeds, Any]:
    """Containers and a host for all tests that need no host of their own."""
    made = Feeds(module_hosts, cosmos_url, cosmos_key, tmp_path_factory.mktemp("feeds") / "works")
    return made, made.start()


async def _put(container: ContainerProxy, *ids: str) -> None:
    for item_id in ids:
        await container.upsert_item({"id": item_id})


def _flat(batches: list[list[str]]) -> list[str]:
    return [item for batch in batches for item in batch]


async def test_h073_only_later_changes_unless_from_the_beginning(feeds, cosmos, eventually) -> None:
    items = feeds.container(cosmos, "items")
    await _put(items, "a", "b", "c")
    host = feeds.start()
    await eventually(lambda: _flat(host.records("all_items")) == ["a", "b", "c"], explain=host.log_text)
    assert [len(batch) for batch in host.records("all_items")] == [2, 1], "maxItemsPerInvocation bounds the batch"
    await _begun(cosmos, items, "new", eventually)
    await _put(items, "d")
    await eventually(lambda: host.records("new_items") == [["d"]], explain=host.log_text)


async def test_h074_restart_goes_on_from_the_lease(feeds, cosmos, eventually) -> None:
    items = feeds.container(cosmos, "items")
    await _put(items, "a")
    first = feeds.start()
    await first.recorded("all_items")
    await _begun(cosmos, items, "new", eventually)
    assert first.stop() == 0
    await _put(items, "b")
    second = feeds.start()
    await second.recorded("new_items")
    await second.recorded("all_items")
    assert (second.records("all_items"), second.records("new_items")) == ([["b"]], [["b"]])


async def test_h075_failed_batch_without_a_retry_policy_is_not_delivered_again(shared, cosmos, eventually) -> None:
    feeds, host = shared
    await _put(feeds.container(cosmos, "faulty"), "a")
    await host.recorded("failing")
    await _put(feeds.container(cosmos, "faulty"), "b")
    await eventually(lambda: host.records("failing") == [["a"], ["b"]], explain=host.log_text)


async def test_h076_endless_retry_policy_repeats_the_batch_and_later_documents_wait(shared, cosmos, eventually) -> None:
    feeds, host = shared
    await _put(feeds.container(cosmos, "stubborn"), "a")
    tried = len(await host.recorded("stubborn", count=3))
    await _put(feeds.container(cosmos, "stubborn"), "b")
    assert await host.recorded("stubborn", count=tried + 10) == [["a"]] * len(host.records("stubborn"))
    feeds.works.touch()
    await eventually(lambda: host.records("stubborn")[-1] == ["b"], explain=host.log_text)
    assert host.records("stubborn") == [["a"]] * (len(host.records("stubborn")) - 1) + [["b"]]


async def test_h077_batch_of_a_killed_host_is_delivered_again(feeds, cosmos) -> None:
    await _put(feeds.container(cosmos, "slow"), "a")
    first = feeds.start(SLOW_SECONDS="60")
    await first.recorded("slow")
    first.kill()
    assert await feeds.start().recorded("slow") == [["a"]]


async def test_batch_whose_function_is_cut_short_by_a_stop_is_delivered_again(feeds, cosmos) -> None:
    await _put(feeds.container(cosmos, "slow"), "a")
    first = feeds.start("--grace", "0.2", SLOW_SECONDS="60")
    await first.recorded("slow")
    assert first.stop() == 0
    assert await feeds.start().recorded("slow") == [["a"]]


async def test_feed_goes_on_after_its_database_was_killed_and_started_again(
    hosts, own_cosmos, cosmos_key, eventually
) -> None:
    first = own_cosmos()
    url = first.facts["url"]
    feeds = Feeds(hosts, url, cosmos_key)
    host = feeds.start()
    async with CosmosClient(url, cosmos_key) as cosmos:
        await _put(feeds.container(cosmos, "slow"), "before")
        await host.recorded("slow")
    first.kill()
    await host.logged("the change feed cannot be read")
    own_cosmos(urlsplit(url).port)
    async with CosmosClient(url, cosmos_key) as cosmos:
        await _put(feeds.container(cosmos, "slow"), "after")
    # The first batch may come again: the kill may have hit before its position was written.
    await eventually(lambda: host.records("slow")[-1][-1] == "after", within_s=30, explain=host.log_text)


async def test_h078_missing_lease_container_is_reported_and_others_work(shared, cosmos) -> None:
    feeds, host = shared
    await host.logged("or the lease container 'no-such-leases' (in database 'feeds') does not exist.")
    await _put(feeds.container(cosmos, "slow"), "works")
    assert await host.recorded("slow") == [["works"]]


async def test_h079_output_upserts_and_creates_the_container(shared, cosmos, http) -> None:
    feeds, host = shared
    for count in (1, 2):
        async with http.post(f"{host.url}/api/put/made", json={"id": "x", "count": count}) as response:
            assert response.status == 200, host.log_text()
    assert [item["count"] async for item in feeds.container(cosmos, "made").read_all_items()] == [2]


async def test_h080_input_by_id_gives_the_document_or_none(shared, cosmos, http) -> None:
    feeds, host = shared
    await _put(feeds.container(cosmos, "items"), "known")
    for item_id, expected in (("known", ["known"]), ("unknown", None)):
        async with http.get(f"{host.url}/api/get/{item_id}") as response:
            assert json.loads(await response.text()) == expected


async def test_query_takes_data_of_the_request_as_parameters(shared, cosmos, http) -> None:
    feeds, host = shared
    await _put(feeds.container(cosmos, "items"), "it's", "q-2", "q-3")
    async with http.get(f"{host.url}/api/find/it's?other=q-2") as response:
        assert json.loads(await response.text()) == ["it's", "q-2"], host.log_text()


async def test_second_host_waits_for_the_range_until_the_first_is_dead(feeds, cosmos, eventually) -> None:
    first = feeds.start(state="first", SLOW_SECONDS="0")
    await _put(feeds.container(cosmos, "slow"), "a")
    await first.recorded("slow")
    second = feeds.start("--verbose", state="second")
    await second.logged("slow: range 0 belongs to another host.")
    for count, item in enumerate(("b", "c", "d"), start=2):
        await _put(feeds.container(cosmos, "slow"), item)
        await first.recorded("slow", count=count)
    assert second.records("slow") == []
    assert "another host reads range" not in first.log_text()
    first.kill()
    await _put(feeds.container(cosmos, "slow"), "e")
    await eventually(lambda: _flat(second.records("slow"))[-1:] == ["e"], within_s=20, explain=second.log_text)
    assert "a" not in _flat(second.records("slow")), "it goes on from the lease"


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
