"""Partial updates and transactional batches."""

from __future__ import annotations

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

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


def test_c085_a_failing_operation_leaves_the_item_untouched(container, item, status_of):
    for bad in (operation("remove", "/none"), operation("replace", "/none", 1), operation("add", "/none/x", 1)):
        assert status_of(container.patch_item, "1", "a", [operation("incr", "/n", 1), bad])[0] == 400
    assert container.read_item("1", "a") == item


def test_c087_a_patch_may_depend_on_a_condition(container, item, status_of):
    increment = [operation("incr", "/n", 1)]
    assert container.patch_item("1", "a", increment, filter_predicate="from c where c.n = 1")["n"] == 2
    refused = status_of(container.patch_item, "1", "a", increment, filter_predicate="from c where c.n = 1")
    assert refused == (412, 1110)
    assert status_of(container.patch_item, "1", "a", increment, filter_predicate="from c where")[0] == 400


def test_c088_a_patch_has_one_to_ten_operations(container, item, status_of):
    increments = [operation("incr", "/n", 1)] * 11
    assert container.patch_item("1", "a", increments[:10])["n"] == 11
    assert status_of(container.patch_item, "1", "a", increments)[0] == 400
    assert status_of(container.patch_item, "1", "a", [])[0] == 400


@pytest.mark.parametrize("path", ["/id", "/pk", "/_ts", "/_etag", "/_rid"])
def test_c089_identity_cannot_be_patched(container, item, status_of, path):
    assert status_of(container.patch_item, "1", "a", [operation("set", path, "a")])[0] == 400


def test_c090_a_patch_checks_existence_and_etag(container, item, status_of):
    increment = [operation("incr", "/n", 1)]
    assert status_of(container.patch_item, "1", "a", increment, **STALE)[0] == 412
    assert status_of(container.patch_item, "2", "a", increment)[0] == 404


def test_c092_a_batch_of_every_operation_answers_one_by_one(container, item):
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
    assert all(one["requestCharge"] > 0 for one in results)


def test_c093_a_failing_operation_undoes_the_whole_batch(container, item, failure_of, status_of):
    create = ("create", ({"id": "2", "pk": "a"},))
    assert failure_of([create, ("create", ({"id": "1", "pk": "a"},)), ("delete", ("1",))]) == (
        1,
        409,
        [424, 409, 424],
    )
    assert status_of(container.read_item, "2", "a")[0] == 404
    assert container.read_item("1", "a") == item


def test_c094_a_batch_has_one_to_a_hundred_operations(container):
    creates = [("create", ({"id": str(number), "pk": "a"},)) for number in range(101)]
    assert len(container.execute_item_batch(creates[:100], "a")) == 100
    with pytest.raises(CosmosHttpResponseError, match="more operations than what is supported"):
        container.execute_item_batch(creates, "a")
    with pytest.raises(CosmosHttpResponseError, match="has no operations"):
        container.execute_item_batch([], "a")


def test_c095_a_batch_above_2_mb_is_refused(container):
    large = [("create", ({"id": str(number), "pk": "a", "x": "y" * 300_000},)) for number in range(8)]
    with pytest.raises(CosmosHttpResponseError, match=r"^\(RequestEntityTooLarge\)") as refusal:
        container.execute_item_batch(large, "a")
    assert refusal.value.status_code == 413


def test_c096_an_operation_with_another_key_fails(failure_of):
    assert failure_of([("create", ({"id": "1", "pk": "b"},))])[:2] == (0, 400)
    assert failure_of([("create", ({"id": "1"},))])[:2] == (0, 400)


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
    read = ("read", ("1",), {"if_none_match_etag": etag})
    results = container.execute_item_batch([read, ("replace", ("1", body), {"if_match_etag": etag})], "a")
    assert [one["statusCode"] for one in results] == [304, 200]


def test_c098_operations_see_what_came_before_them(container, failure_of):
    results = container.execute_item_batch(
        [
            ("create", ({"id": "1", "pk": "a", "n": 1},)),
            ("patch", ("1", [operation("incr", "/n", 1)])),
            ("read", ("1",)),
        ],
        "a",
    )
    assert results[2]["resourceBody"]["n"] == 2
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


def test_c101_batches_work_on_hierarchical_keys(database):
    container = database.create_container("tree", PartitionKey(["/t", "/u"], kind="MultiHash"))
    first = {"id": "1", "t": "t", "u": "u"}
    container.execute_item_batch([("create", (first,))], ["t", "u"])
    with pytest.raises(CosmosBatchOperationError):
        container.execute_item_batch([("delete", ("1",)), ("delete", ("1",))], ["t", "u"])
    assert container.read_item("1", ["t", "u"])["id"] == "1"


def test_a_batch_without_a_document_fails_that_operation(failure_of):
    assert failure_of([("create", ("text",))])[:2] == (0, 400)
