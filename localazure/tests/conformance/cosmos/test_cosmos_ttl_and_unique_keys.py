"""Items that expire, and values that may occur once."""

from __future__ import annotations

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosResourceExistsError

EVERYWHERE = {"enable_cross_partition_query": True}


def ids(items):
    return [item["id"] for item in items]


@pytest.fixture
def expiring(database):
    """A container whose items live for 100 s by default."""
    return database.create_container("expiring", PartitionKey("/pk"), default_ttl=100)


@pytest.fixture
def users(database):
    """Unique e-mail addresses, and unique pairs of first and last name."""
    keys = [{"paths": ["/email"]}, {"paths": ["/name/first", "/name/last"]}]
    return database.create_container("users", PartitionKey("/pk"), unique_key_policy={"uniqueKeys": keys})


def user(item_id, email, first="", pk="a"):
    return {"id": item_id, "pk": pk, "email": email, "name": {"first": first or item_id, "last": "x"}}


def test_c177_an_expired_item_is_gone_from_everywhere(server, expiring, status_of):
    expiring.create_item({"id": "1", "pk": "a"})
    server.admin.advance(101)
    assert status_of(expiring.read_item, "1", "a")[0] == 404
    assert list(expiring.query_items("SELECT * FROM c", **EVERYWHERE)) == []
    assert list(expiring.read_all_items()) == []
    assert list(expiring.query_items_change_feed(start_time="Beginning")) == []
    assert expiring.create_item({"id": "1", "pk": "a"})["id"] == "1"


def test_c178_an_item_may_live_shorter_or_longer_than_the_default(server, database, expiring):
    opted = database.create_container("opted", PartitionKey("/pk"), default_ttl=-1)
    never = database.create_container("never", PartitionKey("/pk"))
    for container in (expiring, opted, never):
        container.create_item({"id": "short", "pk": "a", "ttl": 10})
        container.create_item({"id": "forever", "pk": "a", "ttl": -1})
        container.create_item({"id": "default", "pk": "a"})
    server.admin.advance(11)
    assert ids(expiring.read_all_items()) == ["forever", "default"]
    assert ids(opted.read_all_items()) == ["forever", "default"]
    assert ids(never.read_all_items()) == ["short", "forever", "default"]
    server.admin.advance(100)
    assert ids(expiring.read_all_items()) == ["forever"]


@pytest.mark.parametrize("ttl", [0, -10, None, "x", 1.5, True, 2_147_483_648])
def test_c179_a_ttl_must_make_sense(container, status_of, ttl):
    assert status_of(container.create_item, {"id": "1", "pk": "a", "ttl": ttl})[0] == 400


def test_c180_a_write_restarts_the_clock(server, expiring, status_of):
    expiring.create_item({"id": "1", "pk": "a"})
    for write in (
        lambda: expiring.upsert_item({"id": "1", "pk": "a"}),
        lambda: expiring.replace_item("1", {"id": "1", "pk": "a"}),
        lambda: expiring.patch_item("1", "a", [{"op": "set", "path": "/n", "value": 1}]),
    ):
        server.admin.advance(90)
        write()
    server.admin.advance(90)
    assert expiring.read_item("1", "a")["id"] == "1"
    server.admin.advance(11)
    assert status_of(expiring.read_item, "1", "a")[0] == 404


def test_c181_expiry_is_logged_once(server, expiring, same_container, connect, eventually):
    feed = connect(server).get_database_client("shop").get_container_client("expiring")
    options = {"mode": "AllVersionsAndDeletes"}
    assert list(feed.query_items_change_feed(start_time="Now", **options)) == []
    token = feed.client_connection.last_response_headers["etag"]
    expiring.create_item({"id": "1", "pk": "a"})
    server.admin.advance(101)

    def entries():
        found = list(feed.query_items_change_feed(continuation=token, **options))
        return [(one["metadata"]["operationType"], one["metadata"].get("timeToLiveExpired")) for one in found]

    eventually(lambda: len(entries()) == 2)
    assert entries() == [("create", None), ("delete", True)]


def test_c182_a_new_default_applies_to_stored_items(server, database, expiring, status_of):
    expiring.create_item({"id": "1", "pk": "a"})
    database.replace_container(expiring, PartitionKey("/pk"))
    server.admin.advance(101)
    assert expiring.read_item("1", "a")["id"] == "1"
    database.replace_container(expiring, PartitionKey("/pk"), default_ttl=50)
    assert status_of(expiring.read_item, "1", "a")[0] == 404


def test_c183_a_unique_value_is_unique_within_its_logical_partition(users):
    users.create_item(user("1", "x"))
    with pytest.raises(CosmosResourceExistsError):
        users.create_item(user("2", "x"))
    assert users.create_item(user("1", "x", pk="b"))["pk"] == "b"


def test_c184_no_kind_of_write_takes_a_taken_value(users, status_of):
    users.create_item(user("1", "x"))
    second = users.create_item(user("2", "y"))
    assert status_of(users.replace_item, "2", user("2", "x"))[0] == 409
    assert status_of(users.upsert_item, user("2", "x"))[0] == 409
    assert status_of(users.patch_item, "2", "a", [{"op": "set", "path": "/email", "value": "x"}])[0] == 409
    assert users.read_item("2", "a") == second
    assert users.replace_item("2", user("2", "y"))["email"] == "y"


def test_c185_a_missing_value_counts_and_pairs_conflict_as_pairs(users, status_of):
    users.create_item({"id": "1", "pk": "a", "name": {"first": "A", "last": "x"}})
    assert status_of(users.create_item, {"id": "2", "pk": "a", "name": {"first": "B"}})[0] == 409
    users.create_item(user("3", "x", first="C"))
    assert status_of(users.create_item, user("4", "y", first="C"))[0] == 409
    users.delete_item("3", "a")
    assert users.create_item(user("4", "y", first="C"))["id"] == "4"


def test_c186_a_taken_value_undoes_a_batch_with_its_values(users):
    users.create_item(user("1", "x"))
    with pytest.raises(CosmosBatchOperationError) as failure:
        users.execute_item_batch([("create", (user("2", "y"),)), ("create", (user("3", "x"),))], "a")
    assert (failure.value.error_index, failure.value.status_code) == (1, 409)
    assert users.create_item(user("4", "y"))["id"] == "4"


def test_c187_an_expired_item_holds_no_value(server, database):
    policy = {"uniqueKeys": [{"paths": ["/email"]}]}
    container = database.create_container("c", PartitionKey("/pk"), unique_key_policy=policy, default_ttl=100)
    container.create_item(user("1", "x"))
    server.admin.advance(101)
    assert container.create_item(user("2", "x"))["id"] == "2"


def test_c229_moving_the_clock_expires_items_at_once(server, expiring, status_of):
    expiring.create_item({"id": "1", "pk": "a", "ttl": 5})
    server.admin.advance(10)
    assert status_of(expiring.read_item, "1", "a")[0] == 404
