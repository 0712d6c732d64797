"""One tenant's world: the whole app in a task hub of its own, the real services behind it, and people who act.

People act over HTTP, and as careful callers do: again, with the same key, until they have an answer. What has become of
things is read from the databases and from the provider's ledger, past the app.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import aiohttp
import requests
from localazure.testing import Hub, HubCrashed, Orchestration
from localazure.testing.loop_thread import loop_thread

from adapters import dead_letters, products, stock, tenants
from adapters.cosmos import Container
from adapters.dead_letters import DeadLetter
from domain.catalogue import Adjustment, Product, Reservation, Stock
from domain.names import fulfil_instance_id, return_instance_id, ship_instance_id
from domain.orders import Event, Order
from domain.returns import Return
from domain.shipments import Shipment
from domain.tenants import TenantSettings
from tests.services import APP, Services

T = TypeVar("T")

PRICES = {"TEA": 1250, "MUG": 900}
WAREHOUSES = {"TEA": "berlin", "MUG": "paris"}
ADDRESS = {"name": "Ada", "line1": "Linden 1", "postalCode": "10117", "city": "Berlin", "country": "DE"}
DEFECT = "urn:waybill:problem:defect"

_ATTEMPTS = 40
_BETWEEN_ATTEMPTS = timedelta(seconds=3)
_STEP = timedelta(seconds=5)
_STEPS = 400
_ANSWER_WITHIN_S = 60


@dataclass
class Dossier:
    """All that is stored of one order."""

    order: Order
    events: list[Event]
    shipments: list[Shipment]
    returns: list[Return]
    ledger: dict[str, int] = field(default_factory=dict)


@dataclass
class Shelf:
    """All that is stored of one SKU's stock."""

    stock: Stock
    reservations: list[Reservation]


def on_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run the app's own repositories where its clients live."""
    return loop_thread().submit(work).result(_ANSWER_WITHIN_S)


