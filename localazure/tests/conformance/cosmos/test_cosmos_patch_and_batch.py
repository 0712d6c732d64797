"""Partial updates and transactional batches."""

from __future__ import annotations

import re

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosBatchOperationError, CosmosHttpResponseError

STALE = {"etag": '"stale"', "match_condition": MatchConditions.IfNotModified}


def operation(op, path, value=None, **more):
    return {"op": op, "path": path, **({} if value is None else {"value": value}), **more}


@pytest.fixture
def item(container):
    return container.create_item(
        {"id": "1", "pk": "a", "n": 1, "tags": ["x", "y"], "address": {"city": "Ulm"}, "s": "text", "a/b": 1, "a~b": 2}
    )


@pytest.fixture
def failure_of(container):
    """The index, status and per-operation statuses with which a batch fails."""

    def run(operations, key="a"):
        with pytest.raises(CosmosBatchOperationError) as failure:
            container.execute_item_batch(operations, key)
        statuses = [one["statusCode"] for one in failure.value.operation_responses]
        return failure.value.error_index, failure.value.status_code, statuses

    return run


def test_c083_all_operations_of_a_patch_apply_in_order(container, item):
    patched = container.patch_item(
        "1",
        "a",
        [
            operation("add", "/tags/-", "z"),
            operation("set", "/address/zip", "89073"),
            operation("replace", "/s", "new"),
            operation("remove", "/a~1b"),
            operation("incr", "/n", 2),
            operation("move", "/moved", **{"from": "/a~0b"}),
        ],
    )
    assert patched["tags"] == ["x", "y", "z"]
    assert patched["address"] == {"city": "Ulm", "zip": "89073"}
    assert (patched["s"], patched["n"], patched["moved"]) == ("new", 3, 2)
    assert not {"a/b", "a~b"} & set(patched)
    assert patched["_etag"] != item["_etag"]


@pytest.mark.parametrize(
    ("bad", "good", "tags"),
    [
        (None, operation("add", "/tags/1", "z"), ["x", "z", "y"]),
        (None, operation("add", "/tags/-", "z"), ["x", "y", "z"]),
        (None, operation("add", "/tags/2", "z"), ["x", "y", "z"]),
        (None, operation("set", "/tags/0", "z"), ["z", "y"]),
        (None, operation("remove", "/tags/0"), ["y"]),
        (operation("add", "/tags/3", "z"), None, ["x", "y"]),
    ],
)
def test_c084_arrays_grow_and_shrink_where_an_operation_says(container, item, status_of, bad, good, tags):
    if bad:
        assert status_of(container.patch_item, "1", "a", [bad])[0] == 400
    else:
        assert container.patch_item("1", "a", [good])["tags"] == tags
    assert container.read_item("1", "a")["tags"] == tags


def test_c085_a_failing_operation_leaves_the_item_untouched(container, item, status_of):
    for bad in (operation("remove", "/none"), operation("replace", "/none", 1), operation("add", "/none/x", 1)):
        assert status_of(container.patch_item, "1", "a", [operation("incr", "/n", 1), bad])[0] == 400
    assert container.read_item("1", "a") == item


def test_c086_an_increment_takes_any_number_and_changes_only_numbers(container, item, status_of):
    def increment(path, value):
        return container.patch_item("1", "a", [operation("incr", path, value)])

    assert increment("/new", 5)["new"] == 5
    assert increment("/n", -3)["n"] == -2
    assert increment("/n", 0.5)["n"] == -1.5
    assert status_of(increment, "/s", 1)[0] == 400
    assert status_of(increment, "/tags", 1)[0] == 400
    assert container.read_item("1", "a")["s"] == "text"


def test_c087_a_patch_may_depend_on_a_condition(container, item, status_of):
    increment = [operation("incr", "/n", 1)]
    assert container.patch_item("1", "a", increment, filter_predicate="from c where c.n = 1")["n"] == 2
    refused = status_of(container.patch_item, "1", "a", increment, filter_predicate="from c where c.n = 1")
    assert refused == (412, 1110)
    with pytest.raises(CosmosAccessConditionFailedError):
        container.patch_item("1", "a", increment, filter_predicate="from c where c.n = 1")
    assert container.read_item("1", "a")["n"] == 2
    assert status_of(container.patch_item, "1", "a", increment, filter_predicate="from c where")[0] == 400


