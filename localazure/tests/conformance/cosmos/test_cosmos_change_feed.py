"""The change feed: complete, in order, incremental, whatever happens between two reads."""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import chain

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosBatchOperationError

ALL = {"mode": "AllVersionsAndDeletes"}


def ids(items):
    return [item["id"] for item in items]


class Reader:
    """Reads a container's feed through a client of its own, from where it was before."""

    def __init__(self, container, **options):
        self.container = container
        self.options = options
        self.token = None

    def read(self, **start):
        position = {"continuation": self.token} if self.token else start
        found = list(self.container.query_items_change_feed(**position, **self.options))
        self.token = self.container.client_connection.last_response_headers["etag"]
        return found


@pytest.fixture
def reader(same_container):
    return lambda **options: Reader(same_container(), **options)


def test_c157_the_feed_begins_with_every_live_item_in_order(filled):
    filled.upsert_item({"id": "3", "pk": "p1", "n": 33})
    feed = list(filled.query_items_change_feed(start_time="Beginning"))
    assert ids(feed) == ["0", "1", "2", "4", "5", "6", "7", "8", "9", "3"]
    assert [item["_lsn"] for item in feed] == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11]


def test_c158_a_drained_feed_shows_exactly_what_changes(filled, reader):
    feed = reader()
    assert len(feed.read(start_time="Beginning")) == 10
    rid = filled.read()["_rid"]
    assert json.loads(base64.b64decode(feed.token))["containerRid"] == rid
    assert feed.read() == []
    filled.upsert_item({"id": "7", "pk": "p1"})
    filled.create_item({"id": "new", "pk": "p1"})
    assert ids(feed.read()) == ["7", "new"]
    assert feed.read() == []


@pytest.mark.parametrize("start", [{"start_time": "Now"}, {}])
def test_c159_a_feed_from_now_shows_later_changes_only(filled, same_container, wire, start):
    feed = Reader(same_container(transport=wire))
    assert feed.read(**start) == []
    asked = wire.to("/docs")[-1]
    assert (asked.headers["if-none-match"], asked.status, asked.answered["etag"]) == ("*", 304, '"10"')
    filled.upsert_item({"id": "7", "pk": "p1"})
    assert ids(feed.read()) == ["7"]


def test_c160_a_feed_may_start_at_a_time(server, filled, same_container, wire):
    now = datetime.now(UTC)
    server.admin.advance(100)
    filled.upsert_item({"id": "7", "pk": "p1"})
    feed = same_container(transport=wire)
    since = now + timedelta(seconds=50)
    assert ids(feed.query_items_change_feed(start_time=since)) == ["7"]
    assert parsedate_to_datetime(wire.to("/docs")[0].headers["if-modified-since"]) == since.replace(microsecond=0)
    assert len(list(feed.query_items_change_feed(start_time=now - timedelta(seconds=50)))) == 10
    assert list(feed.query_items_change_feed(start_time=now + timedelta(seconds=500))) == []


def test_c160_the_second_of_a_start_time_counts(server, container):
    stamps = []
    for number in range(3):
        stamps.append(container.create_item({"id": str(number), "pk": "a"})["_ts"])
        server.admin.advance(10)
    start = datetime.fromtimestamp(stamps[1], UTC)
    assert ids(container.query_items_change_feed(start_time=start)) == ["1", "2"]


def test_c161_only_the_latest_version_is_shown_and_no_deletes(filled):
    for number in range(3):
        filled.upsert_item({"id": "3", "pk": "p1", "n": number})
    filled.delete_item("4", "p0")
    feed = list(filled.query_items_change_feed(start_time="Beginning"))
    assert ids(feed).count("3") == 1
    assert feed[-1]["n"] == 2
    assert "4" not in ids(feed)


def test_c162_feed_pages_have_the_size_asked_for_and_resume(filled, same_container):
    paged = filled.query_items_change_feed(start_time="Beginning", max_item_count=3).by_page()
    sizes, rest = [], []
    for page in paged:
        sizes.append(len(list(page)))
        again = same_container().query_items_change_feed(continuation=paged.continuation_token)
        rest.append(len(list(again)))
    assert [size for size in sizes if size] == [3, 3, 3, 1]
    assert rest[:4] == [7, 4, 1, 0]


def test_c163_a_feed_of_one_key(filled, same_container, wire):
    feed = same_container(transport=wire).query_items_change_feed(start_time="Beginning", partition_key="p1")
    assert ids(feed) == ["1", "3", "5", "7", "9"]
    headers = wire.to("/docs")[0].headers
    assert headers["x-ms-documentdb-partitionkeyrangeid"] == "0"
    assert int(headers["x-ms-end-epk"], 16) == int(headers["x-ms-start-epk"], 16) + 1
    assert "x-ms-documentdb-partitionkey" not in headers


