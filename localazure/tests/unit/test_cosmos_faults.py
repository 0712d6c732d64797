"""Fault rules: which requests they hit, how often, and which rules are refused."""

from __future__ import annotations

from typing import Any

import pytest
from localazure.cosmos.addressing import parse_address
from localazure.cosmos.errors import BadRequest
from localazure.cosmos.faults import Action, Faults
from localazure.testing.cosmos_faults import Calls

PATH = "/dbs/shop/colls/orders/docs/o1"


def meet(faults: Faults, path: str = PATH, method: str = "GET", operation: str = "Read") -> Action | None:
    headers = {"x-ms-thinclient-proxy-operation-type": operation, "x-ms-thinclient-proxy-resource-type": "docs"}
    return faults.meet(method, path, parse_address(path), headers)


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({}, True),
        ({"operation": "read", "resource": "docs", "method": "GET", "container": "orders", "id": "o1"}, True),
        ({"path": "^/dbs/shop/"}, True),
        ({"operation": "Create"}, False),
        ({"resource": "colls"}, False),
        ({"method": "PUT"}, False),
        ({"container": "other"}, False),
        ({"id": "o2"}, False),
        ({"path": "^/dbs/other/"}, False),
    ],
)
def test_a_rule_hits_what_it_describes(match: dict[str, str], hit: bool) -> None:
    faults = Faults()
    faults.add({"match": match, "action": {"status": 503}})
    assert (meet(faults) == Action(status=503)) == hit


def test_a_rule_skips_hits_and_ends() -> None:
    faults = Faults()
    faults.add({"skip": 2, "times": 2, "action": {"status": 503}})
    assert [meet(faults) is not None for _ in range(6)] == [False, False, True, True, False, False]
    assert faults.list() == []


def test_the_first_rule_that_matches_decides() -> None:
    faults = Faults()
    faults.add({"match": {"id": "o1"}, "action": {"delayMs": 1500}})
    faults.add({"action": {"drop": "after"}})
    assert meet(faults) == Action(delay_s=1.5)
    assert meet(faults, "/dbs/shop/colls/orders/docs/o2") == Action(drop="after")
    assert [rule["hits"] for rule in faults.list()] == [1, 1]


def test_a_rule_without_probability_never_hits() -> None:
    faults = Faults()
    faults.add({"probability": 0, "action": {"status": 503}})
    assert not any(meet(faults) for _ in range(100))


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"action": {}},
        {"action": {"status": 200}},
        {"action": {"status": "much"}},
        {"action": {"delayMs": -1}},
        {"action": {"drop": "sometimes"}},
        {"action": {"statusCode": 503}},
        {"action": {"status": 503}, "match": {"operations": "Read"}},
        {"action": {"status": 503}, "match": {"path": "("}},
        {"action": {"status": 503}, "match": []},
        {"action": {"status": 503}, "skip": -1},
        {"action": {"status": 503}, "times": 0},
        {"action": {"status": 503}, "probability": 2},
        {"action": {"status": 503}, "after": 3},
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        Faults().add(rule)


def test_calls_become_a_rule() -> None:
    calls = Calls(operation="Create", container="orders", nth=3, times=2)
    assert calls.rule({"status": 503}) == {
        "match": {"resource": "docs", "operation": "Create", "container": "orders"},
        "skip": 2,
        "times": 2,
        "action": {"status": 503},
    }
