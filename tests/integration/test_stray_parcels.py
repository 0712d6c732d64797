"""Carriers who tell of a parcel that was called back."""

from __future__ import annotations

from datetime import UTC, datetime

from activities.book_shipment import book_shipment
from activities.cancel_shipments import cancel_shipments
from activities.flag_order import flag_order
from activities.park_dead_letter import park_dead_letter
from activities.record_transition import record_transition
from adapters import attention, dead_letters, orders
from adapters.dead_letters import Handling, Outcome
from domain.names import fulfil_instance_id, idempotency_key, ship_instance_id
from domain.orders import Order
from tests.integration.api import Api
from tests.integration.conftest import AnOrder, a_step

OFFERS = {"TEA": {"unit_amount_minor": 1250, "warehouse": "berlin"}}


async def called_back(an_order: AnOrder) -> tuple[Order, str]:
    """A cancelled order, and its parcel, which was booked before."""
    order: Order = await an_order(("TEA", 2))
    shipment_id = f"{order.order_id}-1"
    key = idempotency_key(fulfil_instance_id(order.tenant_id, order.order_id), "authorise_payment")
    held = {"kind": "authorisation", "key": key, "provider_id": "pi_1", "amount_minor": 2500, "currency": "EUR"}
    await record_transition(a_step(order, to="reserved", offers=OFFERS))
    await record_transition(a_step(order, to="confirmed", movement=held))
    await book_shipment(a_step(order, shipment_id=shipment_id))
    assert (await cancel_shipments(a_step(order, actor="c-17")))["outcome"] == "cancelled"
    return order, shipment_id


async def test_parcel_that_left_after_it_was_called_back_calls_a_person_once(api: Api, an_order: AnOrder) -> None:
    order, shipment_id = await called_back(an_order)
    path, carrier = f"/v1/orders/{order.order_id}/shipments/{shipment_id}/events", f"{order.tenant_id} carrier k-1"

    replies = [await api("POST", path, {"status": status}, as_=carrier) for status in ("shipped", "shipped", "lost")]

    assert [reply.status for reply in replies] == [409] * 3
    [letter] = await dead_letters.find_all(order.tenant_id, 10)
    assert (letter.source, letter.reason, letter.order_id) == (
        "record_shipment",
        "a cancelled parcel has left",
        order.order_id,
    )
    assert (await orders.get(order.tenant_id, order.order_id)).value.needs_attention
    flags = [event for event in await orders.timeline(order.tenant_id, order.order_id) if "attention" in event.type]
    assert [(flag.subject, flag.actor) for flag in flags] == [(shipment_id, "k-1")]
    assert api.hub.done == []


async def test_what_its_workflow_has_found_is_not_said_again(api: Api, an_order: AnOrder) -> None:
    order, shipment_id = await called_back(an_order)
    instance_id = ship_instance_id(order.tenant_id, order.order_id, shipment_id)
    fault = "a cancelled parcel has left"
    await park_dead_letter(a_step(order, instance_id=instance_id, step="record_shipment", payload={}, fault=fault))
    await flag_order(a_step(order, detail=fault, subject=shipment_id))
    before = await orders.timeline(order.tenant_id, order.order_id)

    path = f"/v1/orders/{order.order_id}/shipments/{shipment_id}/events"
    await api("POST", path, {"status": "shipped"}, as_=f"{order.tenant_id} carrier k-1")

    assert await orders.timeline(order.tenant_id, order.order_id) == before
    assert len(await dead_letters.find_all(order.tenant_id, 10)) == 1


async def test_letter_that_was_discarded_is_not_opened_by_a_carrier_who_goes_on_telling(
    api: Api, an_order: AnOrder
) -> None:
    order, shipment_id = await called_back(an_order)
    path, carrier = f"/v1/orders/{order.order_id}/shipments/{shipment_id}/events", f"{order.tenant_id} carrier k-1"
    await api("POST", path, {"status": "shipped"}, as_=carrier)
    [letter] = await dead_letters.find_all(order.tenant_id, 10)
    handling = Handling(at=datetime.now(UTC), actor="admin-1", outcome=Outcome.DISCARDED, detail="came back")
    await attention.settle(order.tenant_id, letter.letter_id, handling, "corr-1")

    await api("POST", path, {"status": "delivered"}, as_=carrier)

    [letter] = await dead_letters.find_all(order.tenant_id, 10)
    assert letter.status == "discarded"
    assert not (await orders.get(order.tenant_id, order.order_id)).value.needs_attention
