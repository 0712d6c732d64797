"""Strict queries over three ranges, where the client merges; session checks and log retention."""

from __future__ import annotations

import json

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

EVERYWHERE = {"enable_cross_partition_query": True}


@pytest.fixture
def strict_server(start_server):
    return start_server(strict_queries=True, partitions=3)


def fill(container):
    for number in range(30):
        container.create_item({"id": str(number), "pk": f"p{number % 10}", "n": number, "group": number % 4})
    return container


@pytest.fixture
def spread(strict_server, connect):
    """Thirty items over three ranges of a strict server."""
    return fill(connect(strict_server).create_database("shop").create_container("orders", PartitionKey("/pk")))


@pytest.fixture
def wired(strict_server, spread, connect, wire):
    """The same container through a client whose requests can be looked at."""
    return connect(strict_server, transport=wire).get_database_client("shop").get_container_client("orders")


def rows(container, query, *parameters):
    given = [{"name": f"@{index}", "value": value} for index, value in enumerate(parameters)]
    return list(container.query_items(query, given, max_item_count=4, **EVERYWHERE))


def test_c148_an_ordered_query_is_refused_planned_and_merged(wired, wire):
    assert rows(wired, "SELECT VALUE c.n FROM c ORDER BY c.n DESC") == list(range(29, -1, -1))
    asked, planned, *parts = wire.to("/docs", "POST")
    assert (asked.status, asked.answered["x-ms-substatus"]) == (400, "1004")
    assert json.loads(json.loads(asked.answer)["additionalErrorInfo"])["queryInfo"]["orderBy"] == ["Descending"]
    assert planned.headers["x-ms-cosmos-is-query-plan-request"] == "True"
    assert {one.headers["x-ms-documentdb-partitionkeyrangeid"] for one in parts} == {"0", "1", "2"}
    assert {json.loads(one.body)["query"].partition(", ")[0] for one in parts} == {"SELECT c._rid"}


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
def test_c149_merged_answers_are_those_of_permissive_mode(spread, container, query, answer):
    assert rows(spread, query) == answer
    assert rows(fill(container), query) == answer


def test_c150_an_aggregate_without_value_is_refused(spread):
    with pytest.raises(CosmosHttpResponseError, match="NonValueAggregate") as refusal:
        rows(spread, "SELECT COUNT(1) FROM c")
    assert refusal.value.status_code == 400


GROUPS = "SELECT c.group, COUNT(1) AS n FROM c GROUP BY c.group"


def test_c151_grouping_across_partitions_is_refused_by_its_name(spread):
    with pytest.raises(CosmosHttpResponseError, match="GroupBy") as refusal:
        rows(spread, GROUPS)
    assert refusal.value.status_code == 400


def test_c151_grouping_within_one_partition_works(spread):
    found = list(spread.query_items(GROUPS, partition_key="p1"))
    assert found == [{"group": 1, "n": 2}, {"group": 3, "n": 1}]


def test_c152_a_plain_query_needs_no_plan(strict_server, spread):
    assert len(rows(spread, "SELECT * FROM c WHERE c.n >= 10")) == 20
    assert {one["status"] for one in strict_server.admin.requests(method="POST", ending="/docs")[30:]} == {200}


def test_c152_continuations_of_a_plain_query_lead_through_all_ranges(spread):
    found, token = [], None
    while token is not None or not found:
        pages = spread.query_items("SELECT * FROM c WHERE c.n >= 10", max_item_count=3, **EVERYWHERE).by_page(token)
        found += [item["n"] for item in next(pages)]
        token = pages.continuation_token
    assert sorted(found) == list(range(10, 30))


def test_c153_parameters_survive_the_plan(spread):
    assert rows(spread, "SELECT VALUE c.n FROM c WHERE c.n > @0 ORDER BY c.n", 26) == [27, 28, 29]


def test_c154_a_plan_can_be_asked_for(container):
    def plan(query):
        return container.client_connection._GetQueryPlanThroughGateway(query, "dbs/shop/colls/orders")

    info = plan("SELECT DISTINCT TOP 2 VALUE c.n FROM c ORDER BY c.n OFFSET 1 LIMIT 5")["queryInfo"]
    assert (info["distinctType"], info["top"], info["offset"], info["limit"]) == ("Ordered", 2, 1, 5)
    assert (info["orderBy"], info["aggregates"], info["hasSelectValue"]) == (["Ascending"], [], True)
    assert "orderByItems" in info["rewrittenQuery"]
    counted = plan("SELECT VALUE COUNT(1) FROM c")
    assert counted["queryInfo"]["aggregates"] == ["Count"]
    assert counted["queryRanges"] == [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}]


def test_c155_rows_without_the_selected_value_are_left_out(spread):
    for number in range(3):
        spread.create_item({"id": f"x{number}", "pk": f"p{number}", "n": 100 + number})
    ordered = rows(spread, "SELECT VALUE c.group FROM c WHERE c.n > 26 ORDER BY c.n")
    assert ordered == [3, 0, 1]


def test_c156_the_client_cannot_merge_keys_of_different_types(spread):
    for number in range(10):
        spread.create_item({"id": f"x{number}", "pk": f"p{number}", "n": f"text {number}"})
    with pytest.raises(ValueError):
        rows(spread, "SELECT VALUE c.n FROM c ORDER BY c.n")


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