def test_c163_a_feed_of_one_key_does_not_look_again_at_what_others_wrote(filled, same_container, wire):
    feed = Reader(same_container(transport=wire))
    assert ids(feed.read(start_time="Beginning", partition_key="p0")) == ["0", "2", "4", "6", "8"]
    filled.create_item({"id": "other", "pk": "p1"})
    assert feed.read() == []
    answers = [(one.status, one.answered["etag"]) for one in wire.to("/docs")]
    assert answers == [(200, '"10"'), (304, '"10"'), (304, '"11"')]


def test_c164_feed_ranges_cover_the_feed_without_overlap(database):
    container = database.create_container("spread", PartitionKey("/pk"), offer_throughput=21000)
    for number in range(30):
        container.create_item({"id": str(number), "pk": f"p{number % 10}"})
    found = [
        ids(container.query_items_change_feed(start_time="Beginning", feed_range=one))
        for one in container.read_feed_ranges()
    ]
    assert len(found) == 3
    assert sorted(chain(*found), key=int) == [str(number) for number in range(30)]
    assert len(list(container.query_items_change_feed(start_time="Beginning"))) == 30


def test_c165_all_versions_and_deletes_are_shown_in_order(container, same_container, wire):
    feed = Reader(same_container(transport=wire), **ALL)
    assert feed.read(start_time="Now") == []
    headers = wire.to("/docs")[-1].headers
    assert headers["a-im"] == "Full-Fidelity Feed"
    assert headers["x-ms-cosmos-changefeed-wire-format-version"] == "2021-09-15"
    container.create_item({"id": "1", "pk": "a"})
    for number in (1, 2):
        container.upsert_item({"id": "1", "pk": "a", "n": number})
    container.delete_item("1", "a")
    created, first, second, deleted = feed.read()
    assert created["current"]["id"] == "1"
    assert created["metadata"] == {"operationType": "create", "lsn": 1, "crts": created["current"]["_ts"]}
    assert first["metadata"]["previousImageLSN"] == 1
    assert first["metadata"]["operationType"] == second["metadata"]["operationType"] == "replace"
    assert (first["current"]["n"], second["current"]["n"]) == (1, 2)
    assert second["metadata"]["previousImageLSN"] == first["metadata"]["lsn"] == 2
    assert "current" not in deleted
    assert deleted["metadata"].pop("crts") >= second["metadata"]["crts"]
    assert deleted["metadata"] == {
        "operationType": "delete",
        "lsn": 4,
        "previousImageLSN": 3,
        "timeToLiveExpired": False,
        "id": "1",
        "partitionKey": {"pk": "a"},
    }


def test_c166_all_versions_from_the_beginning_are_refused_by_the_client(wired, wire):
    with pytest.raises(ValueError):
        list(wired.query_items_change_feed(start_time="Beginning", **ALL))
    assert wire.to("/docs") == []


def test_c167_a_page_never_splits_a_batch(container):
    container.create_item({"id": "0", "pk": "a"})
    container.execute_item_batch([("create", ({"id": str(one), "pk": "a"},)) for one in range(1, 6)], "a")
    container.create_item({"id": "6", "pk": "a"})
    pages = container.query_items_change_feed(start_time="Beginning", max_item_count=2).by_page()
    assert [ids(page) for page in pages][:2] == [["0", "1", "2", "3", "4", "5"], ["6"]]


def test_c168_a_continuation_does_not_outlive_its_container(database, filled, reader, same_container):
    feed = reader()
    feed.read(start_time="Beginning")
    database.delete_container("orders")
    database.create_container("orders", PartitionKey("/pk"))
    feed.container = same_container()
    with pytest.raises(ValueError):
        feed.read()


def test_c169_the_old_way_of_reading_one_range_still_works(filled, same_container):
    old = same_container()
    feed = old.query_items_change_feed(partition_key_range_id="0", is_start_from_beginning=True)
    assert len(list(feed)) == 10
    token = old.client_connection.last_response_headers["etag"]
    assert token == '"10"'
    filled.create_item({"id": "new", "pk": "p0"})
    assert ids(old.query_items_change_feed(partition_key_range_id="0", continuation=token)) == ["new"]


def test_c170_a_feed_from_a_time_cannot_be_resumed_by_the_client(filled, reader):
    """A defect of SDK 4.17.1, which reads the milliseconds of its own token as seconds."""
    feed = reader()
    assert len(feed.read(start_time=datetime.now(UTC) - timedelta(seconds=50))) == 10
    with pytest.raises(ValueError):
        feed.read()


