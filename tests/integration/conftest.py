"""The app's own modules against the real local services, through the official SDK clients; no Functions host runs.

All services start once. The app is told of them as `func start` would be: by the settings file they write.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from adapters import clients, orders, products, secrets, stock, tokens
from adapters.settings import settings
from domain.callers import Caller, Role
from domain.catalogue import Adjustment, Product
from domain.orders import Order, place, placed
from domain.placement import PlaceOrder
from tests.integration.api import Api, Reply, Workflows
from tests.integration.hook import deliver, hook  # noqa: F401  # fixtures
from tests.integration.people import Shop
from tests.integration.provider import Provider, a_provider
from tests.services import services

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)

Endpoints = dict[str, str]
Mails = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the services of this run keep their state."""
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
def endpoints(state: Path) -> Iterator[Endpoints]:
    """Everything but the Functions host, with state of its own; name → URL."""
    with services(state) as started, _environment(started.settings):
        yield started.endpoints


@contextlib.contextmanager
def _environment(told: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(told)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


@pytest.fixture(autouse=True)
async def fresh_clients(endpoints: Endpoints) -> AsyncIterator[None]:
    """Clients belong to an event loop, and every test has its own."""
    settings.cache_clear()
    yield
    await clients.close_all()
    secrets.forget_all()


@pytest.fixture
async def provider(fresh_clients: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Provider]:
    """A payment provider for this test alone, and the app's one from now on."""
    async with a_provider() as started:
        monkeypatch.setenv("PAYMENTS_API_URL", started.url)
        settings.cache_clear()
        yield started


@pytest.fixture
def tenant_id() -> str:
    """A tenant that no other test uses."""
    return f"t-{uuid.uuid4().hex[:10]}"


StockUp = Callable[..., Any]
AnOrder = Callable[..., Any]


@pytest.fixture
def stock_up(tenant_id: str) -> StockUp:
    """`await stock_up("TEA", 10)`: a product with so many on hand."""

    async def put(sku: str, on_hand: int, *, amount_minor: int = 1250, currency: str = "EUR") -> None:
        product = Product(
            sku=sku, name=sku, unit_amount_minor=amount_minor, currency=currency, warehouse="berlin", updated_at=AT
        )
        await products.put(tenant_id, product, lambda _: True)
        if on_hand:
            await stock.adjust(tenant_id, sku, an_adjustment(on_hand))

    return put


def an_adjustment(delta: int, *, key: str | None = None, reason: str = "goods in") -> Adjustment:
    """A change of stock under a key of its own."""
    return Adjustment(
        key=key or uuid.uuid4().hex, body_hash=f"{delta}{reason}", delta=delta, reason=reason, actor="u-1", at=AT
    )


def an_order_request(*lines: tuple[str, int], **changes: Any) -> PlaceOrder:
    """A valid request for these (sku, quantity) lines."""
    body = {
        "customerId": "c-17",
        "currency": "EUR",
        "paymentMethod": "pm_card_visa",
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines or [("TEA", 2)]],
        "shipTo": {"name": "Ada", "line1": "Linden 1", "postalCode": "10117", "city": "Berlin", "country": "DE"},
    }
    return PlaceOrder.model_validate_json(json.dumps(body | changes))


@pytest.fixture
def an_order(tenant_id: str) -> AnOrder:
    """`await an_order(("TEA", 2), email=…)`: an order as it is stored at placement."""

    async def create(*lines: tuple[str, int], **changes: Any) -> Order:
        order_id = f"o-{uuid.uuid4().hex[:12]}"
        request = an_order_request(*lines, **changes)
        order = place(request, tenant_id=tenant_id, order_id=order_id, at=AT, correlation_id="corr-1")
        await orders.create(tenant_id, order, placed(order, "u-1"))
        return order

    return create


def a_step(order: Order, **payload: Any) -> dict[str, Any]:
    """The payload of an activity for this order."""
    told = {"tenant_id": order.tenant_id, "order_id": order.order_id, "correlation_id": order.correlation_id}
    return {**told, "at": datetime.now(UTC).isoformat(), **payload}


class PaymentFaults:
    """Trouble at the payment simulator, ended with the block: `with faults.create(drop="after"): …`."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_sandbox/faults"

    @contextlib.contextmanager
    def create(self, **action: Any) -> Iterator[None]:
        rule = {"operation": "create_payment_intent", "skip": 0, "times": 100, "action": action}
        requests.post(self._url, json=rule, timeout=10).raise_for_status()
        try:
            yield
        finally:
            requests.delete(self._url, timeout=10).raise_for_status()


@pytest.fixture
def faults(endpoints: Endpoints) -> PaymentFaults:
    return PaymentFaults(endpoints["payments"])


@pytest.fixture
def ledger(endpoints: Endpoints) -> Callable[[str], dict[str, int]]:
    """`ledger(order_id)`: what the provider did for an order."""

    def read(order_id: str) -> dict[str, int]:
        entry: dict[str, int] = requests.get(f"{endpoints['payments']}/_sandbox/ledger/{order_id}", timeout=10).json()
        return entry

    return read


@pytest.fixture
def mails(endpoints: Endpoints) -> Mails:
    """`mails(text)`: the messages in the sink that contain a text."""

    def read(text: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{endpoints['mail']}/messages", params={"contains": text}, timeout=10)
        found: list[dict[str, Any]] = answer.json()
        return found

    return read


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """`await api("GET", "/v1/orders", as_="acme operator u-1")`: the token is a word."""

    async def verify(word: str) -> Caller:
        tenant_id, role, subject = word.split()
        return Caller(tenant_id, subject, frozenset({Role(role)}))

    monkeypatch.setattr(tokens, "verify", verify)
    return Api()


@pytest.fixture
def shop(api: Api, tenant_id: str) -> Shop:
    """`await shop("GET", "/v1/users")`: the same within a tenant of its own, and what its people do."""
    return Shop(tenant_id)


@pytest.fixture
def code_of(tenant_id: str, mails: Mails) -> Callable[[str], str]:
    """`code_of("c-17@example.com")`: the code in the newest mail to this address."""

    def read(address: str) -> str:
        [*_, newest] = [message for message in mails(f"{tenant_id}.") if address in json.dumps(message)]
        found = re.search(rf"{re.escape(tenant_id)}\.[0-9A-Z]{{16}}", json.dumps(newest))
        assert found
        return found[0]

    return read


Admin = Callable[..., Any]


@pytest.fixture
def admin(api: Api, tenant_id: str) -> Admin:
    """`await admin("GET", "/v1/dead-letters")`; the task hub is `api.hub`."""
    api.hub = Workflows()

    async def call(method: str, path: str, role: str = "admin") -> Reply:
        return await api(method, path, as_=f"{tenant_id} {role} {role}-1")

    return call
