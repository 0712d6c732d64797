"""Processes are killed in mid-order, as by `kill -9`: afterwards one charge, no leaked reservation, a final order.

Each test holds one request of the order at a dependency, so that the moment of the kill is known, not a matter of luck.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from localazure.testing import System

from sandbox.client import Client, an_order
from sandbox.eventually import eventually
from tests.e2e.conftest import APP
from tests.e2e.faults import Fault
from tests.e2e.moments import ENDS, MOMENTS, People, assert_books

PRICE = 1250


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose processes may be killed: never the one at BASE_URL."""
    with System(app=APP, state=tmp_path_factory.mktemp("recovery") / "state") as started:
        yield started


@pytest.fixture
def merchant(own_system: System) -> Client:
    """An operator of a fresh tenant with three packets of tea."""
    token = own_system.token(tenant=f"t-{uuid.uuid4().hex[:8]}", role="operator", subject="u-1")
    client = Client(own_system.endpoints["api"], token)
    client.stock_up("TEA", 3, amount_minor=PRICE)
    return client


def place_through(merchant: Client, body: dict[str, Any], key: str) -> str:
    """Place as a careful caller does: again, with the same key, until there is an answer."""

    def attempt() -> str | None:
        with contextlib.suppress(requests.ConnectionError):
            answer = merchant.post("/v1/orders", body, key=key)
            return str(answer.json()["orderId"]) if answer.status_code == 202 else None
        return None

    return eventually(attempt, within_s=60, what="an answer to the order")


def assert_one_charge_and_no_leak(system: System, merchant: Client, order_id: str) -> None:
    def settled() -> dict[str, Any] | None:
        with contextlib.suppress(requests.ConnectionError):
            answer = merchant.get(f"/v1/orders/{order_id}")  # 503 while the host starts
            return answer.json() if answer.ok and answer.json()["status"] == "confirmed" else None
        return None

    order = eventually(settled, within_s=90, what="the order confirmed after the restart")
    ledger = requests.get(f"{system.endpoints['payments']}/_sandbox/ledger/{order_id}", timeout=10).json()
    assert (ledger["intents"], ledger["authorised"]) == (1, PRICE)
    assert order["payment"]["authorisedMinor"] == PRICE
    assert merchant.stock("TEA") == (3, 1)
    statuses = [event["status"] for event in merchant.timeline(order_id) if event["type"] == "status_changed"]
    assert statuses == ["reserved", "confirmed"]


@pytest.mark.parametrize("action", [{"delay_ms": 3000}, {"drop": "after"}], ids=["in flight", "charged, unanswered"])
def test_host_killed_while_the_provider_charges(own_system: System, merchant: Client, action: dict[str, Any]) -> None:
    rule = {"operation": "create_payment_intent", "skip": 0, "times": 50, "action": action}
    with Fault(own_system.endpoints, own_system.state, "payments", rule) as fault:
        order_id = merchant.place(an_order("TEA"))
        fault.await_hit()
        own_system.kill("host")

    assert_one_charge_and_no_leak(own_system, merchant, order_id)


WRITES = {
    "the claim on the key": {"operation": "Create", "container": "idempotency"},
    "the order": {"operation": "Batch", "container": "orders"},
    "the reservation": {"operation": "Batch", "container": "catalog"},
    "the transition to reserved": {"operation": "Batch", "container": "orders", "skip": 1},
    "the transition to confirmed": {"operation": "Batch", "container": "orders", "skip": 2},
    "the record of the mail": {"operation": "Create", "container": "orders"},
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", WRITES)
def test_host_killed_at_each_write_of_an_order(own_system: System, merchant: Client, write: str, when: str) -> None:
    held = dict(WRITES[write])
    skip = held.pop("skip", 0)
    action = {"delayMs": 1500} if when == "before" else {"drop": "after"}
    key = uuid.uuid4().hex
    rule = {"match": held, "skip": skip, "times": 50, "action": action}
    with Fault(own_system.endpoints, own_system.state, "cosmos", rule) as fault:
        place_without_waiting(merchant, key)
        fault.await_hit()
        own_system.kill("host")

    assert_one_charge_and_no_leak(own_system, merchant, place_through(merchant, an_order("TEA"), key))


def place_without_waiting(merchant: Client, key: str) -> None:
    """Send the order and hang up: where one of its first writes is held, no answer comes in time."""
    with contextlib.suppress(requests.Timeout, requests.ConnectionError):
        requests.post(
            f"{merchant.api}/v1/orders",
            json=an_order("TEA"),
            headers={**merchant.session.headers, "Idempotency-Key": key},
            timeout=0.5,
        )


@pytest.mark.parametrize("name", MOMENTS)
def test_host_killed_while_a_parcel_travels_or_comes_back(own_system: System, name: str) -> None:
    moment = MOMENTS[name]
    people = People(own_system)
    place = moment.story.index(moment.word)
    for word in moment.story[:place]:
        people.say(word)

    with Fault(own_system.endpoints, own_system.state, moment.part, {**moment.rule, "times": 50}) as fault:
        people.say_once(moment.word)
        fault.await_hit()
        own_system.kill("host")
    for word in moment.story[place:]:
        people.say(word)

    assert_books(own_system, people, ENDS[moment.story])


def test_everything_killed_and_started_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    state = tmp_path_factory.mktemp("whole") / "state"
    first = System(app=APP, state=state).start()
    merchant = Client(first.endpoints["api"], first.token(tenant="whole", role="operator", subject="u-1"))
    merchant.stock_up("TEA", 3, amount_minor=PRICE)
    rule = {"operation": "create_payment_intent", "skip": 0, "times": 50, "action": {"delay_ms": 3000}}
    with Fault(first.endpoints, first.state, "payments", rule) as fault:
        order_id = merchant.place(an_order("TEA"))
        fault.await_hit()
    first.kill_all()

    with System(app=APP, state=state) as second:
        merchant = Client(second.endpoints["api"], second.token(tenant="whole", role="operator", subject="u-1"))
        assert_one_charge_and_no_leak(second, merchant, order_id)
