"""Items one by one: create, read, upsert, replace, delete, and what is refused."""

from __future__ import annotations

import base64
import http.client
import json
from urllib.parse import urlsplit

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue

SAME, DIFFERENT, MISSING = MatchConditions.IfNotModified, MatchConditions.IfModified, MatchConditions.IfMissing


def headers_of(container):
    return container.client_connection.last_response_headers


def post_raw(server, body, **headers):
    """A create without the SDK, which would refuse or repair some bodies itself."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    given = {"x-ms-documentdb-partitionkey": '["a"]', **headers}
    connection.request("POST", "/dbs/shop/colls/orders/docs/", body, given)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)


@pytest.fixture
def open_server(start_server, connect):
    """A server without authentication, with the usual container."""
    server = start_server(authenticate=False)
    connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    return server


def test_c050_a_created_item_has_its_system_properties(container):
    created = container.create_item({"id": "1", "pk": "a"})
    rid = container.read()["_rid"]
    raw = base64.b64decode(created["_rid"].replace("-", "/"))
    assert raw[:8] == base64.b64decode(rid.replace("-", "/"))
    assert created["_self"].endswith(f"/colls/{rid}/docs/{created['_rid']}/")
    assert created["_etag"].startswith('"')
    assert created["_attachments"] == "attachments/"
    assert isinstance(created["_ts"], int)


def test_c051_an_id_is_unique_within_its_logical_partition(container):
    container.create_item({"id": "1", "pk": "a"})
    with pytest.raises(CosmosResourceExistsError):
        container.create_item({"id": "1", "pk": "a"})
    assert container.create_item({"id": "1", "pk": "b"})["pk"] == "b"


def test_c052_an_item_needs_an_id(container, status_of):
    assert status_of(container.create_item, {"pk": "a"})[0] == 400
    assert container.create_item({"pk": "a"}, enable_automatic_id_generation=True)["id"]


def test_c053_a_missing_item_is_404_without_a_sub_status(container, status_of):
    container.create_item({"id": "1", "pk": "a"})
    assert status_of(container.read_item, "2", "a") == (404, 0)
    assert status_of(container.read_item, "1", "b") == (404, 0)


def test_c054_an_upsert_inserts_then_replaces(container):
    first = container.upsert_item({"id": "1", "pk": "a", "old": 1})
    second = container.upsert_item({"id": "1", "pk": "a", "new": 1})
    assert first["_rid"] == second["_rid"]
    assert first["_etag"] != second["_etag"]
    assert "old" not in container.read_item("1", "a")


def test_c055_replacing_a_missing_item_is_404(container, status_of):
    assert status_of(container.replace_item, "1", {"id": "1", "pk": "a"})[0] == 404


def test_c056_a_replace_checks_the_etag(container):
    first = container.create_item({"id": "1", "pk": "a"})
    second = container.replace_item("1", {"id": "1", "pk": "a", "n": 1}, etag=first["_etag"], match_condition=SAME)
    with pytest.raises(CosmosAccessConditionFailedError):
        container.replace_item("1", {"id": "1", "pk": "a", "n": 2}, etag=first["_etag"], match_condition=SAME)
    assert container.read_item("1", "a") == second


def test_c057_upsert_and_delete_check_the_etag(container, status_of):
    stale = container.create_item({"id": "1", "pk": "a"})["_etag"]
    container.upsert_item({"id": "1", "pk": "a", "n": 1})
    options = {"etag": stale, "match_condition": SAME}
    assert status_of(container.upsert_item, {"id": "1", "pk": "a"}, **options)[0] == 412
    assert status_of(container.delete_item, "1", "a", **options)[0] == 412
    assert container.read_item("1", "a")["n"] == 1


def test_c058_an_unchanged_item_is_not_sent_again(container):
    etag = container.create_item({"id": "1", "pk": "a"})["_etag"]
    assert container.read_item("1", "a", etag=etag, match_condition=DIFFERENT) == {}
    container.upsert_item({"id": "1", "pk": "a", "n": 1})
    assert container.read_item("1", "a", etag=etag, match_condition=DIFFERENT)["n"] == 1


def test_c059_a_deleted_item_is_gone(container):
    container.create_item({"id": "1", "pk": "a"})
    container.delete_item("1", "a")
    with pytest.raises(CosmosResourceNotFoundError):
        container.delete_item("1", "a")


def test_a_recreated_item_has_another_rid(container):
    first = container.create_item({"id": "1", "pk": "a"})
    container.delete_item("1", "a")
    assert container.create_item({"id": "1", "pk": "a"})["_rid"] != first["_rid"]


def test_c060_items_can_be_addressed_by_the_documents_that_were_read(container):
    item = container.create_item({"id": "1", "pk": "a"})
    assert container.read_item(item, "a") == item
    replaced = container.replace_item(item, {"id": "1", "pk": "a", "n": 1})
    assert container.patch_item(replaced, "a", [{"op": "incr", "path": "/n", "value": 1}])["n"] == 2
    container.delete_item(replaced, "a")
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item(item, "a")


def test_c061_a_minimal_answer_has_an_etag_and_no_body(container):
    assert container.create_item({"id": "1", "pk": "a"}, no_response=True) == {}
    assert headers_of(container)["etag"] == container.read_item("1", "a")["_etag"]
    assert container.upsert_item({"id": "1", "pk": "a"}, no_response=True) == {}
    assert container.replace_item("1", {"id": "1", "pk": "a"}, no_response=True) == {}


def test_c062_every_kind_of_key_is_a_logical_partition_of_its_own(container):
    keys = ["1", 1, 1.5, True, False, None]
    for key in keys:
        container.create_item({"id": "x", "pk": key, "mine": repr(key)})
    container.create_item({"id": "x", "mine": "absent"})
    assert [container.read_item("x", key)["mine"] for key in keys[:-1]] == [repr(key) for key in keys[:-1]]
    assert container.read_item("x", NullPartitionKeyValue)["mine"] == "None"
    assert container.read_item("x", NonePartitionKeyValue)["mine"] == "absent"
    assert container.read_item("x", 1.0)["mine"] == "1"


def test_c063_an_item_above_2_mb_is_refused(container, status_of):
    assert status_of(container.create_item, {"id": "1", "pk": "a", "x": "y" * (2 * 1024 * 1024)})[0] == 413


@pytest.mark.parametrize("compact", [False, True])
def test_c064_text_of_every_script_round_trips(same_container, compact):
    container = same_container(enable_compact_utf8_item_writes=compact)
    text = 'é 漢字 😀 \u0001 " \\ \u2028'
    container.create_item({"id": "1", "pk": "a", "text": text, text: 1})
    read = container.read_item("1", "a")
    assert read["text"] == text
    assert read[text] == 1
    found = container.query_items(
        "SELECT VALUE c.text FROM c WHERE c.text = @t", [{"name": "@t", "value": text}], partition_key="a"
    )
    assert list(found) == [text]


def test_c065_item_calls_answer_with_the_headers_that_clients_use(container):
    etag = container.create_item({"id": "1", "pk": "a"})["_etag"]
    headers = headers_of(container)
    assert float(headers["x-ms-request-charge"]) > 1
    assert headers["x-ms-session-token"] == "0:-1#1"
    assert (headers["lsn"], headers["etag"], headers["x-ms-documentdb-partitionkeyrangeid"]) == ("1", etag, "0")
    assert headers["x-ms-activity-id"]


def test_c066_response_hooks_see_headers_and_body(container):
    seen = []
    container.create_item({"id": "1", "pk": "a"}, response_hook=lambda headers, body: seen.append((headers, body)))
    assert seen[0][0]["lsn"] == "1"
    assert seen[0][1]["id"] == "1"


def test_c067_a_replace_must_not_rename(container, status_of):
    container.create_item({"id": "1", "pk": "a"})
    assert status_of(container.replace_item, "1", {"id": "2", "pk": "a"})[0] == 400


def test_c068_system_properties_of_a_body_are_ignored(container):
    mine = {"_rid": "x", "_self": "x", "_etag": "x", "_ts": 1, "_attachments": "x", "_lsn": 1}
    created = container.create_item({"id": "1", "pk": "a", **mine})
    assert not any(created.get(name) == value for name, value in mine.items())


def test_c070_numbers_keep_their_text(container):
    numbers = {"big": 2**63 + 1, "float": 0.1, "whole": 1.0, "small": 1e-7}
    container.create_item({"id": "1", "pk": "a", **numbers})
    read = container.read_item("1", "a")
    assert {name: read[name] for name in numbers} == numbers
    assert isinstance(read["whole"], float)


def test_c071_a_client_without_responses_still_gets_query_rows(same_container):
    container = same_container(no_response_on_write=True)
    assert container.create_item({"id": "1", "pk": "a"}) == {}
    assert [item["id"] for item in container.query_items("SELECT * FROM c", partition_key="a")] == ["1"]
    assert container.execute_item_batch([("read", ("1",))], "a")[0]["statusCode"] == 200


def test_c072_an_upsert_may_insist_on_inserting(container):
    container.upsert_item({"id": "1", "pk": "a"}, match_condition=MISSING)
    with pytest.raises(CosmosAccessConditionFailedError):
        container.upsert_item({"id": "1", "pk": "a"}, match_condition=MISSING)


def test_c073_an_id_may_have_1023_bytes(container, status_of):
    assert container.create_item({"id": "é" * 511 + "x", "pk": "a"})
    assert status_of(container.create_item, {"id": "é" * 512, "pk": "a"})[0] == 400


@pytest.mark.parametrize("name", [".", ".."])
def test_c074_ids_that_could_not_be_addressed_are_refused(container, status_of, name):
    assert status_of(container.create_item, {"id": name, "pk": "a"})[0] == 400


def test_c075_deleting_an_item_called_dot_dot_never_deletes_the_container(open_server, connect, container, status_of):
    assert status_of(container.delete_item, "..", "a")[0] == 401
    unprotected = connect(open_server).get_database_client("shop").get_container_client("orders")
    assert status_of(unprotected.delete_item, "..", "a")[0] == 400
    assert unprotected.read()["id"] == container.read()["id"] == "orders"


@pytest.mark.parametrize(
    "body", [b'{"id":"1","pk":"a","n":NaN}', b'{"id":"1","pk":"a","n":-Infinity}', b'{"id":', b'"1"', b'{"id":"\xff"}']
)
def test_c076_bodies_that_are_not_json_objects_are_refused(open_server, body):
    status, error = post_raw(open_server, body)
    assert status == 400
    assert error["code"] == "BadRequest"


def test_c077_a_lone_surrogate_round_trips(open_server):
    status, created = post_raw(open_server, b'{"id":"1","pk":"a","t":"\\ud800x","\\udfff":1}')
    assert status == 201
    assert created["t"] == "\ud800x"
    assert created["\udfff"] == 1


@pytest.mark.parametrize(
    "name", ["a;b", "a:b", "a@b", "a=b", "50%", "~x", "it's", 'say "x"', " lead", "é漢", "a+b", "a b"]
)
def test_c078_odd_ids_can_be_used_throughout(container, name):
    container.create_item({"id": name, "pk": "a", "n": 1})
    assert container.read_item(name, "a")["n"] == 1
    assert container.patch_item(name, "a", [{"op": "incr", "path": "/n", "value": 1}])["n"] == 2
    container.delete_item(name, "a")
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item(name, "a")


def test_c079_large_keys_are_compared_as_doubles(container):
    container.create_item({"id": "1", "pk": 2**60 + 1})
    assert container.read_item("1", 2**60)["pk"] == 2**60 + 1


def test_c080_a_key_above_2048_bytes_is_refused(container, status_of):
    assert container.create_item({"id": "1", "pk": "x" * 2048})
    assert status_of(container.create_item, {"id": "1", "pk": "x" * 2049})[0] == 400


def test_c081_an_item_may_be_128_levels_deep(container, status_of):
    def nested(levels):
        return {"id": str(levels), "pk": "a", "x": json.loads("[" * (levels - 1) + "]" * (levels - 1))}

    assert container.create_item(nested(128))["id"] == "128"
    assert status_of(container.create_item, nested(129))[0] == 400


def test_c082_an_upsert_with_an_etag_inserts_a_missing_item(container):
    assert container.upsert_item({"id": "1", "pk": "a"}, etag='"x"', match_condition=SAME)["id"] == "1"


def test_a_key_that_is_not_the_documents_is_refused(open_server):
    status, error = post_raw(open_server, b'{"id":"1","pk":"b"}')
    assert (status, error["code"]) == (400, "BadRequest")


def test_a_point_write_needs_a_key(open_server):
    status, error = post_raw(open_server, b'{"id":"1","pk":"b"}', **{"x-ms-documentdb-partitionkey": "[]"})
    assert (status, error["code"]) == (400, "BadRequest")


def test_an_unknown_method_is_405(open_server):
    connection = http.client.HTTPConnection(urlsplit(open_server.url).netloc)
    connection.request("PUT", "/dbs/shop/colls/orders/docs/")
    assert connection.getresponse().status == 405
    connection.close()
