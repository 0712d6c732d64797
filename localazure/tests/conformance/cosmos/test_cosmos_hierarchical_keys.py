"""Partition keys of up to three levels, and queries over a prefix of them."""

from __future__ import annotations

import pytest
from azure.cosmos import PartitionKey

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


def test_c188_point_operations_take_the_whole_key(tree):
    key = ["0", "1", "0"]
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


def test_c190_any_query_works_under_a_prefix(database):
    tree = fill(database.create_container("tree", THREE))
    below = {"partition_key": ["1"]}
    assert list(tree.query_items("SELECT VALUE c.n FROM c ORDER BY c.n DESC", **below)) == [7, 6, 5, 4]
    assert list(tree.query_items("SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 1 LIMIT 2", **below)) == [5, 6]
    assert list(tree.query_items("SELECT VALUE COUNT(1) FROM c", **below)) == [4]


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
    assert ids(tree.query_items("SELECT * FROM c", feed_range=prefix)) == ["000", "001", "010", "011"]


def test_c194_a_missing_level_is_null(database):
    tree = database.create_container("tree", THREE)
    tree.create_item({"id": "1", "t": "x", "s": "y"})
    assert tree.read_item("1", ["x", None, "y"])["id"] == "1"


@pytest.mark.parametrize("key", [["0"], ["0", "1"]])
def test_c195_a_point_operation_with_too_few_levels_is_refused(database, status_of, key):
    tree = fill(database.create_container("tree", THREE))
    assert status_of(tree.read_item, "010", key)[0] == 400


def test_c196_a_prefix_can_be_deleted(tree):
    tree.delete_all_items_by_partition_key(["0"])
    assert ids(tree.read_all_items()) == ["100", "101", "110", "111"]
