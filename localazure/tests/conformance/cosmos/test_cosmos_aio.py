"""What the asynchronous client does in code of its own: feeds, prefixes, multi-reads, batches, strict queries."""

from __future__ import annotations

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosBatchOperationError
from localazure.cosmos.options import EMULATOR_KEY

TREE = PartitionKey(["/t", "/u"], kind="MultiHash")
INCREMENT = [{"op": "incr", "path": "/n", "value": 1}]


@pytest.fixture
async def database(start_server):
    """A database whose containers have three ranges, on a server that leaves merging to clients."""
    server = start_server(partitions=3, strict_queries=True)
    async with CosmosClient(server.url, EMULATOR_KEY) as client:
        yield await client.create_database("shop")


@pytest.fixture
async def orders(database):
    """Twelve items of six keys, over three ranges."""
    container = await database.create_container("orders", PartitionKey("/pk"))
    for number in range(12):
        await container.create_item({"id": str(number), "pk": f"p{number % 6}", "n": number})
    return container


async def ids(rows):
    return [row["id"] async for row in rows]


async def read_on(container, token, **options):
    """What a feed tells from there on, and where it is then."""
    position = {"continuation": token} if token else {"start_time": "Beginning"}
    found = [item async for item in container.query_items_change_feed(**{**position, **options})]
    return found, container.client_connection.last_response_headers["etag"]


async def test_c158_a_feed_through_the_aio_client_tells_each_change_once(orders):
    found, token = await read_on(orders, None, max_item_count=2)
    assert sorted(int(item["id"]) for item in found) == list(range(12))
    assert (await read_on(orders, token))[0] == []
    await orders.upsert_item({"id": "7", "pk": "p1", "n": "anew"})
    await orders.delete_item("8", "p2")
    found, token = await read_on(orders, token)
    assert [item["n"] for item in found] == ["anew"]
    assert (await read_on(orders, token))[0] == []


async def test_c165_all_versions_through_the_aio_client(orders):
    options = {"mode": "AllVersionsAndDeletes", "partition_key": "p1"}
    found, token = await read_on(orders, None, start_time="Now", **options)
    assert found == []
    await orders.patch_item("7", "p1", INCREMENT)
    await orders.delete_item("7", "p1")
    await orders.delete_item("8", "p2")
    found, _ = await read_on(orders, token, **options)
    assert [(one["metadata"]["operationType"], one.get("current", {}).get("n")) for one in found] == [
        ("replace", 8),
        ("delete", None),
    ]


async def test_c164_feed_ranges_of_the_aio_client_cover_feed_and_query(orders):
    for ask in (
        lambda one: orders.query_items_change_feed(start_time="Beginning", feed_range=one),
        lambda one: orders.query_items("SELECT * FROM c", feed_range=one),
    ):
        found = [await ids(ask(one)) async for one in orders.read_feed_ranges()]
        assert len(found) == 3
        assert sorted(int(item_id) for part in found for item_id in part) == list(range(12))


async def test_c148_the_aio_client_merges_what_is_ordered(orders):
    rows = orders.query_items("SELECT VALUE c.n FROM c WHERE c.n > 3 ORDER BY c.n DESC", max_item_count=2)
    assert [row async for row in rows] == list(range(11, 3, -1))
    assert [row async for row in orders.query_items("SELECT VALUE SUM(c.n) FROM c")] == [66]


async def test_c093_a_batch_of_the_aio_client_is_all_or_nothing(orders):
    create = ("create", ({"id": "new", "pk": "p1"},))
    with pytest.raises(CosmosBatchOperationError) as failure:
        await orders.execute_item_batch([create, ("delete", ("none",)), ("delete", ("7",))], "p1")
    assert (failure.value.error_index, failure.value.status_code) == (1, 404)
    assert [one["statusCode"] for one in failure.value.operation_responses] == [424, 404, 424]
    results = await orders.execute_item_batch([create, ("patch", ("7", INCREMENT)), ("read", ("7",))], "p1")
    assert [(one["statusCode"], one["resourceBody"].get("n")) for one in results] == [(201, None), (200, 8), (200, 8)]


async def test_c087_a_condition_of_a_patch_through_the_aio_client(orders):
    condition = "from c where c.n = 7"
    assert (await orders.patch_item("7", "p1", INCREMENT, filter_predicate=condition))["n"] == 8
    with pytest.raises(CosmosAccessConditionFailedError) as refusal:
        await orders.patch_item("7", "p1", INCREMENT, filter_predicate=condition)
    assert refusal.value.sub_status == 1110


async def test_c102_read_items_of_the_aio_client(orders):
    wanted = [("4", "p4"), ("none", "p0"), ("7", "p1"), ("1", "p1")]
    assert [item["id"] for item in await orders.read_items(wanted)] == ["4", "7", "1"]


async def test_c105_the_aio_client_deletes_a_logical_partition(orders):
    await orders.delete_all_items_by_partition_key("p1")
    assert sorted(map(int, await ids(orders.read_all_items(max_item_count=3)))) == [0, 2, 3, 4, 5, 6, 8, 9, 10, 11]


async def test_c189_prefixes_through_the_aio_client(database):
    tree = await database.create_container("tree", TREE)
    for t in "ab":
        for u in range(3):
            await tree.create_item({"id": f"{t}{u}", "t": t, "u": u})
    assert sorted(await ids(tree.query_items("SELECT * FROM c", partition_key=["a"]))) == ["a0", "a1", "a2"]
    assert await ids(tree.query_items_change_feed(start_time="Beginning", partition_key=["b", 1])) == ["b1"]
    assert (await tree.read_item("b2", ["b", 2]))["id"] == "b2"
