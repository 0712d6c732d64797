"""What follows a change: the view, the repair of lost starts, dead letters, and the timer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from activities.record_transition import record_transition
from activities.reserve_stock import reserve_stock
from adapters import stock, views
from adapters.cosmos import Container
from domain.errors import Defect, NotFound, Transient
from domain.orders import Order, OrderStatus
from tests.integration.conftest import AnOrder, StockUp, a_step
from triggers.change_feed import each_document, project_orders, start_unstarted_orders
from triggers.timer.release_expired_reservations import release_expired_reservations


def numbered(order: Order, number: int, **changes: Any) -> Order:
    """The same order under an id that sorts by its number."""
    return order.model_copy(update={"order_id": f"o-{number:03d}", **changes})


async def test_view_shows_the_newest_version_whatever_the_order_of_delivery(an_order: AnOrder) -> None:
    order = await an_order()
    newer = order.model_copy(update={"version": 3, "status": OrderStatus.CONFIRMED})

    shown = [await views.put_order(order.tenant_id, version) for version in (order, newer, order, newer)]

    assert shown == [True, True, False, False]
    rows = await views.orders(order.tenant_id, "c-17", None, None, 10)
    assert [(row.order_id, row.status) for row in rows] == [(order.order_id, "confirmed")]


async def test_list_goes_page_by_page_newest_first(an_order: AnOrder) -> None:
    order = await an_order()
    for number in range(5):
        await views.put_order(order.tenant_id, numbered(order, number))

    first = await views.orders(order.tenant_id, "c-17", None, None, 2)
    second = await views.orders(order.tenant_id, "c-17", None, first[-1].order_id, 2)
    third = await views.orders(order.tenant_id, "c-17", None, second[-1].order_id, 2)

    ids = [row.order_id for row in first + second + third]
    assert ids == ["o-004", "o-003", "o-002", "o-001", "o-000"]


async def test_list_of_a_tenant_holds_all_customers_and_no_other_tenant(an_order: AnOrder) -> None:
    order = await an_order()
    await views.put_order(order.tenant_id, numbered(order, 1))
    await views.put_order(order.tenant_id, numbered(order, 2, customer_id="c-18", status=OrderStatus.REJECTED))
    await views.put_order(f"{order.tenant_id}-b", numbered(order, 3))

    assert [row.order_id for row in await views.orders(order.tenant_id, None, None, None, 10)] == ["o-002", "o-001"]
    rejected = await views.orders(order.tenant_id, None, OrderStatus.REJECTED, None, 10)
    assert [row.customer_id for row in rejected] == ["c-18"]


async def documents_of(order: Order) -> func.DocumentList:
    """All documents of an order, as the feed delivers them."""
    rows = Container("orders").query("SELECT * FROM c", key=[order.tenant_id, order.order_id])
    return func.DocumentList([func.Document.from_dict({**row, "_lsn": 7}) async for row in rows])


async def test_feed_projects_orders_and_passes_over_their_events(an_order: AnOrder) -> None:
    order = await an_order()

    for _ in range(2):
        await project_orders.project_orders(await documents_of(order), FakeHub())  # type: ignore[arg-type]  # a fake hub

    assert [row.order_id for row in await views.orders(order.tenant_id, "c-17", None, None, 10)] == [order.order_id]


class FakeHub:
    """Remembers what was started."""

    def __init__(self) -> None:
        self.started: list[str] = []

    async def get_status(self, instance_id: str) -> bool:
        return instance_id in self.started

    async def start_new(self, name: str, instance_id: str, client_input: Any) -> str:
        assert (name, client_input["order_id"]) == ("fulfil_order", instance_id.split(":")[2])
        self.started.append(instance_id)
        return instance_id


async def test_feed_starts_a_pending_order_once_and_no_decided_one(an_order: AnOrder) -> None:
    pending, decided = await an_order(), await an_order()
    await record_transition(a_step(decided, to="rejected", reason="out_of_stock"))
    hub = FakeHub()

    for order in (pending, decided, pending):
        await start_unstarted_orders.start_unstarted_orders(await documents_of(order), hub)  # type: ignore[arg-type]  # a fake hub

    assert hub.started == [f"fulfil:{pending.tenant_id}:{pending.order_id}"]


async def test_bad_document_is_parked_and_the_rest_goes_on(an_order: AnOrder) -> None:
    bad, good = await an_order(), await an_order()
    broken = {"id": bad.order_id, "kind": "order", "tenantId": bad.tenant_id, "orderId": bad.order_id, "_lsn": 7}
    batch = func.DocumentList([func.Document.from_dict(broken), *(await documents_of(good))])

    for _ in range(2):
        await project_orders.project_orders(batch, FakeHub())  # type: ignore[arg-type]  # a fake hub

    assert await views.orders(good.tenant_id, "c-17", None, None, 10)
    letter = await Container("operations").read(f"project_orders:{bad.order_id}:7", bad.tenant_id)
    assert letter["payload"] == {"container": "orders", "id": bad.order_id, "_lsn": 7}
    assert "ValidationError" in letter["reason"]


async def test_fault_of_the_whole_batch_is_raised_for_the_retry_policy(an_order: AnOrder) -> None:
    order = await an_order()

    async def down(_: Any) -> None:
        raise Transient("the database is down")

    with pytest.raises(Transient):
        await each_document.each_document("x", (dict(document) for document in await documents_of(order)), down)
    with pytest.raises(NotFound):
        await Container("operations").read(f"x:{order.order_id}:7", order.tenant_id)


class Tick(func.TimerRequest):
    """The host's timer, as it goes off."""

    past_due = False


async def test_timer_releases_what_is_not_needed_and_holds_the_rest_for_longer(
    stock_up: StockUp, an_order: AnOrder, tenant_id: str
) -> None:
    await stock_up("TEA", 10)
    called_off, wanted, quick = await an_order(), await an_order(), await an_order()
    long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    for order in (called_off, wanted):
        await reserve_stock({**a_step(order, sku="TEA", quantity=2), "at": long_ago})
    await reserve_stock(a_step(quick, sku="TEA", quantity=1))
    await reserve_stock({**a_step(wanted, sku="TEA", quantity=3), "order_id": "no-such-order", "at": long_ago})
    await record_transition(a_step(called_off, to="rejected", reason="payment_declined"))

    await release_expired_reservations(Tick())

    assert (await stock.get(tenant_id, "TEA")).value.reserved == 3
    expired = [held async for held in stock.expired_reservations(datetime.now(UTC)) if held.tenant_id == tenant_id]
    assert expired == []


async def test_reservation_that_cannot_be_settled_keeps_no_other_from_it(
    stock_up: StockUp, an_order: AnOrder, tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stock_up("TEA", 10)
    long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    first, second = await an_order(), await an_order()
    for order in (first, second):
        await reserve_stock({**a_step(order, sku="TEA", quantity=2), "at": long_ago})
        await record_transition(a_step(order, to="rejected", reason="payment_declined"))
    release, refused = stock.release, []

    async def refuse_the_first(tenant: str, sku: str, order_id: str) -> bool:
        if not refused:
            refused.append(order_id)
            raise Defect("the stock document is gone")
        return await release(tenant, sku, order_id)

    monkeypatch.setattr(stock, "release", refuse_the_first)
    await release_expired_reservations(Tick())

    assert (await stock.get(tenant_id, "TEA")).value.reserved == 2
