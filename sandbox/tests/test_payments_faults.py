"""Trouble on purpose comes when the rules say so, and at no other time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
import stripe

if TYPE_CHECKING:
    from sandbox.tests.conftest import Simulator

ORDER: Any = {"amount": 1250, "currency": "eur"}


def outcomes(client: stripe.StripeClient, count: int) -> list[int | None]:
    """The HTTP status of so many creates."""
    statuses: list[int | None] = []
    for _ in range(count):
        try:
            client.v1.payment_intents.create(ORDER)
            statuses.append(200)
        except stripe.StripeError as error:
            statuses.append(error.http_status)
    return statuses


def test_rule_skips_then_strikes_then_is_spent(client: stripe.StripeClient, simulator: Simulator) -> None:
    simulator.fault("create_payment_intent", skip=1, times=2, action={"status": 503})
    assert outcomes(client, 5) == [200, 503, 503, 200, 200]
    assert simulator.get("/_sandbox/faults") == {"rules": []}


def test_rule_strikes_its_operation_alone(client: stripe.StripeClient, simulator: Simulator) -> None:
    simulator.fault("capture_payment_intent", action={"status": 429})
    assert outcomes(client, 1) == [200]


def test_star_means_every_operation(client: stripe.StripeClient, simulator: Simulator) -> None:
    simulator.fault("*", action={"status": 503})
    with pytest.raises(stripe.APIError, match="temporarily unavailable"):
        client.v1.payment_intents.list()


def test_rules_are_listed_and_cleared(client: stripe.StripeClient, simulator: Simulator) -> None:
    simulator.fault("create_payment_intent", skip=2, times=3, action={"status": 500, "delay_ms": 1})
    outcomes(client, 1)
    assert simulator.get("/_sandbox/faults")["rules"] == [
        {
            "id": 1,
            "hits": 0,
            "operation": "create_payment_intent",
            "skip": 1,
            "times": 3,
            "action": {"status": 500, "delay_ms": 1},
        }
    ]
    assert simulator.request("DELETE", "/_sandbox/faults")[0] == 204
    assert outcomes(client, 3) == [200, 200, 200]


def test_body_that_is_no_json_is_refused(simulator: Simulator) -> None:
    answer = requests.post(f"{simulator.url}/_sandbox/faults", data="{", timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("not JSON")


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"operation": "create_refund", "action": {}}, "an action needs"),
        ({"operation": "create_refund", "action": {"status": 418}}, "action.status"),
        ({"operation": "create_refund", "action": {"status": 500, "drop": "after"}}, "either a status or a drop"),
        ({"operation": "create_refund", "action": {"drop": "after"}, "often": 2}, "often"),
        ({"operation": "no_such_operation", "action": {"drop": "after"}}, "no_such_operation"),
        ({"action": {"drop": "after"}}, "operation"),
    ],
)
def test_rule_that_cannot_work_is_refused(simulator: Simulator, rule: object, complaint: str) -> None:
    status, body = simulator.request("POST", "/_sandbox/faults", rule)
    assert status == 400
    assert complaint in body["error"]
