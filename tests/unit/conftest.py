"""Builders for unit tests. Nothing here touches the network, the disk or a clock."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.settings import Settings, settings
from domain.orders import Order, place
from domain.placement import PlaceOrder
from domain.tenants import TenantSettings

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)

ORDER = {"tenant_id": "acme", "order_id": "o-42", "correlation_id": "corr-1"}
KEY = "fulfil:acme:o-42:authorise_payment"
PRICED = {
    "outcome": "priced",
    "demand": [{"sku": "MUG", "quantity": 1}, {"sku": "TEA", "quantity": 3}],
    "offers": {
        "MUG": {"unit_amount_minor": 1800, "warehouse": "porto"},
        "TEA": {"unit_amount_minor": 1250, "warehouse": "berlin"},
    },
    "settings": TenantSettings().model_dump(mode="json", exclude={"risk"}),
    "total_minor": 5550,
    "currency": "EUR",
    "payment_method": "pm_card_visa",
    "placed_at": "2026-11-02T09:59:00.000Z",
    "resumed": False,
}
"""What `price_order` answers for an order of one mug and three teas."""

# Addresses at which nothing listens: a unit test that connects fails.
SETTINGS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "COSMOS__accountEndpoint": "https://127.0.0.1:9/",
    "COSMOS_DATABASE": "waybill",
    "KEY_VAULT_URL": "https://127.0.0.1:9/",
    "AUTH_ISSUER": "https://issuer.example/{tid}/v2.0",
    "AUTH_AUDIENCE": "api://waybill",
    "SMTP_HOST": "127.0.0.1",
    "SMTP_PORT": "9",
    "MAIL_FROM": "orders@waybill.example",
    "MAIL_MERCHANT_ADDRESS": "merchant@waybill.example",
}


@pytest.fixture(autouse=True)
def app_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Complete settings for every test and nothing but them, read afresh."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield
    settings.cache_clear()


os.environ.update({name: os.environ.get(name, value) for name, value in SETTINGS.items()})  # for imports of the app

OrderRequest = Callable[..., dict[str, Any]]


@pytest.fixture
def order_request() -> OrderRequest:
    """`order_request(lines=[("TEA", 2)])`: a valid body of POST /v1/orders, with changes."""

    def build(lines: list[tuple[str, int]] | None = None, **changes: Any) -> dict[str, Any]:
        body: dict[str, Any] = {
            "customerId": "c-17",
            "currency": "EUR",
            "paymentMethod": "pm_card_visa",
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines or [("TEA", 2)]],
            "shipTo": {
                "name": "Ada",
                "line1": "Unter den Linden 1",
                "postalCode": "10117",
                "city": "Berlin",
                "country": "DE",
            },
        }
        return body | changes

    return build


@pytest.fixture
def an_order(order_request: OrderRequest) -> Callable[..., Order]:
    """`an_order(lines=[("TEA", 2)], status=…)`: an order as it is stored."""

    def build(lines: list[tuple[str, int]] | None = None, **changes: Any) -> Order:
        request = PlaceOrder.model_validate_json(json.dumps(order_request(lines)))
        order = place(request, tenant_id="acme", order_id="o-42", at=AT, correlation_id="corr-1")
        return order.model_copy(update=changes)

    return build
