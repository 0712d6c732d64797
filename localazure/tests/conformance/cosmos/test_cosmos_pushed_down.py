"""What SQLite answers without a look at documents: counts, and conditions on the time of the last write."""

from __future__ import annotations

import pytest
from azure.cosmos import PartitionKey

EVERYWHERE = {"enable_cross_partition_query": True}


@pytest.fixture
def stamped(server, database):
    """Ten items over three ranges, written ten seconds apart; those of key p9 expire first."""
    container = database.create_container("stamped", PartitionKey("/pk"), offer_throughput=21000, default_ttl=-1)
    for number in range(10):
        ttl = {"ttl": 15} if number == 9 else {}
        container.create_item({"id": str(number), "pk": f"p{number}", "n": number, **ttl})
        server.admin.advance(10)
    return container


def looked_at(container):
    metrics = container.client_connection.last_response_headers["x-ms-documentdb-query-metrics"]
    return int(dict(pair.split("=") for pair in metrics.split(";"))["retrievedDocumentCount"])


def test_items_are_counted_in_every_scope_without_the_expired_ones(server, stamped):
    def count(**scope):
        return list(stamped.query_items("SELECT VALUE COUNT(1) FROM c", **scope))

    assert count(**EVERYWHERE) == [10]
    assert count(partition_key="p3") == [1]
    assert sum(sum(count(feed_range=one)) for one in stamped.read_feed_ranges()) == 10
    server.admin.advance(10)
    assert count(**EVERYWHERE) == [9]
    assert count(partition_key="p9") == [0]


def test_only_items_written_in_time_are_looked_at(stamped):
    times = {item["n"]: item["_ts"] for item in stamped.read_all_items()}
    for condition, expected in (
        (f"c._ts >= {times[7]}", [7, 8, 9]),
        (f"c._ts > {times[2]} AND c._ts < {times[5]}", [3, 4]),
        (f"c._ts BETWEEN {times[0]} AND {times[1]} OR c._ts = {times[2]}", [0, 1, 2]),
    ):
        query = f"SELECT VALUE c.n FROM c WHERE {condition}"
        assert list(stamped.query_items(query, populate_query_metrics=True, **EVERYWHERE)) == expected
        assert looked_at(stamped) <= len(expected) + 2
