"""What reaches a user's orders: their new address, and their wish to be forgotten, which reaches the user first."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from activities.book_shipment import book_shipment
from activities.change_address import change_address
from activities.erase_order import erase_order
from activities.find_user_orders import find_user_orders
from activities.record_shipment import record_shipment
from activities.record_transition import record_transition
from adapters import orders, shipments, views
from adapters.cosmos import Container, Versioned
from domain.orders import Order, OrderStatus
from domain.returns import RequestReturn
from domain.shipments import Shipment
from tests.integration.conftest import AnOrder, a_step
from tests.integration.people import ADA, BERLIN, PORTO, RegisteringHub, Shop, a_user_step, feed
from triggers.returning import Announcement, announce_once

OFFER = {
    "TEA": {"unit_amount_minor": 1250, "warehouse": "berlin"},
    "MUG": {"unit_amount_minor": 900, "warehouse": "porto"},
}


async def confirmed(order: Order) -> None:
    """Bring the order to `confirmed`, paid."""
    held = {"kind": "authorisation", "provider_id": "pi_1", "amount_minor": 3400, "currency": "EUR"}
    key = f"fulfil:{order.tenant_id}:{order.order_id}:authorise_payment"
    await record_transition(a_step(order, to="reserved", offers=OFFER))
    await record_transition(a_step(order, to="confirmed", movement={**held, "key": key}))


def about(order: Order) -> dict[str, Any]:
    told = {"tenant_id": order.tenant_id, "user_id": "c-17", "order_id": order.order_id, "correlation_id": "corr-2"}
    return a_user_step("address:x:c-17:v1", told)


async def delivered(order: Order) -> None:
    """Bring the order to its end, in one parcel."""
    await confirmed(order)
    parcel_id = f"{order.order_id}-1"
    await book_shipment(a_step(order, shipment_id=parcel_id))
    for status in ("shipped", "delivered"):
        await record_shipment(a_step(order, shipment_id=parcel_id, to=status, actor="carrier-1"))


async def test_new_address_reaches_an_order_and_its_waiting_parcel_but_not_the_one_that_left(
    shop: Shop, an_order: AnOrder
) -> None:
    order = await an_order(("TEA", 2), ("MUG", 1))
    await confirmed(order)
    first, second = (f"{order.order_id}-{number}" for number in (1, 2))
    for parcel_id in (first, second):
        await book_shipment(a_step(order, shipment_id=parcel_id))
    await record_shipment(a_step(order, shipment_id=first, to="shipped", actor="carrier-1"))
    await shop.register(address=BERLIN)
    assert await change_address(about(order)) == {"outcome": "unchanged"}
    await shop.patch(address=PORTO)

    outcomes = [await change_address(about(order)) for _ in range(2)]

    assert outcomes == [{"outcome": "changed"}, {"outcome": "unchanged"}]
    after = (await orders.get(order.tenant_id, order.order_id)).value
    assert (after.ship_to.city, after.address_version, after.status) == ("Porto", 1, "partially_shipped")
    parcels = {
        stored.value.shipment_id: stored.value for stored in await shipments.of_order(order.tenant_id, order.order_id)
    }
    assert (parcels[first].ship_to.city, parcels[second].ship_to.city) == ("Berlin", "Porto")
    timeline = await orders.timeline(order.tenant_id, order.order_id)
    assert [event.actor for event in timeline if event.name == "address_changed:v1"] == ["propagate_address"]


async def test_parcel_that_is_booked_while_the_address_changes_gets_the_new_one(
    shop: Shop, an_order: AnOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await an_order(("TEA", 2))
    await confirmed(order)
    await shop.register(address=BERLIN)
    await shop.patch(address=PORTO)
    parcel_id = f"{order.order_id}-1"
    read = shipments.of_order

    async def too_early(tenant_id: str, order_id: str) -> list[Versioned[Shipment]]:
        found = await read(tenant_id, order_id)
        monkeypatch.setattr(shipments, "of_order", read)
        await book_shipment(a_step(order, shipment_id=parcel_id))
        return found

    monkeypatch.setattr(shipments, "of_order", too_early)
    assert await change_address(about(order)) == {"outcome": "changed"}

    parcel = await shipments.get(order.tenant_id, order.order_id, parcel_id)
    assert parcel.value.ship_to.city == "Porto"


async def test_two_runs_at_once_change_an_order_once(shop: Shop, an_order: AnOrder) -> None:
    order = await an_order()
    await shop.register()
    await shop.patch(address=PORTO)

    await asyncio.gather(*(change_address(about(order)) for _ in range(3)), return_exceptions=True)

    timeline = await orders.timeline(order.tenant_id, order.order_id)
    assert [event.name for event in timeline] == ["placed", "address_changed:v1"]


async def test_orders_are_found_by_status_page_by_page(
    shop: Shop, an_order: AnOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[find_user_orders.__module__], "PAGE", 2)
    order = await an_order()
    for number, status in enumerate(map(OrderStatus, ("confirmed", "confirmed", "delivered", "pending"))):
        await views.put_order(order.tenant_id, order.model_copy(update={"order_id": f"o-{number}", "status": status}))
    given = {**about(order), "statuses": ["pending", "confirmed"]}

    first = await find_user_orders(given)
    second = await find_user_orders({**given, "before": first["next"]})

    assert (first["order_ids"], first["next"]) == (["o-3", "o-1"], "o-1")
    assert (second["order_ids"], second["next"]) == (["o-0"], None)


async def test_order_that_a_sweep_missed_is_caught_up_by_its_row(shop: Shop, an_order: AnOrder) -> None:
    order = await an_order()
    await shop.register()
    address, erasure = f"address:{shop.tenant_id}:c-17:v1:{order.order_id}", f"erase:{shop.tenant_id}:c-17"

    assert len(await shop.project(order)) == 1
    await shop.patch(address=PORTO)
    assert (await shop.project(order))[1:] == [address]
    await change_address(about(order))
    assert (await shop.project(order))[1:] == [address]
    await shop("DELETE", "/v1/users/c-17")
    assert (await shop.project(order))[2:] == [erasure, f"{erasure}:{order.order_id}"]


async def test_what_catches_an_order_up_looks_at_no_other(shop: Shop, an_order: AnOrder) -> None:
    order = await an_order()
    await shop.register()
    await shop.patch(address=PORTO)
    await shop.follow()
    [*_, instance_id] = await shop.project(order)

    assert "progress" not in shop.hub.started[f"address:{shop.tenant_id}:c-17:v1"]
    assert shop.hub.started[instance_id]["progress"] == {"sweeps": 0, "left": [order.order_id]}


async def test_erased_user_is_gone_at_once_and_the_email_is_free(shop: Shop) -> None:
    await shop.register(address=BERLIN)

    first = await shop("DELETE", "/v1/users/c-17", as_="customer c-17")
    again = await shop("DELETE", "/v1/users/c-17")

    assert (first.status, again.status, again.body) == (202, 202, first.body)
    assert first.body["id"] == f"erase:{shop.tenant_id}:c-17"
    document = json.dumps(await Container("users").read("c-17", [shop.tenant_id]))
    assert not [personal for personal in ("Ada", "example.com", "Linden", "Berlin") if personal in document]
    assert (await shop("GET", "/v1/users/c-17")).status == 404
    assert (await shop("PATCH", "/v1/users/c-17", {"name": "x"}, if_match="*")).status == 404
    assert (await shop.register("c-18", email="c-17@example.com")).status == 201
    assert (await shop("POST", "/v1/users", {**ADA, "userId": "c-17"}, idempotency_key="anew")).status == 409
    assert (await shop("DELETE", "/v1/users/nobody")).status == 404


async def test_nobody_can_keep_another_from_being_erased(shop: Shop) -> None:
    await shop.register("c-17")
    await shop.register("c-18", email="c-17@erased.invalid")

    assert (await shop("DELETE", "/v1/users/c-17")).status == 202


async def test_customer_who_never_registered_is_forgotten_all_the_same(shop: Shop, an_order: AnOrder) -> None:
    order = await an_order()
    assert (await shop("DELETE", "/v1/users/c-17")).status == 404
    await shop.project(order)

    first = await shop("DELETE", "/v1/users/c-17", as_="customer c-17")
    again = await shop("DELETE", "/v1/users/c-17")

    assert (first.status, again.body) == (202, first.body)
    assert await shop.follow() == [f"erase:{shop.tenant_id}:c-17"]
    assert f"erase:{shop.tenant_id}:c-17:{order.order_id}" in await shop.project(order)
    assert (await shop("GET", "/v1/users/c-17")).status == 404
    assert (await shop.register("c-17")).status == 409


async def test_order_is_erased_once_it_has_ended_with_everything_beside_it(shop: Shop, an_order: AnOrder) -> None:
    order = await an_order(("TEA", 2), email="ada@example.com", reference="for Ada")
    assert await erase_order(about(order)) == {"outcome": "under_way"}
    await delivered(order)
    await announce(order, "Ada has moved")

    outcomes = [await erase_order(about(order)) for _ in range(2)]
    await announce(order, "Ada has moved")

    assert outcomes == [{"outcome": "erased"}, {"outcome": "already_erased"}]
    assert await personal_in(shop, order) == []
    after = (await orders.get(order.tenant_id, order.order_id)).value
    assert (after.total_minor, after.lines[0].quantity, after.ship_to.country) == (2500, 2, "DE")


async def test_return_of_an_erased_order_keeps_no_words(shop: Shop, an_order: AnOrder) -> None:
    order = await an_order(("TEA", 2))
    await delivered(order)
    await erase_order(about(order))

    for _ in range(2):
        await announce(order, "Ada has moved")

    assert await personal_in(shop, order) == []


async def announce(order: Order, reason: str) -> None:
    """A return that its customer explains."""
    wish = {"lines": [{"sku": "TEA", "quantity": 1}], "reason": reason}
    request = RequestReturn.model_validate_json(json.dumps(wish))
    told = Announcement(order.tenant_id, order.order_id, f"{order.order_id}-r1", request, "c-17", "corr-3")
    await announce_once(RegisteringHub(), told)  # type: ignore[arg-type]  # a stand-in


async def personal_in(shop: Shop, order: Order) -> list[str]:
    """What is still known of the person in the order, beside it, and in the view."""
    await shop.project(order)
    rows = [*await feed("orders", [order.tenant_id, order.order_id]), *await feed("views", [order.tenant_id])]
    left = json.dumps([row.to_dict() for row in rows])
    return [personal for personal in ("Ada", "ada@", "Linden", "10117", "Berlin", "pm_card") if personal in left]
