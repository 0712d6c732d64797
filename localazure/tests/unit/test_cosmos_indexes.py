"""How SQLite goes about the statements: a point read never scans, a filter uses an index that it was given."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime

import pytest
from localazure.clock import ManualClock
from localazure.cosmos import partition_key
from localazure.cosmos.account import Account
from localazure.cosmos.addressing import parse_address
from localazure.cosmos.dispatch import dispatch
from localazure.cosmos.messages import Call
from localazure.cosmos.options import Options
from localazure.cosmos.store import Store, Transaction
from localazure.statements import load_statements
from multidict import CIMultiDict

DOCS = "/dbs/shop/colls/orders/docs"
ITEMS = 150
STATEMENTS = load_statements("localazure.cosmos")
THROUGH_ALL = {"items_to_reschedule", "forget_changes"}
NO_HEADERS = {}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEMPLATES = {"make_property_index", "drop_property_index", "scan_property"}


class Server:
    """An account without HTTP."""

    def __init__(self, path):
        self.path = path
        self.account = Account(Options(data=path), ManualClock())

    async def call(self, method, address, body=None, **headers):
        given = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
        text = b"" if body is None else json.dumps(body).encode()
        return await dispatch(self.account, Call(method, parse_address(address), given, text, "http://here"))

    async def query(self, text, scope=NO_HEADERS, **parameters):
        """The rows as values, and how many items were looked at. `scope` are headers that narrow it."""
        listed = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
        headers = {"x_ms_documentdb_isquery": "true", "x_ms_documentdb_query_enablecrosspartition": "true"}
        headers |= {"x_ms_documentdb_populatequerymetrics": "true", "x_ms_max_item_count": "-1", **scope}
        reply = await self.call("POST", DOCS, {"query": text, "parameters": listed}, **headers)
        metrics = dict(part.split("=") for part in reply.headers["x-ms-documentdb-query-metrics"].split(";"))
        return json.loads(reply.text)["Documents"], int(metrics["retrievedDocumentCount"])

    async def add(self, item):
        await self.call("POST", DOCS, item, x_ms_documentdb_partitionkey=json.dumps([item["pk"]]))

    def indexes(self):
        with sqlite3.connect(self.path) as file:
            return {row[0] for row in file.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'property %'")}


@pytest.fixture
async def server(tmp_path):
    """A container of items with a `kind` out of ten, more than are looked through without an index."""
    server = Server(tmp_path / "cosmos.sqlite")
    await server.call("POST", "/dbs", {"id": "shop"})
    policy = {"excludedPaths": [{"path": "/secret/*"}]}
    key = {"paths": ["/pk"], "kind": "Hash", "version": 2}
    await server.call("POST", "/dbs/shop/colls", {"id": "orders", "partitionKey": key, "indexingPolicy": policy})
    for number in range(ITEMS):
        kind = f"kind {number % 10}"
        place = {"kind": kind, "n": number % 10}
        await server.add({"id": str(number), "pk": str(number % 7), "kind": kind, "at": place, "secret": kind})
    yield server
    await server.account.close()


def plan_of(path, statement, parameters):
    with sqlite3.connect(path) as file:
        return [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """The path of a data file without data."""
    store = Store(tmp_path_factory.mktemp("empty") / "cosmos.sqlite", full_durability=False)
    store.close()
    return store.path


def steps_of(path, name):
    statement = STATEMENTS[name]
    return plan_of(path, statement, dict.fromkeys(re.findall(r":(\w+)", statement), 1))


def test_a_point_read_finds_its_row_by_the_whole_primary_key(empty):
    (step,) = steps_of(empty, "find_item")
    assert step.startswith("SEARCH items USING INDEX")
    assert step.endswith("(container=? AND partition_key=? AND id=?)")


@pytest.mark.parametrize("name", sorted(set(STATEMENTS) - THROUGH_ALL - TEMPLATES))
def test_no_statement_goes_through_all_items_or_changes(empty, name):
    scans = [step for step in steps_of(empty, name) if step.startswith(("SCAN items", "SCAN changes"))]
    assert [step for step in scans if "USING" not in step] == []


async def test_a_filter_on_an_indexed_path_uses_an_index_of_sqlite(server):
    rows, examined = await server.query("SELECT VALUE c.id FROM c WHERE c.kind = @kind AND c.at.n != 5", kind="kind 3")
    assert (rows, examined) == ([str(number) for number in range(3, ITEMS, 10)], ITEMS // 10)
    assert server.indexes() == {"property 1 kind"}
    statement = server.account.store._statements["property 1 kind"]
    given = {"value": "kind 3", "after": 0, "epk_from": "", "epk_to": "FF", "ts_from": 0, "ts_to": 2**40, "now": 0.0}
    (step,) = plan_of(server.path, statement, given)
    assert step == "SEARCH items USING INDEX property 1 kind (<expr>=? AND sequence>?)"


@pytest.mark.parametrize("key", ["x" * 2049, 10**300, True, None])
async def test_a_key_that_no_item_has_finds_none(server, key):
    assert await server.query("SELECT * FROM c WHERE c.pk = @key", key=key) == ([], 0)


async def test_an_index_reaches_into_objects_and_finds_numbers(server):
    text = "SELECT VALUE c.id FROM c WHERE c.at.n = @n"
    for n in (4, 4.0):
        assert await server.query(text, n=n) == ([str(number) for number in range(4, ITEMS, 10)], ITEMS // 10)
    assert server.indexes() == {"property 1 at/n"}


async def test_an_index_follows_writes_and_deletes(server):
    text = "SELECT VALUE c.id FROM c WHERE c.kind = 'kind 3'"
    before, _ = await server.query(text)
    await server.add({"id": "new", "pk": "x", "kind": "kind 3"})
    await server.call("DELETE", f"{DOCS}/3", x_ms_documentdb_partitionkey='["3"]')
    assert (await server.query(text))[0] == [*before[1:], "new"]


async def test_an_index_shows_nothing_that_has_expired(server):
    container = server.account.catalog.container("shop", "orders", by_rid=False)
    server.account.catalog.replace_container(container, {**container.document(), "defaultTtl": -1}, NOW)
    text = "SELECT VALUE c.id FROM c WHERE c.kind = 'kind 3'"
    before, _ = await server.query(text)
    await server.add({"id": "short", "pk": "x", "kind": "kind 3", "ttl": 10})
    assert (await server.query(text))[0] == [*before, "short"]
    server.account.clock.advance(11)
    assert await server.query(text) == (before, len(before))
    assert "property 1 kind" in server.indexes()


async def test_an_index_stays_within_a_range(server):
    definition = server.account.catalog.container("shop", "orders", by_rid=False).definition
    end, last = max((partition_key.make(definition, (key,)).epk, key) for key in "0123456")
    text = "SELECT VALUE c.id FROM c WHERE c.kind = 'kind 3'"
    everything, _ = await server.query(text)
    part, _ = await server.query(text, scope={"x_ms_end_epk": end})
    assert part == [item_id for item_id in everything if str(int(item_id) % 7) != last]
    assert len(part) < len(everything)


async def test_what_the_policy_excludes_gets_no_index(server):
    rows, examined = await server.query("SELECT VALUE c.id FROM c WHERE c.secret = 'kind 3'")
    assert (len(rows), examined) == (ITEMS // 10, ITEMS)
    assert server.indexes() == set()


@pytest.mark.parametrize("value", [None, True, 1, 1.5, 2**53, 2**60, "a", "a\0b", "\n", "é", "x\\y", '"', "\ud800"])
async def test_no_index_hides_what_a_query_would_find_without_it(server, value):
    near = [True, 1, "1", "a", "a\0c", float(2**53), 2**53 + 1, 2**60 + 1, None]
    for number, stored in enumerate([value, *near]):
        await server.add({"id": f"odd {number}", "pk": "odd", "kind": stored})
    everywhere, _ = await server.query("SELECT VALUE c.id FROM c WHERE c.kind = @value", value=value)
    slowly, _ = await server.query("SELECT VALUE c.id FROM c WHERE NOT (c.kind != @value)", value=value)
    assert everywhere == slowly
    assert "odd 0" in everywhere


async def test_indexes_are_found_again_and_dropped_with_their_container(server, tmp_path):
    await server.query("SELECT * FROM c WHERE c.kind = 'kind 3'")
    await server.account.close()
    server.account = Account(Options(data=server.path), ManualClock())
    assert (await server.query("SELECT VALUE c.id FROM c WHERE c.kind = 'kind 3'"))[1] == ITEMS // 10
    await server.call("DELETE", "/dbs/shop")
    await server.account.close()
    server.account = Account(Options(data=server.path), ManualClock())
    assert server.indexes() == set()


async def test_a_container_has_so_many_indexes_and_no_more(server):
    for number in range(20):
        await server.query(f"SELECT * FROM c WHERE c.other{number} = 1")
    assert len(server.indexes()) == 16


def test_a_commit_that_fails_leaves_the_next_transaction_free_to_begin():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(
        "PRAGMA foreign_keys = ON; CREATE TABLE parent (id PRIMARY KEY);"
        "CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED);"
    )

    def write(statement):
        with Transaction(connection):
            connection.execute(statement)

    with pytest.raises(sqlite3.IntegrityError):
        write("INSERT INTO child VALUES (1)")
    write("INSERT INTO parent VALUES (1)")
    assert connection.execute("SELECT count(*) FROM child").fetchone() == (0,)