def test_c171_reads_and_failed_writes_leave_no_trace(filled, reader, status_of):
    feed = reader()
    feed.read(start_time="Beginning")
    filled.read_item("1", "p1")
    status_of(filled.create_item, {"id": "1", "pk": "p1"})
    with pytest.raises(CosmosBatchOperationError):
        filled.execute_item_batch([("upsert", ({"id": "1", "pk": "p1"},)), ("delete", ("none",))], "p1")
    assert feed.read() == []
    filled.patch_item("1", "p1", [{"op": "incr", "path": "/n", "value": 1}])
    filled.replace_item("3", {"id": "3", "pk": "p1"})
    assert ids(feed.read()) == ["1", "3"]


def test_c172_each_write_is_delivered_once_and_in_order(container, reader):
    feed = reader()
    feed.read(start_time="Beginning")
    for number in range(300):
        container.upsert_item({"id": str(number % 7), "pk": "a", "n": number})
        assert [item["n"] for item in feed.read()] == [number]


def test_c173_a_recreated_id_is_shown_once_and_with_its_history(container, reader):
    feed = reader(**ALL)
    feed.read(start_time="Now")
    container.create_item({"id": "1", "pk": "a", "n": 1})
    container.delete_item("1", "a")
    container.create_item({"id": "1", "pk": "a", "n": 2})
    assert [one["metadata"]["operationType"] for one in feed.read()] == ["create", "delete", "create"]
    assert [item["n"] for item in container.query_items_change_feed(start_time="Beginning")] == [2]


def test_c173_an_id_recreated_after_its_expiry_is_shown_once_and_with_its_history(server, database, connect):
    database.create_container("expiring", PartitionKey("/pk"), default_ttl=10)
    writer, other = (connect(server).get_database_client("shop").get_container_client("expiring") for _ in range(2))
    feed = Reader(other, **ALL)
    feed.read(start_time="Now")
    writer.create_item({"id": "1", "pk": "a", "n": 1})
    server.admin.advance(11)
    writer.create_item({"id": "1", "pk": "a", "n": 2})
    log = [(one["metadata"]["operationType"], one["metadata"].get("timeToLiveExpired")) for one in feed.read()]
    assert log == [("create", None), ("delete", True), ("create", None)]
    assert [item["n"] for item in other.query_items_change_feed(start_time="Beginning")] == [2]


def test_c174_deleting_a_partition_is_a_delete_of_each_item(filled, reader):
    feed = reader(**ALL)
    feed.read(start_time="Now")
    filled.delete_all_items_by_partition_key("p0")
    assert [one["metadata"]["id"] for one in feed.read()] == ["0", "2", "4", "6", "8"]
    assert ids(filled.query_items_change_feed(start_time="Beginning")) == ["1", "3", "5", "7", "9"]


def test_c176_a_slow_reader_gets_every_final_version_and_nothing_twice(container, same_container):
    for chunk in range(3):
        creates = [("create", ({"id": f"{chunk}-{one}", "pk": str(chunk)},)) for one in range(100)]
        container.execute_item_batch(creates, str(chunk))
    begun = threading.Event()
    written = {}

    def update():
        begun.wait()
        for number in range(300):
            item_id, key = f"{number // 100}-{number % 100}", str(number // 100)
            written[item_id] = container.upsert_item({"id": item_id, "pk": key, "final": True})["_etag"]

    updating = threading.Thread(target=update, daemon=True)
    updating.start()
    reader, seen = Reader(same_container(), max_item_count=10), []
    for page in reader.container.query_items_change_feed(start_time="Beginning", max_item_count=10).by_page():
        seen += [(item["id"], item["_etag"], item["_lsn"]) for item in page]
        begun.set()
    reader.token = reader.container.client_connection.last_response_headers["etag"]
    updating.join()
    seen += [(item["id"], item["_etag"], item["_lsn"]) for item in reader.read()]
    versions = [one[:2] for one in seen]
    assert len(set(versions)) == len(versions)
    assert set(written.items()) <= set(versions)
    assert [one[2] for one in seen] == sorted(one[2] for one in seen)


def test_c219_a_reader_sees_each_of_many_concurrent_writes_once(container, same_container, reader):
    feed = reader(max_item_count=7)
    feed.read(start_time="Beginning")

    def write(writer, offset):
        for number in range(50):
            writer.create_item({"id": f"{offset}-{number}", "pk": str(number % 3)})

    writers = [threading.Thread(target=write, args=(same_container(), offset)) for offset in range(4)]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        seen += feed.read()
    seen += feed.read()
    assert len(seen) == 200
    assert len(set(ids(seen))) == 200
    assert [item["_lsn"] for item in seen] == sorted(item["_lsn"] for item in seen)
