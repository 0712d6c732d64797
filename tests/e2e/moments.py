"""Moments at which a host may be killed while a parcel travels or comes back, and how the order must end all the same.

Each write carries its event in the same batch; what is at stake is what follows from it.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import requests
from localazure.testing import System

from sandbox.client import Client, an_order
from sandbox.eventually import eventually

PRICE = 1250
IN_STOCK = 3

HELD = {"delayMs": 1500}
LOST_ANSWER = {"drop": "after"}


class People:
    """Carrier and warehouse of one order, who say everything until they have been heard."""

    def __init__(self, system: System) -> None:
        self.tenant = f"t-{uuid.uuid4().hex[:8]}"
        self._token = system.token(tenant=self.tenant, role="operator", subject="u-1")
        self.client = Client(system.endpoints["api"], self._token)
        self.client.stock_up("TEA", IN_STOCK, amount_minor=PRICE)
        self.order_id = self.client.place(an_order("TEA"))
        self.client.order_in(self.order_id, "confirmed")
        [parcel] = self.client.parcels(self.order_id)
        self._shipment = f"/v1/orders/{self.order_id}/shipments/{parcel['shipmentId']}/events"
        self._return_key = uuid.uuid4().hex
        self.return_id = ""

    def say(self, word: str) -> None:
        """Say it until it is heard, and wait until all that follows from it has happened."""
        answer = self._until(lambda: self._send(word), f"an answer to {word}")
        self.return_id = answer.get("returnId", self.return_id)
        self._until(lambda: self._has_happened(word), f"what follows from {word}")

    def say_once(self, word: str) -> None:
        """Say it and hang up: the moment comes while, or soon after, it is answered."""
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            self._send(word, timeout_s=0.5)

    def status(self, instance_id: str) -> str | None:
        """The runtime status of a workflow, once the host answers."""
        answer = self.client.get(f"/v1/workflows/{instance_id}")
        return str(answer.json()["runtimeStatus"]) if answer.ok else None

    def has_completed(self, instance_id: str) -> bool:
        return self.status(instance_id) == "Completed"

    def _send(self, word: str, timeout_s: float = 30) -> dict[str, Any] | None:
        if word == "announced":
            body: dict[str, Any] = {"lines": [{"sku": "TEA", "quantity": 1}], "reason": "too much tea"}
            path = f"/v1/orders/{self.order_id}/returns"
        else:
            body = {"status": word}
            path = f"/v1/returns/{self.return_id}/events" if word == "received" else self._shipment
        headers = {**self.client.session.headers, "Idempotency-Key": self._return_key}
        answer = requests.post(f"{self.client.api}{path}", json=body, headers=headers, timeout=timeout_s)
        return answer.json() if answer.status_code == 202 else None

    def _has_happened(self, word: str) -> bool:
        """By the last that is written for it."""
        answer = self.client.get(f"/v1/orders/{self.order_id}")
        if not answer.ok:
            return False
        order = answer.json()
        match word:
            case "shipped":
                return bool(order["payment"]["capturedMinor"])
            case "announced":
                return self.status(f"return:{self.tenant}:{self.order_id}:{self.return_id}") == "Running"
            case _:
                return order["status"] == {"delivered": "delivered", "lost": "failed", "received": "returned"}[word]

    def _until(self, probe: Callable[[], Any], what: str) -> Any:
        def attempt() -> Any:
            with contextlib.suppress(requests.ConnectionError):
                return probe()
            return None

        return eventually(attempt, within_s=90, what=what)


class Moment(NamedTuple):
    """What people say, at which word the host is killed, and which request of it is in trouble then."""

    story: tuple[str, ...]
    word: str
    part: str
    rule: dict[str, Any]


def cosmos(container: str, skip: int = 0, **action: Any) -> tuple[str, dict[str, Any]]:
    return "cosmos", {"match": {"operation": "Batch", "container": container}, "skip": skip, "action": action}


def provider(operation: str) -> tuple[str, dict[str, Any]]:
    return "payments", {"operation": operation, "skip": 0, "action": LOST_ANSWER}


DELIVERED = ("shipped", "delivered")
LOST = ("shipped", "lost")
RETURNED = (*DELIVERED, "announced", "received")

MOMENTS = {
    "shipped, before anything follows": Moment(DELIVERED, "shipped", *cosmos("orders", **LOST_ANSWER)),
    "the stock leaves the books": Moment(DELIVERED, "shipped", *cosmos("catalog", **HELD)),
    "captured, unanswered": Moment(DELIVERED, "shipped", *provider("capture_payment_intent")),
    "the capture is noted": Moment(DELIVERED, "shipped", *cosmos("orders", skip=1, **HELD)),
    "delivered, before anything follows": Moment(DELIVERED, "delivered", *cosmos("orders", **LOST_ANSWER)),
    "lost and refunded, unanswered": Moment(LOST, "lost", *provider("create_refund")),
    "the loss is noted": Moment(LOST, "lost", *cosmos("orders", **HELD)),
    "announced, before its workflow is started": Moment(RETURNED, "announced", *cosmos("orders", **LOST_ANSWER)),
    "returned and refunded, unanswered": Moment(RETURNED, "received", *provider("create_refund")),
    "restocked, before anything follows": Moment(RETURNED, "received", *cosmos("catalog", **LOST_ANSWER)),
    "the return is noted": Moment(RETURNED, "received", *cosmos("orders", **HELD)),
}


class Books(NamedTuple):
    """How the order ends: its status, what was given back, and what is on hand of three packets."""

    status: str
    refunded_minor: int
    on_hand: int
    happened: list[str]


_LEFT = ["parcel_booked", "parcel_shipped", "payment_captured"]
ENDS = {
    DELIVERED: Books("delivered", 0, 2, [*_LEFT, "parcel_delivered"]),
    LOST: Books("failed", PRICE, 2, [*_LEFT, "parcel_lost"]),
    RETURNED: Books("returned", PRICE, 3, [*_LEFT, "parcel_delivered", "return_requested", "return_received"]),
}


def assert_books(system: System, people: People, ends: Books) -> None:
    client, order_id = people.client, people.order_id
    about = f"{people.tenant}:{order_id}"
    for workflow in [f"fulfil:{about}", *[f"return:{about}:{people.return_id}"] * bool(people.return_id)]:
        eventually(partial(people.has_completed, workflow), within_s=60, what=f"the end of {workflow}")
    order = client.order(order_id)
    assert order["status"] == ends.status
    assert order["needsAttention"] is (ends.status == "failed")
    assert (order["payment"]["capturedMinor"], order["payment"]["refundedMinor"]) == (PRICE, ends.refunded_minor)
    ledger = requests.get(f"{system.endpoints['payments']}/_sandbox/ledger/{order_id}", timeout=10).json()
    assert (ledger["intents"], ledger["captured"], ledger["refunded"]) == (1, PRICE, ends.refunded_minor)
    assert client.stock("TEA") == (ends.on_hand, 0)
    events = [(event["type"], event["subject"]) for event in client.timeline(order_id)]
    assert len(set(events)) == len(events) - 1  # `status_changed` twice: reserved, confirmed
    assert [name for name, _ in events if name.startswith(("parcel_", "payment_", "return_"))] == ends.happened
