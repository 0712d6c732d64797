"""Strict queries over three ranges, where the client merges; session checks and log retention."""

from __future__ import annotations

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

EVERYWHERE = {"enable_cross_partition_query": True}


@pytest.fixture
def strict_server(start_server):
    return start_server(strict_queries=True, partitions=3)


@pytest.fixture
def spread(strict_server, connect):
    """Thirty items over three ranges of a strict server."""
    container = connect(strict_server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    for number in range(30):
        container.create_item({"id": str(number), "pk": f"p{number % 10}", "n": number, "group": number % 4})
    return container


def rows(container, query, *parameters):
    given = [{"name": f"@{index}", "value": value} for index, value in enumerate(parameters)]
    return list(container.query_items(query, given, max_item_count=4, **EVERYWHERE))


def test_c148_an_ordered_query_is_refused_planned_and_merged(strict_server, spread):
    assert rows(spread, "SELECT VALUE c.n FROM c ORDER BY c.n DESC") == list(range(29, -1, -1))
    posts = strict_server.admin.requests(method="POST", ending="/docs")[30:]
    assert (posts[0]["status"], posts[0]["subStatus"]) == (400, 1004)


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT VALUE c.n FROM c WHERE c.n < 6 ORDER BY c.group, c.n DESC", [4, 0, 5, 1, 2, 3]),
        ("SELECT TOP 3 VALUE c.n FROM c ORDER BY c.n", [0, 1, 2]),
        ("SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 5 LIMIT 4", [5, 6, 7, 8]),
        ("SELECT DISTINCT VALUE c.group FROM c ORDER BY c.group", [0, 1, 2, 3]),
        ("SELECT VALUE COUNT(1) FROM c", [30]),
        ("SELECT VALUE SUM(c.n) FROM c", [435]),
        ("SELECT VALUE AVG(c.n) FROM c", [14.5]),
        ("SELECT VALUE MIN(c.n) FROM c", [0]),
        ("SELECT VALUE MAX(c.n) FROM c", [29]),
    ],
)
def test_c149_merged_answers_are_those_of_one_partition(spread, query, answer):
    assert rows(spread, query) == answer


@pytest.mark.parametrize("query", ["SELECT COUNT(1) FROM c", "SELECT c.group, COUNT(1) AS n FROM c GROUP BY c.group"])
def test_c150_what_the_client_cannot_merge_is_refused(spread, query):
    with pytest.raises(CosmosHttpResponseError) as refusal:
        rows(spread, query)
    assert refusal.value.status_code == 400


def test_c151_grouping_within_one_partition_works(spread):
    query = "SELECT c.group, COUNT(1) AS n FROM c GROUP BY c.group"
    found = list(spread.query_items(query, partition_key="p1"))
    assert found == [{"group": 1, "n": 2}, {"group": 3, "n": 1}]


def test_c152_a_plain_query_needs_no_plan(strict_server, spread):
    assert len(rows(spread, "SELECT * FROM c WHERE c.n >= 10")) == 20
    assert {one["status"] for one in strict_server.admin.requests(method="POST", ending="/docs")[30:]} == {200}


def test_c153_parameters_survive_the_plan(spread):
    assert rows(spread, "SELECT VALUE c.n FROM c WHERE c.n > @0 ORDER BY c.n", 26) == [27, 28, 29]


def test_c154_a_plan_can_be_asked_for(container):
    plan = container.client_connection._GetQueryPlanThroughGateway(
        "SELECT TOP 2 VALUE c.n FROM c ORDER BY c.n", "dbs/shop/colls/orders"
    )
    assert plan["queryInfo"]["top"] == 2
    assert plan["queryInfo"]["orderBy"] == ["Ascending"]
    assert plan["queryRanges"][0]["max"] == "FF"


def history(container, token=None):
    position = {"continuation": token} if token else {"start_time": "Now"}
    found = list(container.query_items_change_feed(mode="AllVersionsAndDeletes", **position))
    return found, container.client_connection.last_response_headers["etag"]


def test_c175_a_continuation_older_than_the_log_is_refused(start_server, connect, eventually):
    server = start_server(change_log_retention_s=60)
    container = connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    _, token = history(container)
    container.create_item({"id": "1", "pk": "a"})
    assert len(history(container, token)[0]) == 1
    server.admin.advance(120)

    def is_refused():
        try:
            history(container, token)
        except CosmosHttpResponseError as refusal:
            return refusal.status_code == 400
        return False

    eventually(is_refused)
    assert [item["id"] for item in container.query_items_change_feed(start_time="Beginning")] == ["1"]


def test_without_a_change_log_there_is_no_feed_of_all_versions(start_server, connect, status_of):
    server = start_server(change_log=False)
    container = connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    _, token = history(container)
    container.create_item({"id": "1", "pk": "a"})
    assert status_of(history, container, token)[0] == 400
    assert len(list(container.query_items_change_feed(start_time="Beginning"))) == 1
