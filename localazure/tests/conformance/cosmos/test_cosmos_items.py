"""Items one by one: create, read, upsert, replace, delete, and what is refused."""

from __future__ import annotations

import base64
import http.client
import json
import re
import uuid
from urllib.parse import urlsplit

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient as AioClient
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue
from localazure.cosmos.options import EMULATOR_KEY

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
    assert len(created["_rid"]) == 24
    raw = base64.b64decode(created["_rid"].replace("-", "/"))
    assert raw[:8] == base64.b64decode(rid.replace("-", "/"))
    assert re.fullmatch(r"dbs/[^/]{6}==", created["_self"].partition("/colls/")[0])
    assert created["_self"].endswith(f"/colls/{rid}/docs/{created['_rid']}/")
    assert re.fullmatch(r'"[^"]+"', created["_etag"])
    assert created["_attachments"] == "attachments/"
    assert isinstance(created["_ts"], int)


def test_c051_an_id_is_unique_within_its_logical_partition(container):
    container.create_item({"id": "1", "pk": "a"})
    with pytest.raises(CosmosResourceExistsError):
        container.create_item({"id": "1", "pk": "a"})
    assert container.create_item({"id": "1", "pk": "b"})["pk"] == "b"


def test_c052_an_item_needs_an_id(container, status_of):
    assert status_of(container.create_item, {"pk": "a"})[0] == 400
    assert uuid.UUID(container.create_item({"pk": "a"}, enable_automatic_id_generation=True)["id"])


def test_c053_a_missing_item_is_404_without_a_sub_status(container, status_of):
    container.create_item({"id": "1", "pk": "a"})
    assert status_of(container.read_item, "2", "a") == (404, 0)
    assert status_of(container.read_item, "1", "b") == (404, 0)


def test_c054_an_upsert_inserts_then_replaces(server, container):
    first = container.upsert_item({"id": "1", "pk": "a", "old": 1})
    second = container.upsert_item({"id": "1", "pk": "a", "new": 1})
    assert first["_rid"] == second["_rid"]
    assert first["_etag"] != second["_etag"]
    assert "old" not in container.read_item("1", "a")
    assert [one["status"] for one in server.admin.requests(method="POST", ending="/docs")] == [201, 200]


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


def test_c058_an_unchanged_item_is_not_sent_again(server, container):
    etag = container.create_item({"id": "1", "pk": "a"})["_etag"]
    assert container.read_item("1", "a", etag=etag, match_condition=DIFFERENT) == {}
    container.upsert_item({"id": "1", "pk": "a", "n": 1})
    assert container.read_item("1", "a", etag=etag, match_condition=DIFFERENT)["n"] == 1
    assert [one["status"] for one in server.admin.requests(method="GET", ending="/docs/1")] == [304, 200]


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


def test_c061_a_minimal_answer_has_an_etag_and_no_body(wired, wire):
    body = {"id": "1", "pk": "a"}
    etags = []
    for write in (
        lambda: wired.create_item(body, no_response=True),
        lambda: wired.upsert_item(body, no_response=True),
        lambda: wired.replace_item("1", body, no_response=True),
    ):
        assert write() == {}
        assert wire.sent[-1].headers["prefer"] == "return=minimal"
        etags.append(wire.sent[-1].answered["etag"])
    assert len(set(etags)) == 3
    assert wired.read_item("1", "a")["_etag"] == etags[-1]


def test_c062_every_kind_of_key_is_a_logical_partition_of_its_own(container):
    keys = ["1", 1, 1.5, True, False, None]
    for key in keys:
        container.create_item({"id": "x", "pk": key, "mine": repr(key)})
    container.create_item({"id": "x", "mine": "absent"})
    assert [container.read_item("x", key)["mine"] for key in keys] == [repr(key) for key in keys]
    assert container.read_item("x", NullPartitionKeyValue)["mine"] == "None"
    assert container.read_item("x", NonePartitionKeyValue)["mine"] == "absent"
    assert container.read_item("x", 1.0)["mine"] == "1"


