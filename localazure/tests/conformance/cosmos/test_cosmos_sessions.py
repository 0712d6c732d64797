"""Consistency levels, session tokens and when clients read the partition key ranges."""

from __future__ import annotations

import re

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

TOKEN = "x-ms-session-token"


def make(client):
    return client.create_database("shop").create_container("orders", PartitionKey("/pk"))


def use(container):
    """One of every kind of call."""
    container.create_item({"id": "1", "pk": "a"})
    assert container.read_item("1", "a")["pk"] == "a"
    container.execute_item_batch([("create", ({"id": "2", "pk": "a"},))], "a")
    assert len(list(container.query_items("SELECT * FROM c", partition_key="a"))) == 2


def test_c007_a_client_at_eventual_level_sends_no_token_and_reads_no_ranges(server, connect, wire):
    container = make(connect(server, consistency_level="Eventual", transport=wire))
    container.create_item({"id": "1", "pk": "a"})
    container.read_item("1", "a")
    assert not [one for one in wire.sent if TOKEN in one.headers]
    assert wire.to("/pkranges") == []


@pytest.mark.parametrize("level", ["Eventual", "ConsistentPrefix", "BoundedStaleness", "Strong"])
def test_c010_other_accounts_than_session_ones_work_without_tokens_and_ranges(start_server, connect, wire, level):
    container = make(connect(start_server(consistency=level), transport=wire))
    use(container)
    assert not [one for one in wire.sent if TOKEN in one.headers]
    assert wire.to("/pkranges") == []
    assert len(list(container.query_items_change_feed(start_time="Beginning"))) == 2


def test_c010_a_session_account_works_with_tokens_and_ranges(server, connect, wire):
    container = make(connect(server, transport=wire))
    use(container)
    assert wire.to("/docs/1", "GET")[0].headers[TOKEN] == "0:-1#1"
    assert wire.to("/pkranges") != []
    assert len(list(container.query_items_change_feed(start_time="Beginning"))) == 2


def test_c011_a_client_may_ask_for_more_consistency_than_the_account(server, connect):
    container = make(connect(server, consistency_level="Strong"))
    use(container)


def test_c014_the_first_read_after_a_write_reads_the_ranges_twice(wired, wire):
    wired.create_item({"id": "1", "pk": "a"})
    before = len(wire.to("/pkranges"))
    wired.read_item("1", "a")
    reads = wire.to("/pkranges")[before:]
    assert [one.status for one in reads] == [200, 304]
    assert "if-none-match" not in reads[0].headers
    assert reads[1].headers["if-none-match"] == '"1"'


def test_c014_a_client_that_is_never_told_304_reads_the_ranges_for_ever(wired, wire):
    """Why the server has to answer 304: here the client asks as long as its question does not get through."""
    wired.create_item({"id": "1", "pk": "a"})

    def forget_the_etag(request):
        if "/pkranges" in request.url and len(wire.to("/pkranges")) < 25:
            request.headers.pop("If-None-Match", None)

    wire.before = forget_the_etag
    wired.read_item("1", "a")
    assert [one.status for one in wire.to("/pkranges")] == [200] * 25 + [304]


def test_c015_many_calls_read_the_ranges_twice_in_all(server, container):
    for _ in range(10):
        container.upsert_item({"id": "1", "pk": "a"})
        container.read_item("1", "a")
    assert len(server.admin.requests(ending="/pkranges")) == 2


def test_c016_a_token_of_another_form_than_ours_fails_in_the_client(wired, wire):
    seen = []
    wire.after = lambda answer: seen.append(answer.headers.get(TOKEN))
    wired.create_item({"id": "1", "pk": "a"})
    assert re.fullmatch(r"\d+:-1#\d+", seen[-1])

    def spoil(answer):
        if TOKEN in answer.headers:
            answer.headers[TOKEN] = "0:5"

    wire.after = spoil
    with pytest.raises(CosmosHttpResponseError, match="Could not parse") as failure:
        wired.create_item({"id": "2", "pk": "a"})
    assert failure.value.status_code == 500


def test_c047_the_latest_of_two_session_tokens_of_a_range_is_told(container):
    [whole] = container.read_feed_ranges()
    assert container.get_latest_session_token([(whole, "0:-1#3"), (whole, "0:-1#7")], whole) == "0:-1#7"


def test_c208_a_session_token_of_the_future_is_refused(start_server, connect, status_of):
    container = make(connect(start_server(check_session=True)))
    container.create_item({"id": "1", "pk": "a"})
    assert container.read_item("1", "a")["id"] == "1"
    assert container.read_item("1", "a", session_token="0:-1#1")["id"] == "1"
    for ahead in ("0:-1#2", "0:-1#99"):
        assert status_of(container.read_item, "1", "a", session_token=ahead) == (404, 1002)
