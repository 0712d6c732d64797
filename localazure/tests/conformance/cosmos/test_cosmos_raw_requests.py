"""Requests that the official clients never send, and what the administration endpoints refuse."""

from __future__ import annotations

import http.client
import json
import sqlite3
from urllib.parse import urlsplit

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

KEY = {"x-ms-documentdb-partitionkey": '["a"]'}
QUERY = {"x-ms-documentdb-isquery": "true"}
DOCS = "/dbs/shop/colls/orders/docs"


@pytest.fixture
def ask(start_server, connect):
    """Send a request to a server without authentication that holds one item."""
    server = start_server(authenticate=False)
    container = connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    container.create_item({"id": "1", "pk": "a"})

    def send(method, path, body=None, **headers):
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None, answer.headers

    return send


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/nothing", None, {}, 404),
        ("POST", "/", None, {}, 405),
        ("POST", "/offers", "{}", {}, 405),
        ("GET", "/offers/none", None, {}, 404),
        ("PUT", "/dbs/shop/colls/orders", '{"id":"other"}', {}, 400),
        ("PUT", "/dbs/shop/colls/orders", "{}", {"if-match": '"stale"'}, 412),
        ("POST", "/dbs/shop/colls", '{"id":"c"}', {}, 400),
        ("POST", "/dbs/none/colls", '{"id":"c"}', {}, 404),
        ("POST", "/dbs/shop/colls", '{"id":"c","partitionKey":{"paths":["/a"],"kind":[]}}', {}, 400),
        ("POST", "/dbs/shop/colls", '{"id":"c","partitionKey":{"paths":["/a"],"version":{}}}', {}, 400),
        (
            "POST",
            "/dbs/shop/colls",
            '{"id":"c","partitionKey":{"paths":["/a"]},"indexingPolicy":{"includedPaths":5}}',
            {},
            400,
        ),
        ("POST", "/dbs", '{"id":"c"}', {"x-ms-offer-throughput": "much"}, 400),
        ("POST", "/dbs", '{"id":"c"}', {"x-ms-offer-throughput": "9" * 5000}, 400),
        ("GET", f"{DOCS}/1", None, {}, 400),
        ("GET", f"{DOCS}/1", None, {"x-ms-documentdb-partitionkey": '["\xe9"]'}, 400),
        ("GET", f"{DOCS}/1", None, {**KEY, "x-ms-cosmos-intended-collection-rid": "other"}, 400),
        ("GET", f"{DOCS}", None, {"x-ms-max-item-count": "many"}, 400),
        ("GET", f"{DOCS}", None, {"a-im": "Incremental Feed", "if-none-match": "x"}, 400),
        ("GET", f"{DOCS}", None, {"a-im": "Incremental Feed", "if-modified-since": "yesterday"}, 400),
        ("GET", f"{DOCS}", None, {"a-im": "Full-Fidelity Feed"}, 400),
        ("GET", f"{DOCS}", None, {"x-ms-documentdb-partitionkeyrangeid": "7"}, 410),
        ("POST", f"{DOCS}", "{}", {**KEY, **QUERY}, 400),
        ("POST", f"{DOCS}", '{"query":"SELECT * FROM c","parameters":{"@n":1}}', {**KEY, **QUERY}, 400),
        ("POST", f"{DOCS}", json.dumps({"query": f"SELECT '{'x' * 524288}'"}), {**KEY, **QUERY}, 400),
        ("POST", f"{DOCS}", "[1]", {**KEY, "x-ms-cosmos-is-batch-request": "True"}, 400),
        ("POST", f"{DOCS}", '"' + "x" * 7_000_000 + '"', KEY, 413),
        ("POST", f"{DOCS}", "x" * 17_000_000, KEY, 413),
        ("PATCH", f"{DOCS}/1", "[]", KEY, 400),
        ("POST", "/dbs/shop/colls/orders/operations/partitionkeydelete", "", {}, 400),
        (
            "POST",
            "/dbs/shop/colls/orders/operations/partitionkeydelete",
            "",
            {"x-ms-documentdb-partitionkey": "[]"},
            400,
        ),
        ("GET", "/_emulator/nothing", None, {}, 404),
        ("PUT", "/_emulator/faults", None, {}, 405),
        ("POST", "/_emulator/faults", "{}", {}, 400),
        ("POST", "/_emulator/faults", '{"action":{},"match":{"path":"("}}', {}, 400),
        ("POST", "/_emulator/clock", '{"advanceSeconds":-1}', {}, 400),
        ("POST", "/_emulator/clock", '{"advanceSeconds":1e15}', {}, 400),
        ("GET", "/_emulator/requests?last=x", None, {}, 400),
    ],
)
def test_a_request_that_cannot_be_served_is_refused_with_its_code(ask, method, path, body, headers, status):
    answered, error, _ = ask(method, path, body, **headers)
    assert answered == status
    assert set(error) == {"code", "message"}


def test_feeds_can_be_listed_without_a_query(ask):
    assert ask("GET", "/offers")[1]["_count"] == 1
    assert ask("GET", "/dbs")[1]["Databases"][0]["id"] == "shop"
    assert ask("GET", "/dbs/shop/colls/orders/sprocs")[1]["StoredProcedures"] == []


def test_an_empty_key_means_everything_to_a_query(ask):
    headers = {**QUERY, "x-ms-documentdb-partitionkey": "[]"}
    assert ask("POST", DOCS, '{"query":"SELECT VALUE c.id FROM c"}', **headers)[1]["Documents"] == ["1"]


def test_answers_are_whole_and_plain(ask):
    _, _, headers = ask("GET", f"{DOCS}/1", **KEY, **{"accept-encoding": "gzip"})
    assert int(headers["content-length"]) > 0
    assert headers["content-type"] == "application/json"
    assert "content-encoding" not in headers
    assert "transfer-encoding" not in headers


def test_faults_can_be_cleared(ask):
    ask("POST", "/_emulator/faults", '{"action":{"status":503}}')
    assert ask("GET", f"{DOCS}/1", **KEY)[0] == 503
    assert ask("DELETE", "/_emulator/faults")[0] == 204
    assert ask("GET", f"{DOCS}/1", **KEY)[0] == 200


def test_an_unexpected_error_is_a_500_that_says_little(start_server, connect, tmp_path):
    server = start_server(data=tmp_path / "cosmos.sqlite")
    container = connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    with sqlite3.connect(tmp_path / "cosmos.sqlite") as file:
        file.execute("DROP TABLE items")
    file.close()
    with pytest.raises(CosmosHttpResponseError) as refusal:
        container.create_item({"id": "1", "pk": "a"})
    assert refusal.value.status_code == 500
    assert "items" not in refusal.value.http_error_message


def test_without_administration_its_paths_lead_nowhere(start_server):
    server = start_server(admin=False)
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    connection.request("GET", "/_emulator/info")
    assert connection.getresponse().status == 404
    connection.close()


def test_a_file_can_be_opened_again_by_a_later_server(start_server, connect, tmp_path):
    first = start_server(data=tmp_path / "cosmos.sqlite")
    database = connect(first).create_database("shop", offer_throughput=900)
    database.create_container("orders", PartitionKey("/pk"), default_ttl=100).create_item({"id": "1", "pk": "a"})
    first.stop()
    second = connect(start_server(data=tmp_path / "cosmos.sqlite")).get_database_client("shop")
    assert second.get_throughput().offer_throughput == 900
    orders = second.get_container_client("orders")
    assert orders.read()["defaultTtl"] == 100
    assert [item["_lsn"] for item in orders.query_items_change_feed(start_time="Beginning")] == [1]