class World:
    """Opens with stock and settings of a tenant that nobody else uses."""

    def __init__(self, services: Services, on_hand: dict[str, int], **settings: Any) -> None:
        self._services = services
        self.tenant_id = f"c-{uuid.uuid4().hex[:10]}"
        self.on_hand = on_hand
        self.says_everything_twice = False
        self.defects: list[str] = []
        self.order_ids: list[str] = []
        self._provider = requests.Session()
        self._headers = {"Authorization": f"Bearer {services.token(self.tenant_id)}"}
        self.hub = Hub(app=APP, time="skip", starts_at=datetime.now(UTC), settings=services.settings, timeout_s=60)
        try:
            on_loop(self._furnish(settings))
        except BaseException:
            self.hub.close()
            raise

    def close(self) -> None:
        self._provider.close()
        self.hub.close()

    async def _furnish(self, settings: dict[str, Any]) -> None:
        at = datetime.now(UTC)

        async def stock_up(sku: str, pieces: int) -> None:
            product = Product(
                sku=sku,
                name=sku,
                unit_amount_minor=PRICES[sku],
                currency="EUR",
                warehouse=WAREHOUSES[sku],
                updated_at=at,
            )
            await products.put(self.tenant_id, product, lambda _: True)
            wish = Adjustment(key=uuid.uuid4().hex, body_hash="", delta=pieces, reason="goods in", actor="u-1", at=at)
            await stock.adjust(self.tenant_id, sku, wish)

        await asyncio.gather(*(stock_up(sku, pieces) for sku, pieces in self.on_hand.items()))
        if settings:
            chosen = TenantSettings.model_validate(settings, by_name=True, strict=False)
            await tenants.put(self.tenant_id, chosen, None)

    # People

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        """Status and body of the answer, once there is one."""
        headers = {**self._headers, "Idempotency-Key": key or uuid.uuid4().hex}
        answer = self._answer(method, path, body, headers)
        if self.says_everything_twice:
            self._answer(method, path, body, headers)
        return answer

    def _answer(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        for _ in range(_ATTEMPTS):
            try:
                reply = self.hub.http(method, f"/api{path}", json=body, headers=headers)
            except (HubCrashed, aiohttp.ClientError):
                continue
            if reply.status < 500:
                return reply.status, reply.json() if reply.content else None
            if DEFECT in reply.text:
                self.defects.append(f"{method} {path}: {reply.text}")
            self.hub.advance(_BETWEEN_ATTEMPTS)
        raise AssertionError(f"{method} {path} was never answered")

    def place(self, lines: dict[str, int], card: str = "pm_card_visa", key: str | None = None, **changes: Any) -> str:
        """Place an order; its id."""
        body = {
            "customerId": "c-17",
            "currency": "EUR",
            "paymentMethod": card,
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()],
            "shipTo": ADDRESS,
        }
        status, answer = self.call("POST", "/v1/orders", body | changes, key)
        assert status == 202, answer
        self.order_ids.append(answer["orderId"])
        return str(answer["orderId"])

    def cancel(self, order_id: str) -> int:
        return self.call("POST", f"/v1/orders/{order_id}/cancel", {"note": "changed my mind"})[0]

    def decide(self, order_id: str, *, approved: bool) -> int:
        return self.call("POST", f"/v1/orders/{order_id}/approval", {"approved": approved})[0]

    def answer_shortage(self, order_id: str, decision: str, **lines: int) -> int:
        amended = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
        body = {"decision": decision, **({"lines": amended} if amended else {})}
        return self.call("POST", f"/v1/orders/{order_id}/shortage", body)[0]

    def report(self, order_id: str, number: int, status: str) -> int:
        """What the carrier says of the order's parcel of this number (from 1)."""
        path = f"/v1/orders/{order_id}/shipments/{order_id}-{number}/events"
        return self.call("POST", path, {"status": status})[0]

    def send_back(self, order_id: str, lines: dict[str, int]) -> str | None:
        """Announce a return; its id, None when it is refused."""
        wish = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()], "reason": "too much"}
        status, answer = self.call("POST", f"/v1/orders/{order_id}/returns", wish)
        return str(answer["returnId"]) if status == 202 else None

    def report_return(self, return_id: str, status: str) -> int:
        return self.call("POST", f"/v1/returns/{return_id}/events", {"status": status})[0]

    def adjust(self, sku: str, delta: int) -> bool:
        """Change what is on hand; False when that would break a promise."""
        done = self.call("POST", f"/v1/products/{sku}/stock", {"delta": delta, "reason": "counted"})[0] == 200
        if done:
            self.on_hand[sku] += delta
        return done

    def replay(self, letter: DeadLetter) -> int:
        return self.call("POST", f"/v1/dead-letters/{letter.letter_id}/replay")[0]

    # Time

    def until(self, probe: Callable[[], T | None], what: str) -> T:
        """Let time pass, in small steps, until there is an answer."""
        for _ in range(_STEPS):
            if answer := probe():
                return answer
            self.hub.advance(_STEP)
        waits = "\n".join(instance.waits_for() for instance in self.instances())
        raise AssertionError(f"{what} never came\n{waits}")

    def until_order(self, order_id: str, *statuses: str) -> Order:
        def probe() -> Order | None:
            order = self.order(order_id)
            return order if order.status in statuses else None

        return self.until(probe, f"order in {statuses}")

    def until_parcel(self, order_id: str, number: int, *statuses: str) -> Shipment:
        shipment_id = f"{order_id}-{number}"

        def probe() -> Shipment | None:
            found = self._stored(order_id).shipments
            return next((each for each in found if each.shipment_id == shipment_id and each.status in statuses), None)

        return self.until(probe, f"parcel {number} in {statuses}")

    def until_ended(self, instance_id: str) -> None:
        """Until an instance has ended, with its children; time may jump."""
        self.hub.wait(instance_id, within=timedelta(days=3))

    # What has become of things

    def stage(self, order_id: str) -> str:
        """Where the order's saga says that it stands."""
        shown = self.hub.instance(fulfil_instance_id(self.tenant_id, order_id)).custom_status
        return str(shown["stage"])

    def instances(self) -> list[Orchestration]:
        prefixes = [
            prefix
            for order_id in self.order_ids
            for prefix in (
                fulfil_instance_id(self.tenant_id, order_id),
                ship_instance_id(self.tenant_id, order_id, ""),
                return_instance_id(self.tenant_id, order_id, ""),
            )
        ]
        return [instance for prefix in prefixes for instance in self.hub.instances(prefix)]

    def order(self, order_id: str) -> Order:
        return self._stored(order_id).order

    def dossier(self, order_id: str) -> Dossier:
        found = self._stored(order_id)
        answer = self._provider.get(f"{self._services.endpoints['payments']}/_sandbox/ledger/{order_id}", timeout=10)
        found.ledger = answer.json() if answer.ok else {}
        return found

    def _stored(self, order_id: str) -> Dossier:
        kinds: dict[str, list[Any]] = {}
        for row in on_loop(rows("orders", [self.tenant_id, order_id])):
            kinds.setdefault(row["kind"], []).append(row)
        return Dossier(
            Order.model_validate(kinds["order"][0]),
            [Event.model_validate(row) for kind in ("event", "payment") for row in kinds.get(kind, [])],
            [Shipment.model_validate(row) for row in kinds.get("shipment", [])],
            [Return.model_validate(row) for row in kinds.get("return", [])],
        )

    def shelves(self) -> dict[str, Shelf]:
        catalog = on_loop(rows("catalog", [self.tenant_id]))
        found = {}
        for sku in self.on_hand:
            mine = [row for row in catalog if row["sku"] == sku]
            on_shelf = next(Stock.model_validate(row) for row in mine if row["kind"] == "stock")
            held = [Reservation.model_validate(row) for row in mine if row["kind"] == "reservation"]
            found[sku] = Shelf(on_shelf, held)
        return found

    def letters(self) -> list[DeadLetter]:
        return on_loop(dead_letters.find_all(self.tenant_id, 100))


async def rows(container: str, key: list[str]) -> list[dict[str, Any]]:
    """All documents of a partition, or below the first parts of its key."""
    return [row async for row in Container(container).query("SELECT * FROM c", key=key)]
