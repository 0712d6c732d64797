"""Charges, budgets, expiry, JSON and the store's statements."""

from __future__ import annotations

import pytest
from localazure.clock import ManualClock
from localazure.cosmos import charges, jsontext, ttl
from localazure.cosmos.errors import BadRequest, TooManyRequests
from localazure.cosmos.indexing import IndexingPolicy
from localazure.cosmos.store import Store
from localazure.cosmos.throttle import Budgets
from localazure.errors import ConfigError

KIB = 1024


@pytest.mark.parametrize(("size", "ru"), [(1, 1.0), (KIB, 1.0), (2 * KIB, 1.04), (6 * KIB, 1.235), (4096 * KIB, 583.6)])
def test_reads_cost_by_size_between_published_figures(size, ru):
    assert charges.read_ru(size) == pytest.approx(ru)


def test_array_positions_count_as_one_path():
    document = {"a": [1, 1, 2], "b": {"c": None}}
    found = IndexingPolicy({"indexingMode": "consistent"}).terms(document)
    assert found == {("a/[]", 1), ("a/[]", 2), ("b/c", None)}
    assert IndexingPolicy({"indexingMode": "none"}).terms(document) == frozenset()


@pytest.mark.parametrize(
    ("included", "excluded", "indexed"),
    [
        (["/*"], [], {"id", "kind", "price/net", "tags/[]", "x y"}),
        (["/*"], ["/kind/?", '/"x y"/?'], {"id", "price/net", "tags/[]"}),
        (["/*"], ["/price/*", "/tags/*"], {"id", "kind", "x y"}),
        (["/kind/?"], ["/*"], {"id", "kind"}),
        (["/tags/[]/?", "/price/net/?"], ["/*", "/price/*"], {"id", "tags/[]", "price/net"}),
        (["/price/?"], ["/*"], {"id"}),
        ([], ["/*"], {"id"}),
    ],
)
def test_the_more_precise_path_of_a_policy_decides_what_is_indexed_and_paid(included, excluded, indexed):
    document = {"id": "1", "kind": "k", "price": {"net": 5}, "tags": ["a"], "x y": True}
    policy = {
        "indexingMode": "consistent",
        "includedPaths": [{"path": path} for path in included],
        "excludedPaths": [{"path": path} for path in excluded],
    }
    assert {path for path, _ in IndexingPolicy(policy).terms(document)} == indexed


@pytest.mark.parametrize(("charge", "text"), [(1.0, "1"), (5.55, "5.55"), (1234567.891, "1234567.89"), (10.0, "10")])
def test_charges_are_written_without_exponent(charge, text):
    assert charges.as_header(charge) == text


def test_a_budget_admits_on_credit_and_then_makes_one_wait():
    clock = ManualClock()
    budgets = Budgets(clock, enabled=True, fixed=0)
    budgets.admit("c", 100)
    budgets.pay("c", 150)
    with pytest.raises(TooManyRequests) as refusal:
        budgets.admit("c", 100)
    assert refusal.value.headers["x-ms-retry-after-ms"] == "500"
    clock.advance(milliseconds=501)
    budgets.admit("c", 100)


def test_a_budget_never_holds_more_than_one_second():
    clock = ManualClock()
    budgets = Budgets(clock, enabled=True, fixed=10)
    budgets.admit("c", 999)
    clock.advance(hours=1)
    budgets.admit("c", 999)
    budgets.pay("c", 10)
    with pytest.raises(TooManyRequests):
        budgets.admit("c", 999)
    budgets.admit("other", 999)


@pytest.mark.parametrize(
    ("default", "document", "expected"),
    [
        (None, {}, None),
        (None, {"ttl": 5}, None),
        (-1, {}, None),
        (-1, {"ttl": 5}, 105.5),
        (10, {}, 110.5),
        (10, {"ttl": -1}, None),
        (10, {"ttl": 20}, 120.5),
    ],
)
def test_expiry_follows_the_item_then_the_container(default, document, expected):
    assert ttl.expiry(default, document, 100.5) == expected


def test_equal_values_have_one_canonical_text():
    assert jsontext.canonical({"b": 1.0, "a": [True, None]}) == jsontext.canonical({"a": [True, None], "b": 1})
    assert jsontext.canonical([1]) != jsontext.canonical([True])


def test_numbers_beyond_a_double_are_refused_where_they_are_compared():
    with pytest.raises(BadRequest):
        jsontext.canonical(10**400)


def test_a_transaction_that_raises_leaves_nothing(tmp_path):
    opened = Store(tmp_path / "cosmos.sqlite")

    def write_and_fail():
        with opened.transaction():
            opened.run("add_database", rid="r", id="shop", ts=0, etag="e")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert opened.rows("list_databases") == []
    opened.close()


def test_a_snapshot_does_not_see_later_writes(tmp_path):
    opened = Store(tmp_path / "cosmos.sqlite")
    opened.run("add_database", rid="r1", id="one", ts=0, etag="e")
    with opened.snapshot("list_databases") as rows:
        first = rows.fetchone()
        opened.run("add_database", rid="r2", id="two", ts=0, etag="e")
        assert [first, *rows] == [("r1", "one", 0, "e")]
    assert len(opened.rows("list_databases")) == 2
    opened.close()


def test_a_file_is_locked_until_it_is_closed(tmp_path):
    path = tmp_path / "deep" / "cosmos.sqlite"
    opened = Store(path)
    with pytest.raises(ConfigError, match="in use"):
        Store(path)
    opened.close()
    Store(path).close()


def test_a_file_of_another_version_is_refused_and_unlocked(tmp_path):
    path = tmp_path / "cosmos.sqlite"
    opened = Store(path)
    opened._writer.execute("PRAGMA user_version = 99")
    opened.close()
    for _ in range(2):
        with pytest.raises(ConfigError, match="another version"):
            Store(path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "cosmos.sqlite"
    path.write_text("this is no database, whatever its name says" * 100)
    with pytest.raises(ConfigError, match="cannot be opened"):
        Store(path)
