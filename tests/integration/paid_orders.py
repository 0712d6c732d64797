"""Orders whose payments the provider can have something to say of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from activities.authorise_payment import authorise_payment
from activities.capture_payment import capture_payment
from activities.record_movement import record_movement
from activities.record_transition import record_transition
from activities.refund_payment import refund_payment
from adapters import dead_letters, orders
from domain.names import fulfil_instance_id, idempotency_key
from domain.orders import Order
from tests.integration.conftest import a_step
from tests.integration.hook import Json

BERLIN = {"unit_amount_minor": 1250, "warehouse": "berlin"}
TOTAL = 2500
HELD = "payment_intent.amount_capturable_updated"
CANCELED = "payment_intent.canceled"


def a_charge(order: Order, card: str) -> Json:
    key = idempotency_key(fulfil_instance_id(order.tenant_id, order.order_id), "authorise_payment")
    asked = {"amount_minor": TOTAL, "currency": "EUR", "payment_method": card, "idempotency_key": key}
    return a_step(order, **asked, since=(datetime.now(UTC) - timedelta(minutes=1)).isoformat())


async def confirmed(order: Order, card: str = "pm_card_visa") -> Json:
    """Hold the money and confirm the order; the payment."""
    charge = a_charge(order, card)
    held = await authorise_payment(charge)
    movement = {"kind": "authorisation", "key": charge["idempotency_key"], "currency": "EUR", **held}
    await record_transition(a_step(order, to="reserved", offers={"TEA": BERLIN}))
    await record_transition(a_step(order, to="confirmed", movement=movement))
    return {"provider_id": held["provider_id"], "currency": "EUR"}


async def captured(order: Order, payment: Json) -> None:
    key = f"ship:{order.tenant_id}:{order.order_id}:p-1:capture_payment"
    told = {"shipment_id": "p-1", "amount_minor": TOTAL, "idempotency_key": key, "payment": payment}
    taken = await capture_payment(a_step(order, **told))
    await record_movement(a_step(order, movement={**taken["movement"], "kind": "capture", "key": key}))


async def refunded(order: Order, payment: Json) -> Json:
    """Give everything back; the movement, not noted yet."""
    key = f"return:{order.tenant_id}:{order.order_id}:r-1:refund_payment"
    told = {"subject": "r-1", "amount_minor": TOTAL, "idempotency_key": key, "payment": payment}
    given = await refund_payment(a_step(order, **told))
    return {**given["movement"], "kind": "refund", "key": key}


async def now(order: Order) -> Order:
    return (await orders.get(order.tenant_id, order.order_id)).value


async def letters(order: Order) -> list[str]:
    return [letter.letter_id for letter in await dead_letters.find_all(order.tenant_id, 10)]


async def happened(order: Order) -> list[str]:
    """Names of what happened since the order was confirmed."""
    names = [event.name for event in await orders.timeline(order.tenant_id, order.order_id)]
    return names[names.index("confirmed") + 1 :]
