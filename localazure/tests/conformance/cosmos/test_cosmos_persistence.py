"""What a server process promises: acknowledged writes survive kill -9, batches are whole, continuations go on."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from azure.core.exceptions import AzureError
from azure.cosmos import PartitionKey

EVERYWHERE = {"enable_cross_partition_query": True}


@pytest.fixture
def process(start_process, tmp_path):
    """A server process on a file."""
    return start_process("--data", str(tmp_path / "cosmos.sqlite"))


@pytest.fixture
def orders(process, connect):
    """A container with unique e-mail addresses and ten items."""
    policy = {"uniqueKeys": [{"paths": ["/email"]}]}
    container = (
        connect(process)
        .create_database("shop")
        .create_container("orders", PartitionKey("/pk"), unique_key_policy=policy, default_ttl=-1, offer_throughput=700)
    )
    for number in range(10):
        container.create_item({"id": str(number), "pk": "a", "email": str(number)})
    return container


@pytest.fixture
def reopened(process, connect):
    """Kill the process, start it again on the same file and port, and connect anew."""

    def reopen():
        process.kill()
        process.start()
        return connect(process).get_database_client("shop").get_container_client("orders")

    return reopen


def test_c222_acknowledged_writes_survive_kill_9(orders, reopened):
    before = orders.read_item("3", "a")
    again = reopened()
    assert again.read_item("3", "a") == before
    assert again.get_throughput().offer_throughput == 700
    assert again.read()["_etag"] == orders.client_connection.ReadContainer("dbs/shop/colls/orders")["_etag"]


def test_c223_the_change_feed_goes_on_after_kill_9(orders, reopened):
    assert len(list(orders.query_items_change_feed(start_time="Beginning"))) == 10
    token = orders.client_connection.last_response_headers["etag"]
    again = reopened()
    assert list(again.query_items_change_feed(continuation=token)) == []
    again.create_item({"id": "new", "pk": "a", "email": "new"})
    feed = again.query_items_change_feed(continuation=token)
    assert [(item["id"], item["_lsn"]) for item in feed] == [("new", 11)]


def test_c224_a_query_goes_on_after_kill_9(orders, reopened):
    pages = orders.query_items("SELECT VALUE c.id FROM c", max_item_count=4, **EVERYWHERE).by_page()
    assert list(next(pages)) == ["0", "1", "2", "3"]
    rest = reopened().query_items("SELECT VALUE c.id FROM c", max_item_count=4, **EVERYWHERE)
    assert [row for page in rest.by_page(pages.continuation_token) for row in page] == ["4", "5", "6", "7", "8", "9"]


def test_c225_unique_keys_are_enforced_after_kill_9(orders, reopened, status_of):
    assert status_of(reopened().create_item, {"id": "x", "pk": "a", "email": "3"})[0] == 409


def test_c226_what_expired_while_the_server_was_down_is_gone_and_logged_once(process, orders, connect, eventually):
    list(orders.query_items_change_feed(start_time="Now", mode="AllVersionsAndDeletes"))
    token = orders.client_connection.last_response_headers["etag"]
    orders.create_item({"id": "short", "pk": "a", "email": "short", "ttl": 1})
    process.kill()
    killed_at = time.time()
    eventually(lambda: time.time() > killed_at + 1)
    process.start()
    again = connect(process).get_database_client("shop").get_container_client("orders")
    assert [item["id"] for item in again.read_all_items()] == [str(number) for number in range(10)]

    def log():
        found = list(again.query_items_change_feed(continuation=token, mode="AllVersionsAndDeletes"))
        return [(one["metadata"]["operationType"], one["metadata"].get("timeToLiveExpired")) for one in found]

    eventually(lambda: len(log()) > 1)
    again.upsert_item({"id": "0", "pk": "a", "email": "0"})  # the sweeper and a write may both meet what has expired
    assert log() == [("create", None), ("delete", True), ("replace", None)]


def test_c227_batches_are_whole_when_the_server_is_killed_among_them(process, orders, reopened):
    acknowledged = []

    def write():
        for number in range(1000):
            batch = [("create", ({"id": f"{number}-{one}", "pk": str(number)},)) for one in range(100)]
            for operation in batch:
                operation[1][0]["email"] = operation[1][0]["id"]
            try:
                orders.execute_item_batch(batch, str(number), retry_total=0)
            except AzureError:
                return
            acknowledged.append(str(number))
            if number == 5:
                halfway.set()

    halfway = threading.Event()
    writing = threading.Thread(target=write)
    writing.start()
    assert halfway.wait(20)
    process.kill()
    writing.join()
    process.start()
    again = reopened()
    counts = again.query_items("SELECT c.pk, COUNT(1) AS n FROM c WHERE c.pk != 'a' GROUP BY c.pk", **EVERYWHERE)
    whole = {row["pk"]: row["n"] for row in counts}
    assert set(whole.values()) == {100}
    assert set(acknowledged) <= set(whole)


def test_c228_a_second_server_on_the_same_file_is_refused(process, tmp_path):
    command = [sys.executable, "-m", "localazure.cosmos", "--port", "0", "--data", str(tmp_path / "cosmos.sqlite")]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 2
    assert "cosmos.sqlite is in use by another Cosmos DB server" in second.stderr


@pytest.mark.parametrize("count", [0, 101])
def test_a_number_of_partitions_that_no_container_can_have_is_refused(count):
    command = [sys.executable, "-m", "localazure.cosmos", "--port", "0", "--partitions", str(count)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (refused.returncode, refused.stderr) == (2, "--partitions must be 1 to 100 and --ru at least 0\n")


def test_a_taken_port_is_told_with_its_option(process):
    command = [sys.executable, "-m", "localazure.cosmos", "--port", str(process.port)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 3
    assert second.stderr.strip().splitlines()[-1] == f"Port {process.port} is taken; choose another with --port."


def test_a_server_that_is_asked_to_stop_does_so_and_keeps_everything(process, orders, connect):
    assert process.stop() == 0
    process.start()
    again = connect(process).get_database_client("shop").get_container_client("orders")
    assert len(list(again.read_all_items())) == 10
