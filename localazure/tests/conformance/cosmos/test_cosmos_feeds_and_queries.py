"""Reading many items: feeds, multi-reads, deletes by key, and how queries are scoped and paged.

What a query means is tested with the query package; here it matters over which items it runs and how its rows travel.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from itertools import chain

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient as AioClient
from azure.cosmos.exceptions import CosmosHttpResponseError
from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue
from localazure.cosmos.options import EMULATOR_KEY

KEY = "x-ms-documentdb-partitionkey"
EVERYWHERE = {"enable_cross_partition_query": True}


def ids(items):
    return [item["id"] for item in items]


def pages_of(paged, token=None):
    return [list(page) for page in paged.by_page(token)]


def headers_of(container):
    return container.client_connection.last_response_headers


@pytest.fixture
def spread(database):
    """Thirty items over three physical ranges."""
    container = database.create_container("spread", PartitionKey("/pk"), offer_throughput=21000)
    for number in range(30):
        container.create_item({"id": str(number), "pk": f"p{number % 10}", "n": number})
    return container


def test_c102_read_items_returns_what_exists_in_the_order_of_the_request(same_container, filled, wire):
    wired = same_container(transport=wire)
    found = wired.read_items([("4", "p0"), ("none", "p0"), ("1", "p1"), ("0", "p0")])
    assert ids(found) == ["4", "1", "0"]
    parts = [float(one.answered["x-ms-request-charge"]) for one in wire.sent if "/docs" in one.path]
    assert float(found.get_response_headers()["x-ms-request-charge"]) == pytest.approx(sum(parts))


def test_c103_read_items_asks_in_the_way_that_fits(same_container, filled, database, wire):
    wired = same_container(transport=wire)

    def asked():
        bodies = [json.loads(one.body) for one in wire.to("/docs", "POST")]
        return [body["query"] for body in bodies if "query" in body]

    assert ids(wired.read_items([("1", "p1")])) == ["1"]
    assert asked() == []
    assert len(wire.to("/docs/1", "GET")) == 1
    assert ids(wired.read_items([("1", "p1"), ("3", "p1")])) == ["1", "3"]
    assert re.fullmatch(r"SELECT \* FROM c WHERE c\.pk = @\w+ AND c\.id IN \(@\w+, ?@\w+\)", asked()[-1])
    assert ids(wired.read_items([("1", "p1"), ("2", "p0")])) == ["1", "2"]
    assert " OR " in asked()[-1]
    database.create_container("people", PartitionKey("/id")).create_item({"id": "1"})
    people = type(wired)(wired.client_connection, "dbs/shop", "people")
    assert ids(people.read_items([("1", "1"), ("2", "2")])) == ["1"]
    assert re.search(r"WHERE c\.id IN \( @\w+, ?@\w+ \)", asked()[-1])


def test_c104_read_items_takes_more_than_one_request_can_hold(container, same_container, wire):
    for chunk in range(12):
        creates = [("create", ({"id": f"{chunk}-{number}", "pk": "a"},)) for number in range(100)]
        container.execute_item_batch(creates, "a")
    wanted = [(f"{chunk}-{number}", "a") for chunk in range(12) for number in range(100)]
    wired = same_container(transport=wire)
    assert ids(wired.read_items(wanted)) == [item_id for item_id, _ in wanted]
    questions = {one.body for one in wire.to("/docs", "POST")}
    assert sorted(body.count("@id") for body in questions) == [2 * 200, 2 * 1000]


def test_c104_read_items_takes_a_thousand_pairs_in_one_condition(container, same_container, wire):
    for number in range(0, 1200, 100):
        container.create_item({"id": str(number), "pk": f"p{number}"})
    wired = same_container(transport=wire)
    found = wired.read_items([(str(number), f"p{number}") for number in range(1200)])
    assert ids(found) == [str(number) for number in range(0, 1200, 100)]
    assert {one.body.count(" OR ") for one in wire.to("/docs", "POST")} == {999, 199}  # sent side by side


def test_c105_deleting_a_logical_partition_leaves_the_others(server, filled):
    filled.delete_all_items_by_partition_key("p0")
    deletes = server.admin.requests(method="POST", ending="/orders/operations/partitionkeydelete")
    assert [one["status"] for one in deletes] == [202]
    assert ids(filled.query_items("SELECT * FROM c", partition_key="p0")) == []
    assert ids(filled.read_all_items()) == ["1", "3", "5", "7", "9"]


def test_c106_the_read_feed_is_paged(filled):
    pages = pages_of(filled.read_all_items(max_item_count=4))
    assert [ids(page) for page in pages] == [["0", "1", "2", "3"], ["4", "5", "6", "7"], ["8", "9"]]


def test_c107_read_items_tells_partitions_apart(container):
    for key in ("a", "b"):
        container.create_item({"id": "1", "pk": key})
    assert sorted(item["pk"] for item in container.read_items([("1", "b"), ("1", "a")])) == ["a", "b"]


def test_c108_the_client_finds_no_two_items_of_one_hierarchical_key(database):
    """A defect of SDK 4.17.1 that must not be repaired here: it compares the first level with the whole key."""
    tree = database.create_container("tree", PartitionKey(["/t", "/u"], kind="MultiHash"))
    for item_id, user in (("1", "a"), ("2", "a"), ("3", "b")):
        tree.create_item({"id": item_id, "t": "t", "u": user})
    assert list(tree.read_items([("1", ["t", "a"]), ("2", ["t", "a"])])) == []
    assert sorted(ids(tree.read_items([("1", ["t", "a"]), ("3", ["t", "b"])]))) == ["1", "3"]


def test_c109_the_client_asks_wrongly_for_two_items_under_a_nested_key(database, status_of):
    """A defect of SDK 4.17.1: it sends `c.a/b = @pk`, where b means nothing."""
    nested = database.create_container("nested", PartitionKey("/a/b"))
    for item_id in "12":
        nested.create_item({"id": item_id, "a": {"b": "k"}})
    nested.create_item({"id": "3", "a": {"b": "other"}})
    assert status_of(nested.read_items, [("1", "k"), ("2", "k")])[0] == 400


def test_c110_the_read_feed_covers_all_ranges_once(spread):
    assert sorted(ids(spread.read_all_items(max_item_count=7)), key=int) == [str(number) for number in range(30)]


def test_c111_a_query_over_everything_must_be_asked_for(filled, status_of):
    assert status_of(lambda: list(filled.query_items("SELECT * FROM c"))) == (400, 0)
    with pytest.raises(CosmosHttpResponseError, match="Cross partition query is required but disabled"):
        list(filled.query_items("SELECT * FROM c"))
    assert len(list(filled.query_items("SELECT * FROM c", **EVERYWHERE))) == 10


async def test_c111_the_aio_client_asks_for_it_by_itself(server, filled):
    async with AioClient(server.url, EMULATOR_KEY) as client:
        orders = client.get_database_client("shop").get_container_client("orders")
        assert len([item async for item in orders.query_items("SELECT * FROM c")]) == 10


def test_c112_a_query_with_a_key_sees_that_partition(filled, same_container, wire):
    wired = same_container(transport=wire)
    assert ids(wired.query_items("SELECT * FROM c", partition_key="p1")) == ["1", "3", "5", "7", "9"]
    assert wire.to("/docs")[-1].headers[KEY] == '["p1"]'
    assert ids(filled.query_items("SELECT * FROM c", partition_key="p1")) == ["1", "3", "5", "7", "9"]


def test_c113_query_pages_have_the_size_asked_for(filled):
    paged = filled.query_items("SELECT * FROM c", max_item_count=3, **EVERYWHERE).by_page()
    assert [len(list(page)) for page in paged] == [3, 3, 3, 1]
    assert paged.continuation_token is None


def test_a_page_that_ends_with_the_last_row_has_no_continuation(server, filled):
    before = len(server.admin.requests(ending="/docs"))
    assert len(pages_of(filled.query_items("SELECT * FROM c", max_item_count=5, **EVERYWHERE))) == 2
    assert len(server.admin.requests(ending="/docs")) == before + 2


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM c WHERE c.n != 4",
        "SELECT VALUE c.n FROM c ORDER BY c.n DESC",
        "SELECT TOP 7 c.id FROM c",
        "SELECT c.id FROM c OFFSET 2 LIMIT 5",
        "SELECT DISTINCT VALUE c.n % 5 FROM c",
        "SELECT c.pk, COUNT(1) AS n FROM c GROUP BY c.pk",
        "SELECT VALUE t FROM c JOIN t IN c.tags",
    ],
)
def test_c114_any_query_resumes_after_any_page(filled, query):
    whole = list(filled.query_items(query, max_item_count=-1, **EVERYWHERE))
    rows, token = [], None
    while token is not None or not rows:
        pages = filled.query_items(query, max_item_count=2, **EVERYWHERE).by_page(token)
        rows += list(next(pages))
        token = pages.continuation_token
    assert rows == whole
    assert len(rows) > 1


@pytest.mark.parametrize("token", ["nonsense", "W10=", "WzEsMiwzLDRd"])
def test_c115_a_token_that_cannot_be_read_is_refused(filled, status_of, token):
    query = filled.query_items("SELECT * FROM c", **EVERYWHERE)
    assert status_of(lambda: list(query.by_page(token)))[0] == 400


def test_c116_parameters_of_every_type_bind(container):
    values = {"s": "x", "n": 1.5, "b": True, "z": None, "l": [1, "2"], "o": {"k": 1}}
    container.create_item({"id": "1", "pk": "a", **values})
    for name, value in values.items():
        parameters = [{"name": "@v", "value": value}]
        found = container.query_items(f"SELECT VALUE c.id FROM c WHERE c.{name} = @v", parameters, partition_key="a")
        assert list(found) == ["1"], name


def test_a_lone_surrogate_in_a_query_is_a_text_like_any_other(filled):
    query = "SELECT VALUE @t FROM c WHERE c.id = '0'"
    assert list(filled.query_items(query, [{"name": "@t", "value": "\ud800"}], partition_key="p0")) == ["\ud800"]


def test_c116_an_undeclared_parameter_is_refused(filled, status_of):
    query = filled.query_items("SELECT * FROM c WHERE c.n = @n", partition_key="p0")
    assert status_of(lambda: list(query))[0] == 400


def test_c130_syntax_errors_say_where(filled):
    with pytest.raises(CosmosHttpResponseError, match="SC1001") as refusal:
        list(filled.query_items("SELECT VALUE c.id FRM c", partition_key="p0"))
    assert refusal.value.status_code == 400
    assert '\\"start\\":18' in refusal.value.http_error_message


def test_c132_metrics_are_told_on_request(filled):
    list(
        filled.query_items(
            "SELECT * FROM c", partition_key="p0", populate_query_metrics=True, populate_index_metrics=True
        )
    )
    metrics = dict(pair.split("=") for pair in headers_of(filled)["x-ms-documentdb-query-metrics"].split(";"))
    assert metrics["retrievedDocumentCount"] == metrics["outputDocumentCount"] == "5"
    assert all(float(value) >= 0 for value in metrics.values())
    assert headers_of(filled)["x-ms-cosmos-index-utilization"]["UtilizedSingleIndexes"] == []


def test_c133_query_answers_count_their_rows_and_have_no_etag(filled):
    list(filled.query_items("SELECT * FROM c", partition_key="p0"))
    assert headers_of(filled)["x-ms-item-count"] == "5"
    assert float(headers_of(filled)["x-ms-request-charge"]) >= 2.3
    assert "etag" not in {name.lower() for name in headers_of(filled)}


def test_c134_feed_ranges_cover_a_container_without_overlap(spread):
    ranges = list(spread.read_feed_ranges())
    found = [ids(spread.query_items("SELECT * FROM c", feed_range=one)) for one in ranges]
    assert len(ranges) == 3
    assert sorted(chain(*found), key=int) == [str(number) for number in range(30)]


def test_c134_the_feed_range_of_a_key_is_that_partition(spread, server, connect, wire):
    wired = connect(server, transport=wire).get_database_client("shop").get_container_client("spread")
    one_key = wired.feed_range_from_partition_key("p1")
    assert ids(wired.query_items("SELECT * FROM c", feed_range=one_key)) == ["1", "11", "21"]
    headers = wire.to("/docs")[-1].headers
    assert int(headers["x-ms-end-epk"], 16) == int(headers["x-ms-start-epk"], 16) + 1
    assert KEY not in headers


def test_c135_a_feed_range_over_several_partitions_is_paged_and_resumed(spread, server, connect):
    ranges = [json.loads(base64.b64decode(one)) if isinstance(one, str) else one for one in spread.read_feed_ranges()]
    whole = {"Range": {**ranges[0]["Range"], "max": ranges[-1]["Range"]["max"]}}
    rows, tokens = [], []
    paged = spread.query_items("SELECT * FROM c", feed_range=whole, max_item_count=2).by_page()
    for page in paged:
        rows.append(ids(page))
        tokens.append(paged.continuation_token)
    assert all(len(page) <= 2 for page in rows)
    assert sorted(chain(*rows), key=int) == [str(number) for number in range(30)]
    assert tokens[-1] is None
    for index in range(0, len(rows) - 1, 4):
        again = connect(server).get_database_client("shop").get_container_client("spread")
        rest = again.query_items("SELECT * FROM c", feed_range=whole, max_item_count=2).by_page(tokens[index])
        assert [*chain(*map(ids, rest))] == [*chain(*rows[index + 1 :])]


def test_c136_writes_between_pages_neither_repeat_nor_hide_rows(filled):
    paged = filled.query_items("SELECT * FROM c", max_item_count=3, **EVERYWHERE).by_page()
    seen = ids(next(paged))
    filled.delete_item("0", "p0")
    filled.create_item({"id": "new", "pk": "p0", "n": 10})
    seen += [item_id for page in paged for item_id in ids(page)]
    assert seen == [*map(str, range(10)), "new"]


def test_c137_rows_carry_system_properties(filled):
    item = filled.read_item("4", "p0")
    parameters = [{"name": "@id", "value": "4"}]
    assert list(filled.query_items("SELECT * FROM c WHERE c.id = @id", parameters, partition_key="p0")) == [item]
    assert {"_rid", "_self", "_etag", "_attachments", "_ts"} <= set(item)
    stamps = filled.query_items("SELECT c._ts, c._etag FROM c WHERE c.id = '4'", partition_key="p0")
    assert list(stamps) == [{"_ts": item["_ts"], "_etag": item["_etag"]}]


def test_c138_absent_and_null_keys_are_different_scopes(container):
    container.create_item({"id": "absent"})
    container.create_item({"id": "null", "pk": None})
    everything = "SELECT * FROM c"
    assert ids(container.query_items(everything, partition_key=NonePartitionKeyValue)) == ["absent"]
    assert ids(container.query_items(everything, partition_key=NullPartitionKeyValue)) == ["null"]


@pytest.mark.parametrize("size", [-1, 1000])
def test_c140_one_page_may_hold_all(filled, size):
    pages = pages_of(filled.query_items("SELECT * FROM c", max_item_count=size, **EVERYWHERE))
    assert [len(page) for page in pages] == [10]


def test_c141_a_limit_for_tokens_is_ignored(filled, same_container, wire):
    wired = same_container(transport=wire)
    query = wired.query_items("SELECT * FROM c", continuation_token_limit=1, max_item_count=4, **EVERYWHERE)
    assert len(list(query)) == 10
    assert wire.to("/docs")[0].headers["x-ms-documentdb-responsecontinuationtokenlimitinkb"] == "1"


def test_c144_pages_stay_below_4_mb(container):
    for number in range(6):
        container.create_item({"id": str(number), "pk": "a", "x": "y" * 1_500_000})
    pages = pages_of(container.query_items("SELECT * FROM c", max_item_count=-1, partition_key="a"))
    assert [len(page) for page in pages] == [2, 2, 2]


def test_c144_five_thousand_items_come_in_pages_below_4_mb(container, same_container, wire):
    sizes = []
    for chunk in range(50):
        creates = [("create", ({"id": f"{chunk}-{one}", "pk": "a", "x": "y" * 2048},)) for one in range(100)]
        container.execute_item_batch(creates, "a")
    wire.after = lambda answer: sizes.append(int(answer.headers["content-length"]))
    rows = same_container(transport=wire).query_items("SELECT * FROM c", max_item_count=-1, partition_key="a")
    assert len(list(rows)) == 5000
    assert sum(sizes) > 5000 * 2048
    assert max(sizes) < 4 * 1024 * 1024


def test_c145_a_token_of_another_query_is_refused(filled, status_of):
    pages = filled.query_items("SELECT * FROM c", max_item_count=3, **EVERYWHERE).by_page()
    next(pages)
    other = filled.query_items("SELECT * FROM c WHERE c.n > 0", max_item_count=3, **EVERYWHERE)
    assert status_of(lambda: list(other.by_page(pages.continuation_token)))[0] == 400


def test_c145_a_token_of_the_same_query_with_other_parameters_is_refused(filled, status_of):
    def ask(least):
        parameters = [{"name": "@n", "value": least}]
        return filled.query_items("SELECT * FROM c WHERE c.n >= @n", parameters, max_item_count=3, **EVERYWHERE)

    pages = ask(1).by_page()
    next(pages)
    assert status_of(lambda: list(ask(2).by_page(pages.continuation_token)))[0] == 400
    assert [len(list(page)) for page in ask(1).by_page(pages.continuation_token)] == [3, 3]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT VALUE c.n FROM c ORDER BY c.n DESC", [9, 8, 7, 6, 5, 4, 3, 1]),
        ("SELECT DISTINCT VALUE c.n FROM c", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("SELECT VALUE COUNT(1) FROM c GROUP BY c.n", [1] * 11),
    ],
)
def test_writes_between_pages_do_not_shift_sorted_or_grouped_rows(filled, query, expected):
    paged = filled.query_items(query, max_item_count=3, **EVERYWHERE).by_page()
    seen = list(next(paged))
    if "ORDER BY" in query:
        filled.delete_item("2", "p0")
        filled.delete_item("0", "p0")
    filled.create_item({"id": "new", "pk": "p0", "n": 10})
    assert seen + [row for page in paged for row in page] == expected


def test_a_query_over_many_items_sees_one_state_and_holds_up_no_one(filled, same_container):
    """More items than are read on the event loop itself: the query runs on a snapshot in a thread."""
    for chunk in range(6):
        creates = [("create", ({"id": f"{chunk}-{number}", "pk": "many"},)) for number in range(100)]
        filled.execute_item_batch(creates, "many")
    counts = []
    writer = same_container()
    reading = threading.Thread(
        target=lambda: counts.extend(
            len(list(filled.query_items("SELECT * FROM c WHERE c.pk = 'many'", max_item_count=1000, **EVERYWHERE)))
            for _ in range(10)
        )
    )
    reading.start()
    for number in range(20):
        writer.execute_item_batch(
            [("create", ({"id": f"x{number}-{one}", "pk": "many"},)) for one in range(10)], "many"
        )
    reading.join()
    assert all(count % 10 == 0 for count in counts)
    assert counts == sorted(counts)
    assert len(list(filled.query_items("SELECT VALUE c.id FROM c", partition_key="many"))) == 800


def test_where_clauses_on_id_and_key_are_answered_by_index(filled):
    list(filled.query_items("SELECT * FROM c WHERE c.id IN ('1', '2')", populate_query_metrics=True, **EVERYWHERE))
    assert "retrievedDocumentCount=2;" in headers_of(filled)["x-ms-documentdb-query-metrics"]
    list(filled.query_items("SELECT * FROM c WHERE c.pk = 'p1'", populate_query_metrics=True, **EVERYWHERE))
    assert "retrievedDocumentCount=5;" in headers_of(filled)["x-ms-documentdb-query-metrics"]