def test_c088_a_patch_has_one_to_ten_operations(container, item, status_of):
    increments = [operation("incr", "/n", 1)] * 11
    assert container.patch_item("1", "a", increments[:10])["n"] == 11
    assert status_of(container.patch_item, "1", "a", increments)[0] == 400
    assert status_of(container.patch_item, "1", "a", [])[0] == 400


@pytest.mark.parametrize("path", ["/id", "/pk", "/_ts", "/_etag", "/_rid"])
@pytest.mark.parametrize("kind", ["set", "replace", "add", "remove"])
def test_c089_identity_cannot_be_patched(container, item, status_of, kind, path):
    value = None if kind == "remove" else "a"
    assert status_of(container.patch_item, "1", "a", [operation(kind, path, value)])[0] == 400
    assert container.read_item("1", "a") == item


def test_c089_what_is_around_the_partition_key_can_be_patched_but_not_the_key(database, status_of):
    container = database.create_container("nested", PartitionKey("/a/b"))
    item = container.create_item({"id": "1", "a": {"b": "k", "c": 1}})
    for bad in (
        operation("set", "/a", {"b": "other"}),
        operation("replace", "/a", {"c": 1}),
        operation("remove", "/a"),
        operation("move", "/x", **{"from": "/a"}),
    ):
        assert status_of(container.patch_item, "1", "k", [bad])[0] == 400
    assert container.read_item("1", "k") == item
    assert container.patch_item("1", "k", [operation("set", "/a", {"b": "k", "c": 2})])["a"]["c"] == 2


def test_c090_a_patch_checks_existence_and_etag(container, item, status_of):
    increment = [operation("incr", "/n", 1)]
    assert status_of(container.patch_item, "1", "a", increment, **STALE)[0] == 412
    assert status_of(container.patch_item, "2", "a", increment)[0] == 404


def test_c091_escapes_in_a_path_name_slashes_and_tildes(container, item):
    patched = container.patch_item(
        "1",
        "a",
        [operation("incr", "/a~1b", 10), operation("incr", "/a~0b", 10), operation("add", "/~01", "tilde and one")],
    )
    assert (patched["a/b"], patched["a~b"], patched["~1"]) == (11, 12, "tilde and one")


def test_c092_a_batch_of_every_operation_answers_one_by_one(server, container, item):
    results = container.execute_item_batch(
        [
            ("create", ({"id": "2", "pk": "a"},)),
            ("upsert", ({"id": "3", "pk": "a"},)),
            ("replace", ("2", {"id": "2", "pk": "a", "n": 5})),
            ("patch", ("2", [operation("incr", "/n", 1)])),
            ("read", ("1",)),
            ("delete", ("3",)),
        ],
        "a",
    )
    assert [one["statusCode"] for one in results] == [201, 201, 200, 200, 200, 204]
    assert results[3]["resourceBody"]["n"] == 6
    assert results[4]["eTag"] == item["_etag"]
    assert [one.get("resourceBody", {}).get("id") for one in results] == ["2", "3", "2", "2", "1", None]
    assert all(one["eTag"] == one["resourceBody"]["_etag"] for one in results[:5])
    assert server.admin.requests(method="POST", ending="/docs")[-1]["status"] == 200
    assert all(one["requestCharge"] > 0 for one in results)


def test_c093_a_failing_operation_undoes_the_whole_batch(server, container, item, failure_of, status_of):
    create = ("create", ({"id": "2", "pk": "a"},))
    assert failure_of([create, ("create", ({"id": "1", "pk": "a"},)), ("delete", ("1",))]) == (
        1,
        409,
        [424, 409, 424],
    )
    assert server.admin.requests(method="POST", ending="/docs")[-1]["status"] == 207
    assert status_of(container.read_item, "2", "a")[0] == 404
    assert container.read_item("1", "a") == item


def test_c094_a_batch_has_one_to_a_hundred_operations(container):
    creates = [("create", ({"id": str(number), "pk": "a"},)) for number in range(101)]
    assert len(container.execute_item_batch(creates[:100], "a")) == 100
    for operations, message in (
        (creates, "Batch request has more operations than what is supported."),
        ([], "Batch request has no operations."),
    ):
        with pytest.raises(CosmosHttpResponseError, match=re.escape(message)) as refusal:
            container.execute_item_batch(operations, "a")
        assert refusal.value.status_code == 400


