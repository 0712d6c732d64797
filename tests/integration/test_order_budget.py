"""What an order costs until it is confirmed, and that saving reads never means deciding on what is no longer true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from activities.assess_risk import assess_risk
from activities.authorise_payment import authorise_payment
from activities.price_order import price_order
from activities.record_transition import record_transition
from activities.reserve_stock import reserve_stock
from adapters import orders
from adapters.cosmos import Container
from adapters.spending import spending
from domain.orders import Order
from tests.integration.conftest import AnOrder, StockUp, a_step, an_order_request
from triggers.placement import Placing, place_once

BUDGET_RU = 80
BERLIN = {"TEA": {"unit_amount_minor": 1250, "warehouse": "berlin"}}


class Hub:
    """A task hub that starts nothing."""

    async def get_status(self, _: str) -> None: ...

    async def start_new(self, _: str, instance_id: str, __: Any) -> str:
        return instance_id


async def placed(tenant_id: str, key: str) -> Order:
    """A two-line order as the API takes it."""
    request = an_order_request(("TEA", 2), ("MUG", 1))
    claim = await place_once(Hub(), Placing(tenant_id, request, key, "u-1", "corr-1"))  # type: ignore[arg-type]  # a stand-in
    return (await orders.get(tenant_id, claim.order_id)).value


async def fulfilled_until_confirmed(order: Order) -> None:
    """The steps of the saga, as it takes them when all is well."""
    quote = await price_order(a_step(order))
    for item in quote["demand"]:
        assert (await reserve_stock(a_step(order, **item)))["outcome"] == "reserved"
    await assess_risk(a_step(order, total_minor=quote["total_minor"]))
    await record_transition(a_step(order, to="reserved", offers=quote["offers"]))
    asked = {"amount_minor": quote["total_minor"], "currency": "EUR", "idempotency_key": f"fulfil:{order.order_id}"}
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    held = await authorise_payment(a_step(order, **asked, payment_method="pm_card_visa", since=since))
    movement = {"kind": "authorisation", "key": f"fulfil:{order.order_id}", "currency": "EUR", **held}
    recorded = await record_transition(a_step(order, to="confirmed", movement=movement))
    assert recorded["status"] == "confirmed"


async def test_two_lines_cost_at_most_the_budget(tenant_id: str, stock_up: StockUp) -> None:
    for sku in ("TEA", "MUG"):
        await stock_up(sku, 10)
    await fulfilled_until_confirmed(await placed(tenant_id, "k-1"))
    with spending() as spent:
        order = await placed(tenant_id, "k-2")
        await fulfilled_until_confirmed(order)

    assert spent.ru is not None
    assert 50 < spent.ru - 1 <= BUDGET_RU  # one read is the test's own


async def changed_elsewhere(order: Order, **fields: Any) -> None:
    """Another process stores the order in another state."""
    container = Container("orders")
    key = [order.tenant_id, order.order_id]
    document = await container.read(order.order_id, key)
    await container.replace({**document, **fields}, document["_etag"])


async def test_step_after_another_process_cancelled_finds_the_order_decided(an_order: AnOrder) -> None:
    order = await an_order(("TEA", 2))
    await record_transition(a_step(order, to="reserved"))
    await changed_elsewhere(order, status="cancelled")

    assert await record_transition(a_step(order, to="confirmed")) == {"outcome": "decided", "status": "cancelled"}


async def test_step_that_was_impossible_from_what_was_in_mind_is_decided_on_what_is_stored(an_order: AnOrder) -> None:
    order = await an_order(("TEA", 2))
    stale = orders._in_mind[order.tenant_id, order.order_id]
    await record_transition(a_step(order, to="reserved", offers=BERLIN))
    orders._in_mind[order.tenant_id, order.order_id] = stale

    recorded = await record_transition(a_step(order, to="confirmed"))

    assert (recorded["outcome"], recorded["status"]) == ("recorded", "confirmed")


async def test_step_that_seemed_done_is_done_when_it_was_not(an_order: AnOrder) -> None:
    order = await an_order(("TEA", 2))
    await record_transition(a_step(order, to="reserved"))
    await changed_elsewhere(order, status="pending", version=1)
    await Container("orders").batch([order.tenant_id, order.order_id], [("delete", ("e:reserved",))])

    await record_transition(a_step(order, to="reserved"))

    assert (await orders.get(order.tenant_id, order.order_id)).value.status == "reserved"
