"""How clients meet faults, what operations cost, and what happens when the budget is used up."""

from __future__ import annotations

import json

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient as AioClient
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError
from localazure.cosmos.options import EMULATOR_KEY

KIB = 1024


def charge_of(container):
    return float(container.client_connection.last_response_headers["x-ms-request-charge"])


def attempts(server, method):
    return len(server.admin.requests(method=method, ending="/docs"))


def one_kib(item_id="1", **more):
    """An item of exactly 1 KiB and five scalars."""
    item = {"id": item_id, "pk": "a", "x": 1, "y": 2, "pad": "", **more}
    return {**item, "pad": "p" * (KIB - len(json.dumps(item, separators=(",", ":"))))}


def test_c197_a_throttled_create_is_repeated_until_it_succeeds(server, container):
    action = {"status": 429, "subStatus": 3200, "headers": {"x-ms-retry-after-ms": "20"}}
    server.admin.fault(action, match={"operation": "Create", "resource": "docs"}, times=2)
    container.create_item({"id": "1", "pk": "a"})
    assert [one["status"] for one in server.admin.requests(method="POST", ending="/docs")] == [429, 429, 201]


def test_c198_a_create_that_stays_throttled_fails_after_ten_attempts(server, container, status_of):
    server.admin.fault(
        {"status": 429, "subStatus": 3200, "headers": {"x-ms-retry-after-ms": "1"}}, match={"operation": "Create"}
    )
    assert status_of(container.create_item, {"id": "1", "pk": "a"}) == (429, 3200)
    assert attempts(server, "POST") == 10
    assert server.admin.call("GET", "faults")[0]["hits"] == 10


def test_c199_a_service_that_is_unavailable_once_is_asked_again(server, container):
    server.admin.fault({"status": 503}, match={"operation": "Create"}, times=1)
    assert container.create_item({"id": "1", "pk": "a"})["id"] == "1"


def test_c200_a_write_that_failed_is_not_repeated(server, container, status_of):
    server.admin.fault({"status": 500}, match={"operation": "Create"})
    assert status_of(container.create_item, {"id": "1", "pk": "a"})[0] == 500
    assert attempts(server, "POST") == 1


@pytest.mark.parametrize("status", [400, 401, 403, 409, 412, 413, 423, 424, 449])
def test_c201_refusals_are_not_repeated(server, container, status_of, status):
    server.admin.fault({"status": status, "subStatus": 77}, match={"operation": "Create"})
    assert status_of(container.create_item, {"id": "1", "pk": "a"}) == (status, 77)
    assert attempts(server, "POST") == 1


def test_c203_a_query_of_a_gone_range_reads_the_ranges_again(server, container):
    container.create_item({"id": "1", "pk": "a"})
    server.admin.fault({"status": 410, "subStatus": 1002}, match={"operation": "SqlQuery"}, times=1)
    assert len(list(container.query_items("SELECT * FROM c", partition_key="a"))) == 1


def test_c205_a_dropped_read_is_repeated(server, container):
    container.create_item({"id": "1", "pk": "a"})
    server.admin.fault({"drop": "before"}, match={"operation": "Read", "id": "1"}, times=1)
    assert container.read_item("1", "a")["id"] == "1"


def test_c206_error_bodies_name_their_code(container):
    with pytest.raises(CosmosHttpResponseError) as refusal:
        container.read_item("1", "a")
    assert str(refusal.value).startswith("(NotFound)")
    assert '"code":"NotFound"' in refusal.value.http_error_message


def test_c207_a_short_delay_only_slows_a_call(server, container):
    server.admin.fault({"delayMs": 50}, match={"operation": "Create"})
    assert container.create_item({"id": "1", "pk": "a"})["id"] == "1"


def test_c209_an_answer_that_is_lost_leaves_the_item(server, container):
    server.admin.fault({"drop": "after"}, match={"operation": "Create"}, times=1)
    with pytest.raises(ServiceResponseError):
        container.create_item({"id": "1", "pk": "a"})
    assert container.read_item("1", "a")["id"] == "1"


async def test_c209_the_aio_client_meets_its_own_item_when_an_answer_is_lost(server, container):
    server.admin.fault({"drop": "after"}, match={"operation": "Create"}, times=1)
    async with AioClient(server.url, EMULATOR_KEY) as client:
        mine = client.get_database_client("shop").get_container_client("orders")
        with pytest.raises(CosmosResourceExistsError):
            await mine.create_item({"id": "1", "pk": "a"})


def test_faults_skip_and_end(server, container, status_of):
    server.admin.fault({"status": 400}, match={"operation": "Create", "container": "orders"}, skip=1, times=1)
    container.create_item({"id": "1", "pk": "a"})
    assert status_of(container.create_item, {"id": "2", "pk": "a"})[0] == 400
    container.create_item({"id": "2", "pk": "a"})
    assert server.admin.call("GET", "faults") == []


def test_c210_a_point_read_costs_by_size(container):
    container.create_item(one_kib())
    container.read_item("1", "a")
    assert charge_of(container) == 1.0
    container.create_item({"id": "2", "pk": "a", "pad": "p" * 100 * KIB})
    container.read_item("2", "a")
    assert 7 <= charge_of(container) <= 11


def test_c211_writes_cost_by_size_and_by_what_changes(container):
    container.create_item(one_kib())
    assert charge_of(container) == pytest.approx(4.95 + 0.2 * 5)
    container.replace_item("1", one_kib(x=3, y=4))
    assert charge_of(container) == pytest.approx(10.7)
    patches = [{"op": "set", "path": path, "value": 5} for path in ("/x", "/y")]
    container.patch_item("1", "a", patches)
    assert charge_of(container) == pytest.approx(11.5)
    container.delete_item("1", "a")
    assert charge_of(container) == pytest.approx(5.95)


def test_c212_queries_and_batches_add_up(filled):
    list(filled.query_items("SELECT * FROM c", partition_key="p0"))
    assert charge_of(filled) == pytest.approx(2.3 + 5 + 5 * 0.05)
    results = filled.execute_item_batch([("read", ("0",)), ("delete", ("0",))], "p0")
    assert charge_of(filled) == pytest.approx(sum(one["requestCharge"] for one in results))


def test_c213_a_budget_that_is_used_up_slows_a_client_down(start_server, connect):
    server = start_server(ru_per_s=50)
    container = connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    for number in range(16):
        container.create_item({"id": str(number), "pk": "a"})
    statuses = [one["status"] for one in server.admin.requests(method="POST", ending="/docs")]
    assert statuses.count(201) == 16
    assert 429 in statuses


def test_c214_containers_share_the_budget_of_their_database(start_server, connect):
    server = start_server(throttle=True)
    database = connect(server).create_database("shop", offer_throughput=20)
    first, second = (database.create_container(name, PartitionKey("/pk")) for name in ("first", "second"))
    first.create_item({"id": "1", "pk": "a", "pad": "p" * 100 * KIB})
    second.create_item({"id": "1", "pk": "a"})
    statuses = [one["status"] for one in server.admin.requests(method="POST", ending="/second/docs")]
    assert statuses == [429, 201]


def test_c215_strong_reads_cost_double(start_server, connect):
    server = start_server(consistency="Strong")
    container = connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    container.create_item(one_kib())
    container.read_item("1", "a")
    assert charge_of(container) == 2.0
