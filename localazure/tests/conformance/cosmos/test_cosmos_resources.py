"""Databases, containers, throughput and partition key ranges."""

from __future__ import annotations

import base64
import json

import pytest
from azure.cosmos import DatabaseProxy, PartitionKey, ThroughputProperties
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError, CosmosResourceNotFoundError


def test_c023_a_second_database_of_the_same_name_is_refused(client, database):
    assert isinstance(database, DatabaseProxy)
    with pytest.raises(CosmosResourceExistsError):
        client.create_database("shop")


def test_c024_create_if_not_exists_finds_the_same_database(server, client):
    def asked():
        return [(one["method"], one["status"]) for one in server.admin.requests() if one["path"] != "/"]

    first = client.create_database_if_not_exists("shop")
    assert asked() == [("GET", 404), ("POST", 201)]
    second = client.create_database_if_not_exists("shop")
    assert asked()[2:] == [("GET", 200)]
    assert first.read()["_rid"] == second.read()["_rid"]


def test_c025_a_database_has_its_system_properties(database):
    read = database.read()
    assert read["id"] == "shop"
    assert len(read["_rid"]) == 8
    assert len(base64.b64decode(read["_rid"].replace("-", "/"))) == 4
    assert read["_self"] == f"dbs/{read['_rid']}/"
    assert {"_etag", "_ts", "_colls", "_users"} <= set(read)


def test_c026_databases_are_listed_and_queried(client, database):
    client.create_database("other")
    parameters = [{"name": "@i", "value": "shop"}]
    assert {one["id"] for one in client.list_databases()} == {"shop", "other"}
    found = client.query_databases("select * from r where r.id=@i", parameters=parameters)
    assert [one["id"] for one in found] == ["shop"]


def test_c026_feeds_of_databases_are_paged(client):
    for number in range(5):
        client.create_database(f"db{number}")
    pages = [list(page) for page in client.list_databases(max_item_count=2).by_page()]
    assert [len(page) for page in pages] == [2, 2, 1]
    pages = [list(page) for page in client.query_databases("SELECT * FROM r", max_item_count=2).by_page()]
    assert [one["id"] for page in pages for one in page] == [f"db{number}" for number in range(5)]


def test_c027_items_of_a_deleted_database_are_missing_with_their_parent(client, database, container, status_of):
    client.delete_database("shop")
    with pytest.raises(CosmosResourceNotFoundError):
        database.read()
    assert status_of(container.create_item, {"id": "1", "pk": "a"}) == (404, 1003)


def test_c028_a_database_has_throughput(client):
    database = client.create_database("shop", offer_throughput=500)
    assert database.get_throughput().offer_throughput == 500
    assert database.replace_throughput(600).offer_throughput == 600


