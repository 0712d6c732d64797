"""A merchant's view of the API: what a caller with an HTTP client and a token can do. For demo, tests and bench."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import requests

from sandbox.eventually import eventually

TIMEOUT_S = 30
SUBJECTS = {"customer": "c-17", "operator": "u-1", "approver": "boss-1", "carrier": "carrier-1", "admin": "admin-1"}
SHIP_TO = {
    "name": "Ada Lovelace",
    "line1": "Unter den Linden 1",
    "postalCode": "10117",
    "city": "Berlin",
    "country": "DE",
}


def an_order(*skus: str, customer: str = "c-17", quantity: int = 1, **changes: Any) -> dict[str, Any]:
    """The body of POST /v1/orders with one line per SKU."""
    order = {
        "customerId": customer,
        "currency": "EUR",
        "paymentMethod": "pm_card_visa",
        "lines": [{"sku": sku, "quantity": quantity} for sku in skus],
        "shipTo": SHIP_TO,
    }
    return order | changes


def expect(answer: requests.Response, *statuses: int) -> dict[str, Any]:
    """The answer's JSON object; AssertionError with the answer's text when its status is none of `statuses`."""
    if answer.status_code not in statuses:
        raise AssertionError(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}")
    body: dict[str, Any] = answer.json()
    return body


class Client:
    """Calls one Waybill as one subject of one tenant."""

    def __init__(self, api: str, token: str) -> None:
        self.api = api
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request; `path` is relative to /api unless it is a whole URL."""
        url = path if path.startswith("http") else f"{self.api}{path}"
        return self.session.request(method, url, timeout=TIMEOUT_S, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **options: Any) -> requests.Response:
        """POST JSON under an Idempotency-Key (a fresh one unless given)."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex} | options.pop("headers", {})
        return self.call("POST", path, json=body, headers=headers, **options)

    def put(self, path: str, body: Any, **options: Any) -> requests.Response:
        return self.call("PUT", path, json=body, **options)

    def stock_up(
        self, sku: str, on_hand: int, *, amount_minor: int = 1250, currency: str = "EUR", warehouse: str = "berlin"
    ) -> None:
        """Put a product into the catalogue with some stock."""
        product = {"name": sku, "unitAmountMinor": amount_minor, "currency": currency, "warehouse": warehouse}
        expect(self.put(f"/v1/products/{sku}", product), 200, 201)
        if on_hand:
            expect(self.post(f"/v1/products/{sku}/stock", {"delta": on_hand, "reason": "goods in"}), 200)

    def place(self, body: dict[str, Any], *, key: str | None = None) -> str:
        """Place an order and return its id."""
        return str(expect(self.post("/v1/orders", body, key=key), 202)["orderId"])

    def order(self, order_id: str) -> dict[str, Any]:
        """The order as it is now."""
        return expect(self.get(f"/v1/orders/{order_id}"), 200)

    def order_in(self, order_id: str, *statuses: str, within_s: float = 30) -> dict[str, Any]:
        """The order once it is in one of `statuses`."""

        def probe() -> dict[str, Any] | None:
            order = self.order(order_id)
            return order if order["status"] in statuses else None

        return eventually(probe, within_s=within_s, what=f"order {order_id} in {statuses}")

    def tell(self, path: str, body: Any = None, *, key: str | None = None) -> dict[str, Any]:
        """POST something that a workflow hears of; the 202 answer's body."""
        return expect(self.post(path, body, key=key), 202)

    def send_back(self, order_id: str, sku: str, quantity: int, reason: str) -> str:
        """Announce a return and give its id."""
        wish = {"lines": [{"sku": sku, "quantity": quantity}], "reason": reason}
        return str(self.tell(f"/v1/orders/{order_id}/returns", wish)["returnId"])

    def parcels(self, order_id: str, count: int = 1) -> list[dict[str, Any]]:
        """The order's parcels, once so many have been booked."""

        def probe() -> list[dict[str, Any]] | None:
            booked: list[dict[str, Any]] = self.order(order_id)["shipments"]
            return booked if len(booked) >= count else None

        return eventually(probe, within_s=30, what=f"{count} parcels of order {order_id}")

    def report(self, order_id: str, shipment_id: str, status: str) -> None:
        """Say where a parcel is, as its carrier does."""
        self.tell(f"/v1/orders/{order_id}/shipments/{shipment_id}/events", {"status": status})

    def deliver(self, order_id: str, count: int = 1) -> dict[str, Any]:
        """Send the order's parcels on their way; the order once they have arrived."""
        for status in ("shipped", "delivered"):
            for parcel in self.parcels(order_id, count):
                self.report(order_id, parcel["shipmentId"], status)
            self.order_in(order_id, status)
        return self.order(order_id)

    def timeline(self, order_id: str) -> list[dict[str, Any]]:
        """The order's events, oldest first."""
        items: list[dict[str, Any]] = expect(self.get(f"/v1/orders/{order_id}/timeline"), 200)["items"]
        return items

    def happened(self, order_id: str, event_type: str, count: int = 1, *, within_s: float = 60) -> list[dict[str, Any]]:
        """The order's events of this type, once there are so many."""

        def probe() -> list[dict[str, Any]] | None:
            found = [event for event in self.timeline(order_id) if event["type"] == event_type]
            return found if len(found) >= count else None

        return eventually(probe, within_s=within_s, what=f"{count} x {event_type} of order {order_id}")

    def dead_letters(self, order_id: str) -> list[dict[str, Any]]:
        """What could not be done for the order."""
        items = expect(self.get("/v1/dead-letters"), 200)["items"]
        return [letter for letter in items if letter["orderId"] == order_id]

    def stock(self, sku: str) -> tuple[int, int]:
        """(on hand, reserved) of a product."""
        product = expect(self.get(f"/v1/products/{sku}"), 200)
        return product["onHand"], product["reserved"]


class Staff(NamedTuple):
    """Everybody who deals with a merchant's orders, each with a client and a name of their own."""

    customer: Client
    operator: Client
    approver: Client
    carrier: Client
    admin: Client

    @classmethod
    def of(cls, client_of: Callable[[str, str], Client]) -> Staff:
        """One client for each role; `client_of(role, subject)` makes it."""
        return cls(**{role: client_of(role, subject) for role, subject in SUBJECTS.items()})

    def ship(self, order_id: str, *endings: str) -> dict[str, Any]:
        """Send the order's parcels on their way to these endings, in the order of their ids; the order afterwards."""
        parcels = self.operator.parcels(order_id, len(endings))
        for parcel in parcels:
            self.carrier.report(order_id, parcel["shipmentId"], "shipped")
        self.operator.order_in(order_id, "shipped")
        for parcel, ending in zip(parcels, endings, strict=True):
            self.carrier.report(order_id, parcel["shipmentId"], ending)
        return self.operator.order_in(order_id, "delivered", "failed")
