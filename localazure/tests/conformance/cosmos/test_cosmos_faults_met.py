"""How clients meet faults: which calls they repeat, how often, and what they raise in the end."""

from __future__ import annotations

import time

import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient as AioClient
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError
from localazure.cosmos.options import EMULATOR_KEY
from localazure.testing.cosmos_faults import Calls, CosmosFaults

ITEM = {"id": "1", "pk": "a"}


@pytest.fixture
def faults(server):
    """What goes wrong on the default server."""
    with CosmosFaults(server.url) as found:
        yield found


@pytest.fixture
def statuses(server):
    """The statuses of the calls of a method to paths with an ending, oldest first."""
    return lambda method, ending="/docs": [one["status"] for one in server.admin.requests(method=method, ending=ending)]


def elapsed_s(call, *arguments, **options):
    start = time.perf_counter()
    call(*arguments, **options)
    return time.perf_counter() - start


def test_c197_a_throttled_create_is_repeated_until_it_succeeds(faults, container, statuses):
    faults.throttle(Calls(operation="Create", times=2), retry_after_s=0.02)
    assert elapsed_s(container.create_item, ITEM) > 0.04
    assert statuses("POST") == [429, 429, 201]


def test_c198_a_create_that_stays_throttled_fails_after_ten_attempts(faults, container, statuses, status_of):
    faults.throttle(Calls(operation="Create", times=None), retry_after_s=0.03)
    start = time.perf_counter()
    assert status_of(container.create_item, ITEM) == (429, 3200)
    assert time.perf_counter() - start > 9 * 0.03
    assert statuses("POST") == [429] * 10
    assert faults.pending()[0]["hits"] == 10


def test_c199_a_service_that_is_unavailable_once_is_asked_again(faults, container, statuses):
    faults.unavailable(Calls(operation="Create"))
    assert elapsed_s(container.create_item, ITEM) > 0.45
    assert statuses("POST") == [503, 201]
    faults.unavailable(Calls(operation="Read"))
    assert container.read_item("1", "a")["id"] == "1"
    assert statuses("GET", "/docs/1") == [503, 200]


def test_c199_a_service_that_is_unavailable_twice_is_given_up(faults, container, statuses, status_of):
    faults.unavailable(Calls(operation="Create", times=2))
    assert status_of(container.create_item, ITEM)[0] == 503
    assert statuses("POST") == [503, 503]


@pytest.mark.parametrize("status", [500, 408])
def test_c200_a_read_that_failed_is_repeated_once_and_a_write_never(faults, container, statuses, status_of, status):
    container.create_item(ITEM)
    faults.fail(Calls(operation="Read"), status)
    assert container.read_item("1", "a")["id"] == "1"
    faults.fail(Calls(operation="Read", times=2), status)
    assert status_of(container.read_item, "1", "a")[0] == status
    assert statuses("GET", "/docs/1") == [status, 200, status, status]
    faults.fail(Calls(operation="Create"), status)
    assert status_of(container.create_item, {"id": "2", "pk": "a"})[0] == status
    assert statuses("POST") == [201, status]


def test_c200_a_write_is_repeated_when_the_caller_says_that_it_may_be(faults, container, statuses):
    faults.fail(Calls(operation="Create"), 500)
    assert container.create_item(ITEM, retry_write=2)["id"] == "1"
    assert statuses("POST") == [500, 201]


@pytest.mark.parametrize("status", [400, 401, 403, 409, 412, 413, 423, 424, 449])
def test_c201_refusals_are_not_repeated(faults, container, statuses, status_of, status):
    faults.fail(Calls(operation="Create", times=None), status, substatus=77)
    assert status_of(container.create_item, ITEM) == (status, 77)
    assert statuses("POST") == [status]


def test_c202_a_read_behind_its_session_is_repeated_once(faults, container, statuses, status_of):
    container.create_item(ITEM)
    faults.fail(Calls(operation="Read"), 404, substatus=1002)
    assert container.read_item("1", "a")["id"] == "1"
    faults.fail(Calls(operation="Read", times=2), 404, substatus=1002)
    assert status_of(container.read_item, "1", "a") == (404, 1002)
    assert statuses("GET", "/docs/1") == [404, 200, 404, 404]
    assert status_of(container.read_item, "none", "a") == (404, 0)
    assert statuses("GET", "/docs/none") == [404]


def test_c203_a_query_of_a_gone_range_reads_the_ranges_again(faults, container, statuses):
    container.create_item(ITEM)
    faults.fail(Calls(operation="SqlQuery", times=3), 410, substatus=1002)
    before = len(statuses("GET", "/pkranges"))
    assert len(list(container.query_items("SELECT * FROM c", partition_key="a"))) == 1
    assert statuses("POST") == [201, 410, 410, 410, 200]
    assert len(statuses("GET", "/pkranges")) > before


