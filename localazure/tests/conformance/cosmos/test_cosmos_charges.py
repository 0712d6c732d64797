"""What operations cost, and what happens when the budget is used up."""

from __future__ import annotations

import json
import time

import pytest
from azure.cosmos import PartitionKey
from localazure.clock import ManualClock

KIB = 1024


def charge_of(container):
    return float(container.client_connection.last_response_headers["x-ms-request-charge"])


def one_kib(item_id="1", **more):
    """An item of exactly 1 KiB and five scalars."""
    item = {"id": item_id, "pk": "a", "x": 1, "y": 2, "pad": "", **more}
    return {**item, "pad": "p" * (KIB - len(json.dumps(item, separators=(",", ":"))))}


def test_c210_a_point_read_costs_by_size(container):
    container.create_item(one_kib())
    container.read_item("1", "a")
    assert charge_of(container) == 1.0
    container.create_item({"id": "2", "pk": "a", "pad": "p" * 100 * KIB})
    container.read_item("2", "a")
    assert 7 <= charge_of(container) <= 11


def test_c211_writes_cost_by_size_and_by_what_changes(container):
    container.create_item(one_kib())
    assert charge_of(container) == pytest.approx(4.95 + 0.2 * 5)
    container.replace_item("1", one_kib(x=3, y=4))
    assert charge_of(container) == pytest.approx(10.7)
    patches = [{"op": "set", "path": path, "value": 5} for path in ("/x", "/y")]
    container.patch_item("1", "a", patches)
    assert charge_of(container) == pytest.approx(11.5)
    container.delete_item("1", "a")
    assert charge_of(container) == pytest.approx(5.95)


def test_c212_queries_and_batches_add_up(filled):
    list(filled.query_items("SELECT * FROM c", partition_key="p0"))
    assert charge_of(filled) == pytest.approx(2.3 + 5 + 5 * 0.05)
    list(filled.query_items("SELECT * FROM c WHERE c.id = 'none'", partition_key="p0"))
    assert charge_of(filled) == 2.3
    results = filled.execute_item_batch([("read", ("0",)), ("delete", ("0",))], "p0")
    assert charge_of(filled) == pytest.approx(sum(one["requestCharge"] for one in results))


def test_c212_read_items_adds_up_what_its_parts_cost(filled, same_container, wire):
    found = same_container(transport=wire).read_items([("1", "p1"), ("3", "p1"), ("2", "p0")])
    parts = [float(one.answered["x-ms-request-charge"]) for one in wire.sent if "/docs" in one.path]
    assert float(found.get_response_headers()["x-ms-request-charge"]) == pytest.approx(sum(parts))
    assert sum(parts) >= 2.3


def test_c213_a_budget_that_is_used_up_slows_a_client_down(start_server, connect):
    server = start_server(ru_per_s=50)
    container = connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    start = time.perf_counter()
    for number in range(40):
        container.create_item({"id": str(number), "pk": "a"})
    elapsed_s = time.perf_counter() - start
    statuses = [one["status"] for one in server.admin.requests(method="POST", ending="/docs")]
    spent = 40 * (4.95 + 2 * 0.2)
    assert statuses.count(201) == 40
    assert elapsed_s > (spent - 50 - 5.35) / 50
    assert 10 <= statuses.count(429) <= 60 or elapsed_s > 2 * spent / 50  # a busy machine slows a client down by itself


def test_a_refused_request_is_paid_for(start_server, connect, status_of):
    server = start_server(ru_per_s=20, clock=ManualClock())
    container = connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    for _ in range(20):
        assert status_of(container.read_item, "none", "a")[0] == 404
    assert status_of(container.read_item, "none", "a") == (429, 3200)


def test_c214_containers_share_the_budget_of_their_database(start_server, connect, status_of):
    clock = ManualClock()
    database = connect(start_server(throttle=True, clock=clock)).create_database("shop", offer_throughput=1000)
    first, second = (database.create_container(name, PartitionKey("/pk")) for name in ("first", "second"))
    alone = database.create_container("alone", PartitionKey("/pk"), offer_throughput=400)
    first.create_item({"id": "1", "pk": "a", "pad": "p" * 1800 * KIB})
    assert charge_of(first) > 1000
    assert status_of(second.create_item, {"id": "1", "pk": "a"}) == (429, 3200)
    assert alone.create_item({"id": "1", "pk": "a"})["id"] == "1"
    clock.advance(seconds=1)
    assert second.create_item({"id": "1", "pk": "a"})["id"] == "1"


@pytest.mark.parametrize("level", ["Strong", "BoundedStaleness"])
def test_c215_strong_reads_cost_double(start_server, connect, level):
    server = start_server(consistency=level)
    container = connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    container.create_item(one_kib())
    container.read_item("1", "a")
    assert charge_of(container) == 2.0
    list(container.query_items("SELECT * FROM c WHERE c.id = 'none'", partition_key="a"))
    assert charge_of(container) == pytest.approx(2 * 2.3)