@pytest.mark.parametrize("character", ["y", "é", "😀"])
def test_c063_an_item_above_2_mb_is_refused(container, status_of, character):
    """What counts is the text in UTF-8, though the client sends it in ASCII, three times as long."""
    limit = 2 * 1024 * 1024 - len('{"id":"1","pk":"a","x":""}')
    text = character * (limit // len(character.encode()))
    text += "y" * (limit - len(text.encode()))
    assert container.create_item({"id": "1", "pk": "a", "x": text})["x"] == text
    assert status_of(container.upsert_item, {"id": "1", "pk": "a", "x": text + "y"})[0] == 413
    assert container.read_item("1", "a")["x"] == text


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
    body = {"id": "1", "pk": "a", "n": 0}
    answers = [
        container.create_item(body),
        container.upsert_item(body),
        container.replace_item("1", body),
        container.patch_item("1", "a", [{"op": "incr", "path": "/n", "value": 1}]),
        container.read_item("1", "a"),
    ]
    for lsn, answer in zip(["1", "2", "3", "4", "4"], answers, strict=True):
        headers = answer.get_response_headers()
        assert float(headers["x-ms-request-charge"]) >= 1
        assert headers["x-ms-session-token"] == f"0:-1#{lsn}"
        assert (headers["lsn"], headers["x-ms-documentdb-partitionkeyrangeid"]) == (lsn, "0")
        assert headers["etag"] == answer["_etag"]
        assert uuid.UUID(headers["x-ms-activity-id"])
    container.delete_item("1", "a")
    assert headers_of(container)["x-ms-session-token"] == "0:-1#5"
    assert float(headers_of(container)["x-ms-request-charge"]) > 1


def test_c066_response_hooks_see_headers_and_body(container):
    seen = []

    def hook(headers, body):
        seen.append((headers["lsn"], body and body["id"]))

    container.create_item({"id": "1", "pk": "a"}, response_hook=hook)
    container.read_item("1", "a", response_hook=hook)
    container.delete_item("1", "a", response_hook=hook)
    assert seen == [("1", "1"), ("1", "1"), ("2", None)]


def test_c067_a_replace_must_not_rename(container, status_of):
    container.create_item({"id": "1", "pk": "a"})
    assert status_of(container.replace_item, "1", {"id": "2", "pk": "a"})[0] == 400
    assert [item["id"] for item in container.read_all_items()] == ["1"]


def test_c068_system_properties_of_a_body_are_ignored(container):
    mine = {"_rid": "x", "_self": "x", "_etag": "x", "_ts": 1, "_attachments": "x", "_lsn": 1}
    created = container.create_item({"id": "1", "pk": "a", **mine})
    assert not any(created.get(name) == value for name, value in mine.items())
    assert container.read_item("1", "a") == created
    assert set(created) == {"id", "pk", "_rid", "_self", "_etag", "_ts", "_attachments"}


@pytest.mark.parametrize("name", ["a/b", "a\\b", "a?b", "a#b"])
def test_c069_ids_that_no_link_could_hold_are_refused_by_the_client(wired, wire, name):
    for write in (wired.create_item, wired.upsert_item):
        with pytest.raises(ValueError, match="Id contains illegal chars"):
            write({"id": name, "pk": "a"})
    assert wire.to("/docs") == []


NUMBERS = [2**53 + 1, 2**63 + 1, -(2**70), 10**30, 0.1, 1.0, 1e-7, 5e-324, 1.7976931348623157e308, 1 / 3, 123456.789e3]


def test_c070_numbers_keep_their_text(container):
    container.create_item({"id": "1", "pk": "a", "numbers": NUMBERS})
    rows = container.query_items("SELECT * FROM c", partition_key="a")
    feed = container.query_items_change_feed(start_time="Beginning")
    for found in (container.read_item("1", "a"), *rows, *feed):
        assert [repr(number) for number in found["numbers"]] == [repr(number) for number in NUMBERS]


def test_c070_the_text_of_a_number_survives_a_replace_and_a_patch(container):
    container.create_item({"id": "1", "pk": "a", "numbers": []})
    container.replace_item("1", {"id": "1", "pk": "a", "numbers": NUMBERS})
    patched = container.patch_item("1", "a", [{"op": "set", "path": "/more", "value": NUMBERS}])
    assert repr(patched["numbers"]) == repr(patched["more"]) == repr(NUMBERS)


def test_c071_a_client_without_responses_still_gets_query_rows(same_container, wire):
    container = same_container(no_response_on_write=True, transport=wire)
    assert container.create_item({"id": "1", "pk": "a"}) == {}
    assert container.upsert_item({"id": "1", "pk": "a"}) == {}
    assert [item["id"] for item in container.query_items("SELECT * FROM c", partition_key="a")] == ["1"]
    [read] = container.execute_item_batch([("read", ("1",))], "a")
    assert (read["statusCode"], read["resourceBody"]["id"]) == (200, "1")
    assert [one.headers["prefer"] for one in wire.to("/docs", "POST")] == ["return=minimal"] * 4


def test_c072_an_upsert_may_insist_on_inserting(container):
    container.upsert_item({"id": "1", "pk": "a"}, match_condition=MISSING)
    with pytest.raises(CosmosAccessConditionFailedError):
        container.upsert_item({"id": "1", "pk": "a"}, match_condition=MISSING)


def test_c073_an_id_may_have_1023_bytes(container, status_of):
    assert len(("é" * 511 + "x").encode()) == 1023
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


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_c076_numbers_that_json_cannot_say_are_refused(container, status_of, number):
    assert status_of(container.create_item, {"id": "1", "pk": "a", "n": number})[0] == 400


def test_c077_a_lone_surrogate_round_trips(container):
    mine = {"id": "1", "pk": "a", "t": "\ud800x", "\udfff": {"é": "\udc00"}}
    for answer in (
        container.create_item(mine),
        container.read_item("1", "a"),
        *container.query_items("SELECT * FROM c", partition_key="a"),
        *container.query_items_change_feed(start_time="Beginning"),
    ):
        assert {name: answer[name] for name in mine} == mine


def test_c077_a_lone_surrogate_round_trips_as_an_escape(open_server):
    status, created = post_raw(open_server, b'{"id":"1","pk":"a","t":"\\ud800x","\\udfff":1}')
    assert status == 201
    assert created["t"] == "\ud800x"
    assert created["\udfff"] == 1


ODD_IDS = ["a;b", "a:b", "a@b", "a=b", "50%", "~x", "it's", 'say "x"', " lead", "é漢", "a+b", "a b"]


async def test_c078_the_aio_client_escapes_odd_ids_in_its_own_way(server, container):
    async with AioClient(server.url, EMULATOR_KEY) as client:
        orders = client.get_database_client("shop").get_container_client("orders")
        for name in ODD_IDS:
            await orders.create_item({"id": name, "pk": "a", "n": 1})
            assert (await orders.read_item(name, "a"))["n"] == 1
            patched = await orders.patch_item(name, "a", [{"op": "incr", "path": "/n", "value": 1}])
            assert patched["n"] == 2
            await orders.delete_item(name, "a")
        assert [item async for item in orders.read_all_items()] == []


@pytest.mark.parametrize("name", ODD_IDS)
def test_c078_odd_ids_can_be_used_throughout(container, name):
    container.create_item({"id": name, "pk": "a", "n": 1})
    assert container.read_item(name, "a")["n"] == 1
    assert container.patch_item(name, "a", [{"op": "incr", "path": "/n", "value": 1}])["n"] == 2
    container.delete_item(name, "a")
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item(name, "a")


def test_c079_large_keys_are_compared_as_doubles(container):
    container.create_item({"id": "1", "pk": 2**60 + 1})
    for key in (2**60 + 1, 2**60, float(2**60)):
        assert container.read_item("1", key)["pk"] == 2**60 + 1
    assert [item["pk"] for item in container.query_items("SELECT * FROM c", partition_key=2**60 + 1)] == [2**60 + 1]


def test_c080_a_key_above_2048_bytes_is_refused(container, status_of):
    assert container.create_item({"id": "1", "pk": "x" * 2048})
    assert status_of(container.create_item, {"id": "1", "pk": "x" * 2049})[0] == 400


def test_c081_an_item_may_be_128_levels_deep(container, status_of):
    def nested(levels):
        return {"id": str(levels), "pk": "a", "x": json.loads("[" * (levels - 1) + "]" * (levels - 1))}

    assert container.create_item(nested(128))["id"] == "128"
    assert status_of(container.create_item, nested(129))[0] == 400
    deeper = [{"op": "add", "path": "/x" + "/0" * 126 + "/-", "value": []}]
    assert status_of(container.patch_item, "128", "a", deeper)[0] == 400
    assert container.patch_item("128", "a", [{**deeper[0], "value": 1}])["id"] == "128"


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
