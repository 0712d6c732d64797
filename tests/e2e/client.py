"""A merchant's view of the API: what a caller with an HTTP client and a token can do."""

from __future__ import annotations

import uuid
from typing import Any

import requests

from tests.eventually import eventually

TIMEOUT_S = 30
SHIP_TO = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
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

    def stock_up(self, sku: str, on_hand: int, *, amount_minor: int = 1250, currency: str = "EUR") -> None:
        """Put a product into the catalogue with some stock."""
        product = {"name": sku, "unitAmountMinor": amount_minor, "currency": currency, "warehouse": "berlin"}
        assert self.call("PUT", f"/v1/products/{sku}", json=product).status_code in (200, 201)
        if on_hand:
            adjusted = self.post(f"/v1/products/{sku}/stock", {"delta": on_hand, "reason": "goods in"})
            assert adjusted.status_code == 200, adjusted.text

    def place(self, body: dict[str, Any], *, key: str | None = None) -> str:
        """Place an order and return its id."""
        placed = self.post("/v1/orders", body, key=key)
        assert placed.status_code == 202, placed.text
        order_id: str = placed.json()["orderId"]
        return order_id

    def order(self, order_id: str) -> dict[str, Any]:
        """The order as it is now."""
        found = self.get(f"/v1/orders/{order_id}")
        assert found.status_code == 200, found.text
        order: dict[str, Any] = found.json()
        return order

    def order_in(self, order_id: str, *statuses: str, within_s: float = 30) -> dict[str, Any]:
        """The order once it is in one of `statuses`."""

        def probe() -> dict[str, Any] | None:
            order = self.order(order_id)
            return order if order["status"] in statuses else None

        return eventually(probe, within_s=within_s, what=f"order {order_id} in {statuses}")

    def timeline(self, order_id: str) -> list[dict[str, Any]]:
        """The order's events, oldest first."""
        items: list[dict[str, Any]] = self.get(f"/v1/orders/{order_id}/timeline").json()["items"]
        return items

    def stock(self, sku: str) -> tuple[int, int]:
        """(on hand, reserved) of a product."""
        product = self.get(f"/v1/products/{sku}").json()
        return product["onHand"], product["reserved"]
