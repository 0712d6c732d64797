"""The payment provider tells the running system what has become of a payment, and is heard after an outage, too."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from localazure.testing import System

from sandbox.client import Client, an_order, expect
from sandbox.eventually import eventually
from tests.e2e.conftest import APP

EIGHT_DAYS_S = 8 * 24 * 60 * 60


@pytest.fixture
def system(tmp_path: Path) -> System:
    """A system of its own: the clock of its provider will be put forward."""
    return System(app=APP, state=tmp_path / "state")


def test_expired_authorisation_calls_a_person_even_when_the_app_was_down(system: System) -> None:
    with system:
        client = Client(system.endpoints["api"], system.token(tenant="acme", role="admin", subject="u-1"))
        client.stock_up("TEA", 10)
        order_id = client.place(an_order("TEA"))
        client.order_in(order_id, "confirmed")

        system.kill("host")
        skip = {"advance_s": EIGHT_DAYS_S}
        requests.post(f"{system.endpoints['payments']}/_sandbox/clock", json=skip, timeout=10).raise_for_status()
        eventually(lambda: is_flagged(client, order_id), within_s=60, what="the order of an expired payment is flagged")

        letters = expect(client.get("/v1/dead-letters"), 200)["items"]
        assert [letter["reason"] for letter in letters] == ["the provider no longer holds the money: expired"]
        last = client.timeline(order_id)[-1]
        assert (last["type"], last["status"], last["actor"]) == ("payment_lost", "confirmed", "payments")


def is_flagged(client: Client, order_id: str) -> bool:
    """Whether the order needs attention, once the app answers again."""
    try:
        answer = client.get(f"/v1/orders/{order_id}")
    except requests.ConnectionError:
        return False
    return answer.status_code == 200 and bool(answer.json()["needsAttention"])