def test_c095_a_batch_above_2_mb_is_refused(container):
    large = [("create", ({"id": str(number), "pk": "a", "x": "y" * 300_000},)) for number in range(8)]
    with pytest.raises(CosmosHttpResponseError, match=r"^\(RequestEntityTooLarge\)") as refusal:
        container.execute_item_batch(large, "a")
    assert refusal.value.status_code == 413


def test_c096_an_operation_with_another_key_fails_and_undoes_the_batch(container, failure_of):
    good = ("create", ({"id": "0", "pk": "a"},))
    for body in ({"id": "1", "pk": "b"}, {"id": "1"}):
        for bad in (("create", (body,)), ("upsert", (body,)), ("replace", ("0", {**body, "id": "0"}))):
            assert failure_of([good, bad]) == (1, 400, [424, 400])
    assert list(container.read_all_items()) == []


def test_c097_etags_are_checked_within_a_batch(container, item, failure_of):
    etag = item["_etag"]
    body = {"id": "1", "pk": "a", "n": 7}
    for stale in (
        ("replace", ("1", body), {"if_match_etag": '"stale"'}),
        ("upsert", (body,), {"if_match_etag": '"stale"'}),
        ("delete", ("1",), {"if_match_etag": '"stale"'}),
        ("patch", ("1", [operation("incr", "/n", 1)]), {"if_match_etag": '"stale"'}),
    ):
        assert failure_of([stale])[:2] == (0, 412)
    assert container.read_item("1", "a") == item
    read = ("read", ("1",), {"if_none_match_etag": etag})
    results = container.execute_item_batch([read, ("replace", ("1", body), {"if_match_etag": etag})], "a")
    assert [one["statusCode"] for one in results] == [304, 200]
    for correct in (
        ("upsert", (body,)),
        ("patch", ("1", [operation("incr", "/n", 1)])),
        ("delete", ("1",)),
    ):
        [result] = container.execute_item_batch([(*correct, {"if_match_etag": results[-1]["eTag"]})], "a")
        assert result["statusCode"] in {200, 204}
        results = [result]


def test_c098_operations_see_what_came_before_them(container, failure_of):
    results = container.execute_item_batch(
        [
            ("create", ({"id": "1", "pk": "a", "n": 1},)),
            ("patch", ("1", [operation("incr", "/n", 1)])),
            ("read", ("1",)),
            ("replace", ("1", {"id": "1", "pk": "a", "n": 7})),
            ("read", ("1",)),
        ],
        "a",
    )
    assert [one["resourceBody"]["n"] for one in results] == [1, 2, 2, 7, 7]
    twice = [("create", ({"id": "2", "pk": "a"},))] * 2
    assert failure_of(twice)[:2] == (1, 409)


def test_c099_a_false_condition_fails_the_batch(item, failure_of):
    patch = ("patch", ("1", [operation("incr", "/n", 1)]), {"filter_predicate": "from c where c.n = 9"})
    assert failure_of([patch])[:2] == (0, 412)


def test_c100_a_batch_is_one_step_of_the_log_and_a_rolled_back_one_none(container, failure_of):
    container.create_item({"id": "0", "pk": "a"})
    container.execute_item_batch([("create", ({"id": str(number), "pk": "a"},)) for number in (1, 2, 3)], "a")
    failure_of([("create", ({"id": "4", "pk": "a"},)), ("delete", ("none",))])
    container.create_item({"id": "5", "pk": "a"})
    feed = container.query_items_change_feed(start_time="Beginning")
    assert [(item["id"], item["_lsn"]) for item in feed] == [("0", 1), ("1", 2), ("2", 2), ("3", 2), ("5", 3)]


def test_c101_batches_work_and_roll_back_on_hierarchical_keys(database):
    container = database.create_container("tree", PartitionKey(["/t", "/u"], kind="MultiHash"))

    def create(item_id):
        return ("create", ({"id": item_id, "t": "t", "u": "u"},))

    container.execute_item_batch([create("1"), create("2")], ["t", "u"])
    with pytest.raises(CosmosBatchOperationError) as failure:
        container.execute_item_batch([create("3"), ("delete", ("1",)), create("2")], ["t", "u"])
    assert (failure.value.error_index, failure.value.status_code) == (2, 409)
    assert [item["id"] for item in container.query_items("SELECT * FROM c", partition_key=["t", "u"])] == ["1", "2"]


def test_a_batch_without_a_document_fails_that_operation(failure_of):
    assert failure_of([("create", ("text",))])[:2] == (0, 400)
