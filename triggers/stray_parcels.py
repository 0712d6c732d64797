"""A parcel that was called back, and of which a carrier tells all the same: its goods are out of the house, unpaid.

While the parcel's workflow runs it finds that out itself. It ends when the order has been cancelled, so what a carrier
tells later is kept here, under the same names: whoever finds it, a person is called once.
"""

from __future__ import annotations

from datetime import UTC, datetime

from adapters import attention, dead_letters, orders
from adapters.dead_letters import DeadLetter
from domain.names import RECORD_SHIPMENT, idempotency_key, ship_instance_id
from domain.orders import NEEDS_ATTENTION
from domain.shapes import utc_text
from domain.shipments import Shipment, ShipmentStatus

HAS_LEFT = "a cancelled parcel has left"


async def call_a_person(parcel: Shipment, actor: str, correlation_id: str) -> None:
    """Keep a dead letter, then flag the order; what has been flagged is not opened again. Raises Transient."""
    if await orders.has_event(parcel.tenant_id, parcel.order_id, f"{NEEDS_ATTENTION}:{parcel.shipment_id}"):
        return
    at = datetime.now(UTC)
    about = {"tenant_id": parcel.tenant_id, "order_id": parcel.order_id, "correlation_id": correlation_id}
    told = {"shipment_id": parcel.shipment_id, "to": ShipmentStatus.SHIPPED, "actor": actor, "at": utc_text(at)}
    instance_id = ship_instance_id(parcel.tenant_id, parcel.order_id, parcel.shipment_id)
    letter = DeadLetter(
        letter_id=idempotency_key(instance_id, RECORD_SHIPMENT),
        source=RECORD_SHIPMENT,
        order_id=parcel.order_id,
        payload={**about, **told},
        reason=HAS_LEFT,
        correlation_id=parcel.correlation_id,
        at=at,
    )
    await dead_letters.park(parcel.tenant_id, letter)
    await attention.note(
        parcel.tenant_id,
        parcel.order_id,
        subject=parcel.shipment_id,
        detail=HAS_LEFT,
        actor=actor,
        at=at,
        correlation_id=correlation_id,
    )