def test_c203_a_query_of_a_range_that_stays_gone_is_given_up(faults, container, statuses, status_of):
    faults.fail(Calls(operation="SqlQuery", times=None), 410, substatus=1002)
    query = container.query_items("SELECT * FROM c", partition_key="a")
    assert status_of(lambda: list(query)) == (410, 1002)
    assert statuses("POST") == [410] * 4


def test_c203_a_point_read_of_a_gone_range_is_not_repeated(faults, container, statuses, status_of):
    container.create_item(ITEM)
    faults.fail(Calls(operation="Read", times=None), 410, substatus=1002)
    assert status_of(container.read_item, "1", "a") == (410, 1002)
    assert statuses("GET", "/docs/1") == [410]


@pytest.mark.parametrize("substatus", [3, 1008])
def test_c204_a_moved_write_region_costs_a_second(faults, container, statuses, substatus):
    """Why the server must never say so by itself: a client would repeat that for two minutes."""
    faults.fail(Calls(operation="Create"), 403, substatus=substatus)
    assert elapsed_s(container.create_item, ITEM) > 0.9
    assert statuses("POST") == [403, 201]


def test_c205_a_dropped_read_is_repeated(faults, container, server):
    container.create_item(ITEM)
    faults.drop(Calls(operation="Read", item_id="1"), after_write=False)
    assert container.read_item("1", "a")["id"] == "1"
    assert len(server.admin.requests(method="GET", ending="/docs/1")) == 2


def test_c205_the_synchronous_client_does_not_repeat_a_dropped_write(faults, container, server):
    faults.drop(Calls(operation="Upsert", times=None), after_write=False)
    with pytest.raises(ServiceResponseError):
        container.upsert_item(ITEM)
    assert len(server.admin.requests(method="POST", ending="/docs")) == 1


async def test_c205_the_aio_client_repeats_a_dropped_write_three_times(faults, container, server):
    faults.drop(Calls(operation="Upsert", times=None), after_write=False)
    async with AioClient(server.url, EMULATOR_KEY) as client:
        with pytest.raises(ServiceRequestError):
            await client.get_database_client("shop").get_container_client("orders").upsert_item(ITEM)
    assert len(server.admin.requests(method="POST", ending="/docs")) == 4


def test_c206_error_bodies_name_their_code(container):
    with pytest.raises(CosmosHttpResponseError) as refusal:
        container.read_item("1", "a")
    assert str(refusal.value).startswith("(NotFound)")
    assert '"code":"NotFound"' in refusal.value.http_error_message


def test_c207_a_short_delay_only_slows_a_call(faults, container):
    faults.slow(Calls(operation="Create"), by_s=0.1)
    assert elapsed_s(container.create_item, ITEM) > 0.1


def test_c207_an_answer_later_than_the_clients_patience_is_an_error(faults, container, server):
    faults.time_out(Calls(operation="Upsert", times=None))
    with pytest.raises(ServiceResponseError):
        container.upsert_item(ITEM, read_timeout=0.2)
    faults.clear()  # lets go of the request, which was not to be processed
    assert list(container.read_all_items()) == []


def test_c209_an_answer_that_is_lost_leaves_the_item(faults, container, server):
    faults.drop(Calls(operation="Create"), after_write=True)
    with pytest.raises(ServiceResponseError):
        container.create_item(ITEM)
    assert len(server.admin.requests(method="POST", ending="/docs")) == 1
    assert container.read_item("1", "a")["id"] == "1"


async def test_c209_the_aio_client_meets_its_own_item_when_an_answer_is_lost(faults, server, container):
    faults.drop(Calls(operation="Create"), after_write=True)
    async with AioClient(server.url, EMULATOR_KEY) as client:
        mine = client.get_database_client("shop").get_container_client("orders")
        with pytest.raises(CosmosResourceExistsError):
            await mine.create_item(ITEM)
    assert container.read_item("1", "a")["id"] == "1"


def test_a_fault_strikes_the_nth_call_on_its_container_alone(faults, database, container, status_of):
    other = database.create_container("other", PartitionKey("/pk"))
    faults.retry_with(Calls(operation="Create", container="orders", nth=2))
    for item_id in ("1", "3"):
        other.create_item({"id": item_id, "pk": "a"})
    container.create_item(ITEM)
    assert status_of(container.create_item, {"id": "2", "pk": "a"})[0] == 449
    container.create_item({"id": "2", "pk": "a"})
    assert faults.pending() == []


def test_faults_end_with_the_test_that_asked_for_them(server, container):
    with CosmosFaults(server.url) as faults:
        faults.unavailable(Calls(times=None))
    assert server.admin.call("GET", "faults") == []
    assert container.create_item(ITEM)["id"] == "1"
