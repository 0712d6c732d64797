"""The change feed while processes write: nothing is missed and nothing comes twice, whatever dies in between."""

from __future__ import annotations

import subprocess
import sys

import pytest
from azure.core.exceptions import AzureError
from azure.cosmos import PartitionKey

ALL_VERSIONS = {"mode": "AllVersionsAndDeletes"}
WRITERS, ROUNDS = 3, 60
WRITER = """
import sys
from azure.cosmos import CosmosClient
from localazure.cosmos.options import EMULATOR_KEY

url, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
orders = CosmosClient(url, EMULATOR_KEY).get_database_client("shop").get_container_client("orders")
for number in range(rounds):
    key = f"{name}-{number % 5}"
    orders.create_item({"id": f"{name}-{number}", "pk": key, "n": 0})
    orders.upsert_item({"id": f"{name}-{number}", "pk": key, "n": 1})
    if number % 4 == 0:
        orders.execute_item_batch([("create", ({"id": f"{name}-{number}-{one}", "pk": key},)) for one in "ab"], key)
    if number % 4 == 3:
        orders.delete_item(f"{name}-{number}", key)
"""


@pytest.fixture
def server_process(start_process, tmp_path):
    """A server process on a file whose containers have three physical partitions."""
    return start_process("--data", str(tmp_path / "cosmos.sqlite"), "--partitions", "3")


@pytest.fixture
def orders(server_process, connect):
    """The container that the writers write to."""
    return connect(server_process).create_database("shop").create_container("orders", PartitionKey("/pk"))


@pytest.fixture
def reader(server_process, connect):
    """Read a feed step by step, each with a client of its own, as a feed must not share one."""

    class Reader:
        def __init__(self, start, **options):
            self.container = connect(server_process).get_database_client("shop").get_container_client("orders")
            self.options, self.position, self.seen = options, {"start_time": start}, []

        def read(self):
            found = list(self.container.query_items_change_feed(**self.position, **self.options))
            self.position = {"continuation": self.container.client_connection.last_response_headers["etag"]}
            self.seen += found
            return found

    return Reader


@pytest.fixture
def write(server_process):
    """Start writing in three processes."""
    started = []

    def start():
        for number in range(WRITERS):
            command = [sys.executable, "-c", WRITER, server_process.url, f"w{number}", str(ROUNDS)]
            started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return started

    yield start
    for writer in started:
        if writer.poll() is None:
            writer.kill()
        writer.communicate()


def finish(writers):
    for writer in writers:
        assert writer.wait(60) == 0, writer.communicate()[1]


def expected_log(name, number):
    """What a writer does to one item, as the feed of all versions tells it."""
    return ["create", "replace"] + (["delete"] if number % 4 == 3 else [])


def test_a_feed_misses_and_repeats_nothing_while_processes_write(orders, reader, write):
    latest = [reader("Beginning", feed_range=one, max_item_count=7) for one in orders.read_feed_ranges()]
    versions = reader("Now", max_item_count=5, **ALL_VERSIONS)
    one_key = reader("Beginning", partition_key="w1-2")
    readers = [*latest, versions, one_key]
    versions.read()
    writers = write()
    while any(writer.poll() is None for writer in writers):
        for one in readers:
            one.read()
    finish(writers)
    for one in readers:
        one.read()

    log = {}
    for entry in versions.seen:
        document = entry.get("current", entry["metadata"])
        log.setdefault(document["id"], []).append(entry["metadata"]["operationType"])
    singles = {f"w{name}-{number}": expected_log(name, number) for name in range(WRITERS) for number in range(ROUNDS)}
    quarters = [f"w{name}-{number}" for name in range(WRITERS) for number in range(0, ROUNDS, 4)]
    batches = {f"{item_id}-{one}": ["create"] for item_id in quarters for one in "ab"}
    assert log == singles | batches

    seen = [item for one in latest for item in one.seen]
    assert len({(item["id"], item["_etag"]) for item in seen}) == len(seen)
    for one in latest:
        lsns = [item["_lsn"] for item in one.seen]
        assert lsns == sorted(lsns)
    kept = {item["id"]: item["_etag"] for item in orders.read_all_items()}
    last_seen = {item["id"]: item["_etag"] for item in seen}
    assert {item_id: last_seen.get(item_id) for item_id in kept} == kept
    kept_there = {item["id"] for item in orders.query_items("SELECT * FROM c", partition_key="w1-2")}
    assert kept_there <= {item["id"] for item in one_key.seen}
    assert {item["pk"] for item in one_key.seen} == {"w1-2"}


def test_a_feed_goes_on_where_it_was_after_the_server_was_killed_and_started_again(
    server_process, orders, reader, connect
):
    latest, versions = reader("Beginning", max_item_count=4), reader("Now", max_item_count=4, **ALL_VERSIONS)
    written = []
    versions.read()
    for life in range(4):
        for number in range(6):
            item = orders.create_item({"id": f"{life}-{number}", "pk": str(number)}, retry_write=0)
            written.append((item["id"], item["_etag"]))
            if number == 3:
                latest.read()
        server_process.kill()
        with pytest.raises(AzureError):
            orders.create_item({"id": "lost", "pk": "a"}, connection_timeout=1, retry_total=0, retry_connect=0)
        server_process.start()
        orders = connect(server_process).get_database_client("shop").get_container_client("orders")
        for one in (latest, versions):
            one.container = connect(server_process).get_database_client("shop").get_container_client("orders")
            one.read()
    assert sorted((item["id"], item["_etag"]) for item in latest.seen) == sorted(written)
    assert sorted((one["current"]["id"], one["current"]["_etag"]) for one in versions.seen) == sorted(written)
    assert latest.read() == versions.read() == []