def test_c029_a_container_has_its_properties_and_defaults(database, container):
    read, rid = container.read(), database.read()["_rid"]
    assert read["partitionKey"] == {"paths": ["/pk"], "kind": "Hash", "version": 2}
    assert read["indexingPolicy"] == {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": "/*"}],
        "excludedPaths": [{"path": '/"_etag"/?'}],
    }
    raw = base64.b64decode(read["_rid"].replace("-", "/"))
    assert len(read["_rid"]) == 12
    assert raw[:4] == base64.b64decode(rid.replace("-", "/"))
    assert read["_self"] == f"dbs/{rid}/colls/{read['_rid']}/"


def test_c030_a_second_container_of_the_same_name_is_refused(database, container):
    with pytest.raises(CosmosResourceExistsError):
        database.create_container("orders", PartitionKey("/other"))
    before = container.read()
    again = database.create_container_if_not_exists("orders", PartitionKey("/pk"), default_ttl=5)
    assert again.read() == before


def test_c031_containers_are_listed_and_queried(database, container):
    assert [one["id"] for one in database.list_containers()] == ["orders"]
    assert [one["id"] for one in database.query_containers("SELECT * FROM c WHERE c.id = 'orders'")] == ["orders"]
    assert list(database.query_containers("SELECT * FROM c WHERE c.id = 'none'")) == []


def test_c032_replaced_properties_are_read_back(database, container):
    policy = {"indexingMode": "none", "automatic": False}
    database.replace_container(container, PartitionKey("/pk"), default_ttl=100, indexing_policy=policy)
    read = container.read()
    assert read["defaultTtl"] == 100
    assert read["indexingPolicy"]["indexingMode"] == "none"


def test_index_path_that_is_none_is_refused(database):
    policy = {"includedPaths": [{"path": "kind"}], "excludedPaths": [{"path": "/*"}]}
    with pytest.raises(CosmosHttpResponseError) as refusal:
        database.create_container("odd", PartitionKey("/pk"), indexing_policy=policy)
    assert refusal.value.status_code == 400


def test_c033_the_partition_key_cannot_be_replaced(database, container, status_of):
    assert status_of(database.replace_container, container, PartitionKey("/other"))[0] == 400


def test_c033_the_version_of_the_partition_key_cannot_be_replaced_and_stays(client, database, status_of):
    """It decides where items are looked for: with another one, those that are there would not be found."""
    replace = client.client_connection.ReplaceContainer
    for version in (1, 2):
        name = f"version{version}"
        container = database.create_container(name, PartitionKey("/pk", version=version))
        container.create_item({"id": "1", "pk": "a"})
        other = PartitionKey("/pk", version=3 - version)
        assert status_of(database.replace_container, container, other)[0] == 400
        replace(f"dbs/shop/colls/{name}", {"id": name, "partitionKey": {"paths": ["/pk"], "kind": "Hash"}})
        assert container.read()["partitionKey"]["version"] == version
        assert len(list(container.query_items("SELECT * FROM c", partition_key="a"))) == 1


def test_c034_items_of_a_deleted_container_are_missing_with_their_parent(database, container, status_of):
    container.create_item({"id": "1", "pk": "a"})
    database.delete_container(container)
    assert status_of(container.read_item, "1", "a") == (404, 1003)


def test_c035_a_container_gets_throughput_by_default(container):
    assert container.get_throughput().offer_throughput == 400


def test_c035_a_container_that_shares_its_databases_throughput_has_none(server, connect, wire):
    database = connect(server, transport=wire).create_database("shared", offer_throughput=500)
    orders = database.create_container("orders", PartitionKey("/pk"))
    with pytest.raises(AttributeError):  # what the SDK makes of an empty feed of offers
        orders.get_throughput()
    [asked] = wire.to("/offers")
    assert (asked.status, asked.answered["x-ms-item-count"]) == (200, "0")


def test_c036_manual_and_autoscale_throughput_can_be_changed(database):
    manual = database.create_container("manual", PartitionKey("/pk"), offer_throughput=700)
    assert manual.get_throughput().offer_throughput == 700
    assert manual.replace_throughput(800).offer_throughput == 800
    assert manual.get_throughput().offer_throughput == 800
    scaled = ThroughputProperties(auto_scale_max_throughput=5000)
    autoscale = database.create_container("autoscale", PartitionKey("/pk"), offer_throughput=scaled)
    assert autoscale.get_throughput().auto_scale_max_throughput == 5000
    larger = ThroughputProperties(auto_scale_max_throughput=6000)
    autoscale.replace_throughput(larger)
    assert autoscale.get_throughput().auto_scale_max_throughput == 6000


def test_c044_autoscale_throughput_names_its_least_value(database):
    scaled = ThroughputProperties(auto_scale_max_throughput=5000)
    container = database.create_container("autoscale", PartitionKey("/pk"), offer_throughput=scaled)
    assert container.get_throughput().properties["content"]["offerThroughput"] == 500
    container.replace_throughput(ThroughputProperties(auto_scale_max_throughput=6000))
    assert container.get_throughput().properties["content"]["offerThroughput"] == 600


def test_c037_quota_and_usage_are_told_on_request(filled):
    filled.read(populate_quota_info=True)
    headers = filled.client_connection.last_response_headers
    assert "documentsCount=10;" in headers["x-ms-resource-usage"]
    assert "x-ms-resource-quota" in headers


def bounds(container):
    decoded = [
        json.loads(base64.b64decode(one["Range"])) if isinstance(one["Range"], str) else one["Range"]
        for one in container.read_feed_ranges()
    ]
    return [(one["min"], one["max"]) for one in decoded]


def test_c038_large_throughput_makes_more_ranges(database, container):
    assert bounds(container) == [("", "FF")]
    large = database.create_container("large", PartitionKey("/pk"), offer_throughput=11000)
    (first, middle), (again, last) = bounds(large)
    assert (first, last) == ("", "FF")
    assert middle == again


@pytest.mark.parametrize("ttl", [-10, 0])
def test_c039_a_default_ttl_must_make_sense(database, status_of, ttl):
    create = database.create_container
    assert status_of(create, "bad", PartitionKey("/pk"), default_ttl=ttl)[0] == 400


def test_c039_a_default_ttl_of_minus_one_is_accepted(database):
    assert database.create_container("c", PartitionKey("/pk"), default_ttl=-1).read()["defaultTtl"] == -1


def test_c040_a_recreated_container_is_found_by_a_client_that_cached_the_old_one(server, connect, container):
    container.create_item({"id": "1", "pk": "a"})
    other = connect(server).get_database_client("shop")
    other.delete_container("orders")
    other.create_container("orders", PartitionKey("/other"))
    assert container.create_item({"id": "1", "other": "b"})["id"] == "1"
    retried = [(one["method"], one["status"], one["subStatus"]) for one in server.admin.requests()[-3:]]
    assert retried == [("POST", 400, 1024), ("GET", 200, 0), ("POST", 201, 0)]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/a/b", {"a": {"b": "k"}}),
        ('/"x y"', {"x y": "k"}),
        ('/"x y"/c', {"x y": {"c": "k"}}),
    ],
)
def test_c041_nested_and_quoted_key_paths_place_items(database, path, body):
    container = database.create_container("paths", PartitionKey(path))
    container.create_item({"id": "1", **body})
    assert container.read_item("1", "k")["id"] == "1"
    assert [item["id"] for item in container.query_items("SELECT * FROM c", partition_key="k")] == ["1"]
    assert list(container.query_items("SELECT * FROM c", partition_key="other")) == []


def test_c042_a_hierarchical_key_has_at_most_three_levels(database, status_of):
    three = PartitionKey(["/a", "/b", "/c"], kind="MultiHash")
    four = PartitionKey(["/a", "/b", "/c", "/d"], kind="MultiHash")
    assert database.create_container("three", three).read()["partitionKey"]["kind"] == "MultiHash"
    assert status_of(database.create_container, "four", four)[0] == 400


def test_c043_properties_without_effect_are_kept(database):
    computed = [{"name": "lower", "query": "SELECT VALUE LOWER(c.name) FROM c"}]
    embeddings = {
        "vectorEmbeddings": [
            {"path": "/v", "dataType": "float32", "dimensions": 3, "distanceFunction": "cosine"},
        ]
    }
    texts = {"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/t", "language": "en-US"}]}
    container = database.create_container(
        "c",
        PartitionKey("/pk"),
        computed_properties=computed,
        analytical_storage_ttl=-1,
        vector_embedding_policy=embeddings,
        full_text_policy=texts,
        conflict_resolution_policy={"mode": "LastWriterWins", "conflictResolutionPath": "/n"},
    )
    read = container.read()
    assert read["computedProperties"] == computed
    assert read["analyticalStorageTtl"] == -1
    assert read["vectorEmbeddingPolicy"] == embeddings
    assert read["fullTextPolicy"] == texts
    assert read["conflictResolutionPolicy"]["conflictResolutionPath"] == "/n"


def test_c045_replacing_a_container_keeps_its_unique_keys(database, status_of):
    policy = {"uniqueKeys": [{"paths": ["/email"]}]}
    container = database.create_container("users", PartitionKey("/pk"), unique_key_policy=policy)
    database.replace_container(container, PartitionKey("/pk"), default_ttl=100)
    container.create_item({"id": "1", "pk": "a", "email": "x"})
    assert status_of(container.create_item, {"id": "2", "pk": "a", "email": "x"})[0] == 409


def test_c046_a_change_feed_policy_is_echoed(database):
    policy = {"retentionDuration": "PT10M"}
    container = database.create_container("c", PartitionKey("/pk"), change_feed_policy=policy)
    assert container.read()["changeFeedPolicy"] == policy


@pytest.mark.parametrize("name", ["x" * 256, "a/b", "a\\b", "a?b", "a#b"])
def test_c048_bad_names_are_refused_by_client_or_server(client, database, name):
    for create in (client.create_database, lambda name: database.create_container(name, PartitionKey("/pk"))):
        with pytest.raises((ValueError, CosmosHttpResponseError)) as refusal:
            create(name)
        assert getattr(refusal.value, "status_code", 400) == 400


@pytest.mark.parametrize("name", ["x" * 256, "a/b", "a\\b", "a?b", "a#b", "trailing ", ""])
def test_c048_bad_names_are_refused_by_the_server(client, database, status_of, name):
    """What the client does not let through its public methods."""
    connection = client.client_connection
    properties = {"id": name, "partitionKey": {"paths": ["/pk"], "kind": "Hash"}}
    assert status_of(connection.Create, {"id": name}, "/dbs", "dbs", None, None)[0] == 400
    assert status_of(connection.Create, properties, "/dbs/shop/colls/", "colls", "dbs/shop", None)[0] == 400


def test_c048_names_may_have_255_characters(client):
    database = client.create_database("d" * 255)
    assert database.create_container("c" * 255, PartitionKey("/pk")).read()["id"] == "c" * 255


def test_c049_too_many_unique_keys_are_refused(database, status_of):
    many = {"uniqueKeys": [{"paths": [f"/p{number}"]} for number in range(11)]}
    wide = {"uniqueKeys": [{"paths": [f"/p{number}" for number in range(17)]}]}
    for policy in (many, wide):
        create = database.create_container
        assert status_of(create, "c", PartitionKey("/pk"), unique_key_policy=policy)[0] == 400
    most = {"uniqueKeys": [{"paths": [f"/p{key}{number}" for number in range(16)]} for key in range(10)]}
    assert (
        database.create_container("most", PartitionKey("/pk"), unique_key_policy=most).read()["uniqueKeyPolicy"] == most
    )


def test_c049_other_unique_keys_cannot_be_put_in_place_of_the_first(client, database, status_of):
    policy = {"uniqueKeys": [{"paths": ["/email"]}]}
    container = database.create_container("users", PartitionKey("/pk"), unique_key_policy=policy)
    other = {**container.read(), "uniqueKeyPolicy": {"uniqueKeys": [{"paths": ["/phone"]}]}}
    replace = client.client_connection.ReplaceContainer
    assert status_of(replace, "dbs/shop/colls/users", other)[0] == 400
    assert container.read()["uniqueKeyPolicy"] == policy


def test_c221_what_is_not_supported_says_so_and_is_not_repeated(server, container):
    assert list(container.list_conflicts()) == []
    assert list(container.scripts.list_stored_procedures()) == []
    body = {"id": "p", "body": "function () {}", "triggerType": "Pre", "triggerOperation": "All"}
    for create, kind in (
        (container.scripts.create_stored_procedure, "sprocs"),
        (container.scripts.create_trigger, "triggers"),
        (container.scripts.create_user_defined_function, "udfs"),
    ):
        with pytest.raises(CosmosHttpResponseError, match=f"does not support {kind}") as refusal:
            create(body)
        assert refusal.value.status_code == 400
        assert len(server.admin.requests(method="POST", ending=f"/{kind}")) == 1
