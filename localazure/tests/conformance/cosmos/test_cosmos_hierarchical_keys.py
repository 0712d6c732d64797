"""Partition keys of up to three levels, and queries over a prefix of them."""

from __future__ import annotations

import json

import pytest
from azure.cosmos import PartitionKey
from localazure.cosmos import partition_key

KEY = "x-ms-documentdb-partitionkey"
THREE = PartitionKey(["/t", "/u", "/s"], kind="MultiHash")


def ids(items):
    return sorted(item["id"] for item in items)


def fill(container):
    for t in "01":
        for u in "01":
            for s in "01":
                container.create_item({"id": t + u + s, "t": t, "u": u, "s": s, "n": int(t + u + s, 2)})
    return container


@pytest.fixture(params=[400, 21000], ids=["one range", "three ranges"])
def tree(request, database):
    """Eight items, one for each key of three levels."""
    return fill(database.create_container("tree", THREE, offer_throughput=request.param))


@pytest.fixture
def through(server, connect):
    """The tree through a client with a transport of its own."""
    return lambda wire: connect(server, transport=wire).get_database_client("shop").get_container_client("tree")


def prefix_of(*levels):
    """The effective partition key of the first levels."""
    definition = partition_key.define({"paths": ["/t", "/u", "/s"], "kind": "MultiHash", "version": 2})
    return partition_key.make(definition, levels).epk


def test_c188_point_operations_take_the_whole_key(tree, through, wire):
    key = ["0", "1", "0"]
    wired = through(wire)
    assert wired.read_item("010", key)["n"] == 2
    assert json.loads(wire.to("/docs/010")[0].headers[KEY]) == key
    assert tree.read_item("010", key)["n"] == 2
    tree.replace_item("010", {"id": "010", "t": "0", "u": "1", "s": "0", "n": 9})
    assert tree.patch_item("010", key, [{"op": "incr", "path": "/n", "value": 1}])["n"] == 10
    tree.delete_item("010", key)
    assert len(list(tree.read_all_items())) == 7


def test_c189_a_prefix_finds_exactly_what_is_below_it(tree):
    everything = "SELECT * FROM c"
    assert ids(tree.query_items(everything, partition_key=["0"])) == ["000", "001", "010", "011"]
    assert ids(tree.query_items(everything, partition_key=["1", "0"])) == ["100", "101"]
    assert ids(tree.query_items(everything, partition_key=["1", "0", "1"])) == ["101"]
    assert ids(tree.query_items(everything, partition_key=["2"])) == []


def test_c189_a_prefix_travels_as_an_interval(tree, through, wire):
    assert ids(through(wire).query_items("SELECT * FROM c", partition_key=["0"])) == ["000", "001", "010", "011"]
    for one in wire.to("/docs"):
        assert KEY not in one.headers
        assert one.headers["x-ms-documentdb-partitionkeyrangeid"] in {"0", "1", "2"}
        assert one.headers["x-ms-read-key-type"] == "EffectivePartitionKeyRange"
        assert one.headers["x-ms-start-epk"] == prefix_of("0")
        assert one.headers["x-ms-end-epk"] == prefix_of("0") + "FF"


def test_c190_any_query_works_under_a_prefix(database):
    tree = fill(database.create_container("tree", THREE))
    below = {"partition_key": ["1"]}
    assert list(tree.query_items("SELECT VALUE c.n FROM c ORDER BY c.n DESC", **below)) == [7, 6, 5, 4]
    assert list(tree.query_items("SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 1 LIMIT 2", **below)) == [5, 6]
    assert list(tree.query_items("SELECT VALUE COUNT(1) FROM c", **below)) == [4]


def test_c190_a_whole_key_travels_as_a_key(tree, through, wire):
    key = ["0", "1", "1"]
    assert ids(through(wire).query_items("SELECT * FROM c", partition_key=key)) == ["011"]
    assert json.loads(wire.to("/docs")[-1].headers[KEY]) == key


def test_c191_aggregates_under_a_prefix_are_one_value(tree):
    for query, value in (("COUNT(1)", 4), ("SUM(c.n)", 22), ("MIN(c.n)", 4), ("MAX(c.n)", 7)):
        assert list(tree.query_items(f"SELECT VALUE {query} FROM c", partition_key=["1"])) == [value]


def test_c192_the_feed_of_a_prefix_or_a_key(tree):
    def feed(key):
        return ids(tree.query_items_change_feed(start_time="Beginning", partition_key=key))

    assert feed(["0"]) == ["000", "001", "010", "011"]
    assert feed(["0", "1", "1"]) == ["011"]


def test_c193_the_feed_range_of_a_prefix_lies_in_the_container(tree):
    prefix = tree.feed_range_from_partition_key(["0"])
    assert (prefix["Range"]["min"], prefix["Range"]["max"]) == (prefix_of("0"), prefix_of("0") + "FF")
    [first, *_, last] = [*tree.read_feed_ranges(), *tree.read_feed_ranges()]
    whole = {"Range": {**first["Range"], "max": last["Range"]["max"]}}
    assert tree.is_feed_range_subset(whole, prefix)
    assert not tree.is_feed_range_subset(prefix, whole)
    assert ids(tree.query_items("SELECT * FROM c", feed_range=prefix)) == ["000", "001", "010", "011"]


def test_c194_a_missing_level_is_null(database):
    tree = database.create_container("tree", THREE)
    tree.create_item({"id": "1", "t": "x", "s": "y"})
    assert tree.read_item("1", ["x", None, "y"])["id"] == "1"
    assert ids(tree.query_items("SELECT * FROM c", partition_key=["x", None, "y"])) == ["1"]


@pytest.mark.parametrize("key", [["0"], ["0", "1"], ["0", "1", "0", "0"]])
def test_c195_a_point_operation_with_another_number_of_levels_is_refused(server, connect, status_of, key):
    client = connect(server, consistency_level="Eventual")  # a client with session tokens computes with the key itself
    tree = fill(client.create_database("shop").create_container("tree", THREE))
    assert status_of(tree.read_item, "010", key)[0] == 400
    assert status_of(tree.delete_item, "010", key)[0] == 400
    upsert = tree.client_connection.UpsertItem
    body = {"id": "010", "t": "0", "u": "1", "s": "0"}
    assert status_of(upsert, "dbs/shop/colls/tree", body, {"partitionKey": key})[0] == 400
    assert tree.read_item("010", ["0", "1", "0"])["n"] == 2


def test_c196_a_prefix_can_be_deleted(tree):
    tree.delete_all_items_by_partition_key(["0"])
    assert ids(tree.read_all_items()) == ["100", "101", "110", "111"]
