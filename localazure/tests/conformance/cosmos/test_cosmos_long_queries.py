"""Queries that take long, and what other clients notice of them: servers in processes of their own."""

from __future__ import annotations

import statistics
import threading
import time
from datetime import UTC, datetime

import pytest
from azure.cosmos import PartitionKey
from localazure.cosmos import partition_key
from localazure.cosmos.catalog import Catalog
from localazure.cosmos.store import Store
from localazure.cosmos.writer import writing

EVERYWHERE = {"enable_cross_partition_query": True}
MANY = 50_000


@pytest.fixture
def large(tmp_path_factory, start_process, connect):
    """A server process with 50,000 items, put into its file before it starts; gives two containers on two clients."""
    path = tmp_path_factory.mktemp("large") / "cosmos.sqlite"
    store, now = Store(path), datetime.now(UTC)
    catalog = Catalog(store, partitions=1, change_log=False)
    database = catalog.create_database({"id": "shop"}, None, now)
    container = catalog.create_container(database, {"id": "orders", "partitionKey": {"paths": ["/pk"]}}, None, now)
    with writing(store, container, now) as writer:
        for number in range(MANY):
            name = f"p{number % 100}"
            key = partition_key.make(container.definition, (name,))
            writer.insert(key, {"id": str(number), "pk": name, "n": number, "text": "x" * 100})
    store.close()
    process = start_process("--data", str(path), "--change-log", "off")
    return [connect(process).get_database_client("shop").get_container_client("orders") for _ in range(2)]


def median_read_s(container, while_true):
    """The median time of point reads, made as long as the condition holds but at least 30 times."""
    times = []
    while len(times) < 30 or while_true():
        start = time.perf_counter()
        container.read_item("7", "p7")
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def test_c147_point_reads_do_not_wait_for_a_scan(large):
    scanning, reading = large
    reading.read_item("7", "p7")
    idle_s = median_read_s(reading, lambda: False)
    rows = []
    scan = threading.Thread(
        target=lambda: rows.extend(scanning.query_items("SELECT VALUE c.id FROM c WHERE c.n % 7 = 8", **EVERYWHERE))
    )
    scan.start()
    busy_s = median_read_s(reading, scan.is_alive)
    scan.join()
    assert rows == []
    assert busy_s < max(0.020, 5 * idle_s)  # on a busy machine reads are slow without any scan


def test_a_join_that_makes_many_rows_of_one_item_holds_nobody_up(start_process, connect):
    process = start_process()
    container = connect(process).create_database("shop").create_container("orders", PartitionKey("/pk"))
    container.create_item({"id": "1", "pk": "a", "numbers": list(range(80))})
    other = connect(process).get_database_client("shop").get_container_client("orders")
    other.read_item("1", "a")
    three = "FROM c JOIN x IN c.numbers JOIN y IN c.numbers JOIN z IN c.numbers"
    counts, done_at = [], []

    def count():
        counts.extend(container.query_items(f"SELECT VALUE COUNT(1) {three} WHERE x + y + z = 1", partition_key="a"))
        done_at.append(time.perf_counter())

    counting = threading.Thread(target=count, daemon=True)
    counting.start()
    read_at = []
    while counting.is_alive():
        other.read_item("1", "a")
        read_at.append(time.perf_counter())
    counting.join()
    assert counts == [3]
    assert sum(at < done_at[0] for at in read_at) > 10


def test_c146_a_pattern_that_backtracks_holds_nobody_up(start_process, connect):
    process = start_process()
    container = connect(process).create_database("shop").create_container("orders", PartitionKey("/pk"))
    container.create_item({"id": "1", "pk": "a", "text": "a" * 5000})
    other = connect(process).get_database_client("shop").get_container_client("orders")
    answers = []

    def match():
        query = "SELECT VALUE RegexMatch(c.text, '^(a+)+(a|aa)+(.*)*$b') FROM c"
        start = time.perf_counter()
        answers.append(list(container.query_items(query, partition_key="a")))
        answers.append(time.perf_counter() - start)

    matching = threading.Thread(target=match)
    matching.start()
    times = []
    while matching.is_alive() or not times:
        start = time.perf_counter()
        other.read_item("1", "a")
        times.append(time.perf_counter() - start)
    matching.join()
    assert len(answers) == 2, "the query must end"
    assert max(times) < 1
