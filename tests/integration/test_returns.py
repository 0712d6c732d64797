"""Announcing returns against what is stored of an order's parcels and payments."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from activities.book_shipment import book_shipment
from activities.capture_payment import capture_payment
from activities.record_movement import record_movement
from activities.record_shipment import record_shipment
from activities.record_transition import record_transition
from domain.errors import Rejected
from domain.names import fulfil_instance_id, idempotency_key, ship_instance_id
from domain.orders import Order
from domain.returns import RequestReturn
from tests.integration.conftest import AnOrder, a_step
from tests.integration.provider import Provider
from triggers.returning import Announcement, announce_once

OFFERS = {
    "MUG": {"unit_amount_minor": 1800, "warehouse": "porto"},
    "TEA": {"unit_amount_minor": 1250, "warehouse": "berlin"},
}


class Hub:
    """A task hub that has heard of every instance."""

    async def get_status(self, *_: str, **__: bool) -> Any:
        return SimpleNamespace(runtime_status=SimpleNamespace(value="Running"))


@pytest.fixture
async def confirmed(an_order: AnOrder) -> Order:
    """Two teas from berlin in parcel 1, a mug from porto in parcel 2."""
    order: Order = await an_order(("TEA", 2), ("MUG", 1))
    key = idempotency_key(fulfil_instance_id(order.tenant_id, order.order_id), "authorise_payment")
    held = {"kind": "authorisation", "key": key, "provider_id": "pi_1", "amount_minor": 4300, "currency": "EUR"}
    await record_transition(a_step(order, to="reserved", offers=OFFERS))
    await record_transition(a_step(order, to="confirmed", movement=held))
    for number in (1, 2):
        await book_shipment(a_step(order, shipment_id=f"{order.order_id}-{number}"))
    return order


async def moves(order: Order, number: int, *statuses: str) -> None:
    for status in statuses:
        step = a_step(order, shipment_id=f"{order.order_id}-{number}", to=status, actor="carrier-1")
        assert (await record_shipment(step))["outcome"] == "recorded"


async def is_paid(order: Order, number: int, amount_minor: int) -> None:
    shipment_id = f"{order.order_id}-{number}"
    key = idempotency_key(ship_instance_id(order.tenant_id, order.order_id, shipment_id), "capture_payment")
    taken = {"kind": "capture", "key": key, "provider_id": "pi_1", "amount_minor": amount_minor, "currency": "EUR"}
    await record_movement(a_step(order, movement=taken))


async def announced(order: Order, return_id: str, **wanted: int) -> dict[str, int]:
    """What the customer is to get back for each SKU."""
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()]
    wish = RequestReturn.model_validate({"lines": lines, "reason": "too many"})
    told = Announcement(order.tenant_id, order.order_id, f"{order.order_id}-{return_id}", wish, "c-17", "corr-1")
    returned = await announce_once(Hub(), told)  # type: ignore[arg-type]  # a stand-in
    return {line.sku: line.amount_minor for line in returned.lines}


async def test_parcel_whose_capture_was_refused_brings_back_nothing_of_what_another_has_paid(confirmed: Order) -> None:
    for number in (1, 2):
        await moves(confirmed, number, "shipped", "delivered")
    await is_paid(confirmed, 1, 2500)

    assert await announced(confirmed, "r1", MUG=1, TEA=1) == {"MUG": 0, "TEA": 1250}
    assert await announced(confirmed, "r2", TEA=1) == {"TEA": 1250}


async def test_later_parcel_of_a_card_that_paid_for_all_with_the_first_is_paid_for(confirmed: Order) -> None:
    for number in (1, 2):
        await moves(confirmed, number, "shipped", "delivered")
    await is_paid(confirmed, 1, 4300)
    await is_paid(confirmed, 2, 0)

    assert await announced(confirmed, "r1", MUG=1) == {"MUG": 1800}


async def test_nothing_comes_back_before_the_last_parcel_has_arrived(confirmed: Order) -> None:
    await moves(confirmed, 1, "shipped", "delivered")
    await is_paid(confirmed, 1, 2500)
    with pytest.raises(Rejected, match="which is partially_shipped: all of its parcels must have arrived first"):
        await announced(confirmed, "r1", TEA=1)

    await moves(confirmed, 2, "shipped")
    with pytest.raises(Rejected, match="which is shipped"):
        await announced(confirmed, "r1", TEA=1)

    await moves(confirmed, 2, "lost")
    assert await announced(confirmed, "r1", TEA=1) == {"TEA": 1250}


@pytest.mark.parametrize("fate", ["lost", "sent back", "kept"])
async def test_capture_that_was_refused_is_not_made_up_for_what_the_customer_does_not_keep(
    confirmed: Order, provider: Provider, fate: str
) -> None:
    for number in (1, 2):
        await moves(confirmed, number, "shipped", "lost" if (number, fate) == (2, "lost") else "delivered")
    await is_paid(confirmed, 1, 2500)
    if fate == "sent back":
        assert await announced(confirmed, "r1", MUG=1) == {"MUG": 0}
    held = await provider.sdk.v1.payment_intents.create_async(
        {"amount": 1800, "currency": "eur", "confirm": True, "capture_method": "manual",
         "payment_method": "pm_card_visa", "metadata": {"order_id": confirmed.order_id}}
    )  # fmt: skip
    payment = {"provider_id": held.id, "currency": "EUR"}
    again = {"shipment_id": f"{confirmed.order_id}-2", "idempotency_key": "k", "amount_minor": 1800, "attempt": 2}

    answer = await capture_payment(a_step(confirmed, **again, payment=payment))

    assert answer["outcome"] == ("captured" if fate == "kept" else "refused")
    assert (await provider.ledger(confirmed.order_id))["captured"] == (1800 if fate == "kept" else 0)
