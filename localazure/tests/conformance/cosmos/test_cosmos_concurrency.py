"""Many clients at once: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio

import pytest
from azure.core import MatchConditions
from azure.cosmos.aio import CosmosClient
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosResourceExistsError
from localazure.cosmos.options import EMULATOR_KEY


@pytest.fixture
async def orders(server, container):
    """The default container through the asynchronous client."""
    async with CosmosClient(server.url, EMULATOR_KEY) as client:
        yield client.get_database_client("shop").get_container_client("orders")


async def test_c216_of_32_concurrent_creates_of_one_id_one_succeeds(orders):
    creates = (orders.create_item({"id": "1", "pk": "a", "n": number}) for number in range(32))
    results = await asyncio.gather(*creates, return_exceptions=True)
    winners = [result for result in results if not isinstance(result, Exception)]
    losers = [result for result in results if isinstance(result, CosmosResourceExistsError)]
    assert (len(winners), len(losers)) == (1, 31)
    assert await orders.read_item("1", "a") == winners[0]


async def test_c217_concurrent_increments_add_up(orders):
    await orders.create_item({"id": "1", "pk": "a", "n": 0})
    increment = [{"op": "incr", "path": "/n", "value": 1}]
    await asyncio.gather(*(orders.patch_item("1", "a", increment) for _ in range(200)))
    assert (await orders.read_item("1", "a"))["n"] == 200
    feed = [item async for item in orders.query_items_change_feed(start_time="Beginning")]
    assert [item["_lsn"] for item in feed] == [201]


async def test_c218_optimistic_replaces_with_retries_add_up(orders):
    await orders.create_item({"id": "1", "pk": "a", "n": 0})

    async def add_one():
        while True:
            item = await orders.read_item("1", "a")
            item["n"] += 1
            try:
                return await orders.replace_item(
                    "1", item, etag=item["_etag"], match_condition=MatchConditions.IfNotModified
                )
            except CosmosAccessConditionFailedError:
                continue

    await asyncio.gather(*(add_one() for _ in range(20)))
    assert (await orders.read_item("1", "a"))["n"] == 20


async def test_c220_concurrent_batches_never_mix(orders):
    def batch(mark):
        return [("upsert", ({"id": str(number), "pk": "a", "mark": mark},)) for number in range(20)]

    await asyncio.gather(*(orders.execute_item_batch(batch(mark), "a") for mark in range(10)))
    found = [item async for item in orders.query_items("SELECT DISTINCT VALUE c.mark FROM c", partition_key="a")]
    assert len(found) == 1


async def test_the_aio_client_needs_no_flag_for_a_query_over_everything(orders):
    for number in range(5):
        await orders.create_item({"id": str(number), "pk": str(number)})
    pages = orders.query_items("SELECT * FROM c", max_item_count=2).by_page()
    sizes = [len([item async for item in page]) async for page in pages]
    assert sizes == [2, 2, 1]


async def test_c172_the_aio_feed_continues_where_it_was(orders):
    await orders.create_item({"id": "1", "pk": "a"})
    assert [item["id"] async for item in orders.query_items_change_feed(start_time="Beginning")] == ["1"]
    token = orders.client_connection.last_response_headers["etag"]
    await orders.create_item({"id": "2", "pk": "a"})
    assert [item["id"] async for item in orders.query_items_change_feed(continuation=token)] == ["2"]
