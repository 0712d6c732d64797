"""Activity `change_address`."""

from __future__ import annotations

from adapters import orders, shipments, users
from adapters.orders import Changed
from domain.addresses import is_due, readdressed, redirected
from domain.changes import Change
from domain.names import PROPAGATE_ADDRESS
from domain.orders import Order
from domain.shapes import JsonObject
from domain.users import UserOrderStep


async def change_address(payload: JsonObject) -> JsonObject:
    """Give one order its customer's address as it is now: order, parcels that have not left, and timeline event.

    In      {"tenant_id", "user_id", "order_id", "correlation_id", "instance_id": str, "at": ISO 8601}
    Out     {"outcome": "changed" | "unchanged"}; unchanged when it has shipped, or was placed after the address changed
    Raises  Transient: 5 attempts, 2 s apart, then again with every sweep
    Twice   the order keeps the address's version: the same one, or an older one, changes nothing
    """
    step = UserOrderStep.model_validate(payload)
    user = await users.find(step.tenant_id, step.user_id)
    is_changed = False

    async def decide(order: Order) -> Changed | None:
        nonlocal is_changed
        is_changed = user is not None and is_due(order, user)
        if user is None or not is_changed:
            return None
        change = Change(
            to=order.status,
            at=max(step.at, order.updated_at),
            actor=PROPAGATE_ADDRESS,
            correlation_id=step.correlation_id,
        )
        after, event = readdressed(order, user, change)
        booked = await shipments.of_order(step.tenant_id, step.order_id)
        moved = [(redirected(parcel, after), parcel, etag) for parcel, etag in booked]
        beside = tuple(shipments.stored(new, etag) for new, old, etag in moved if new is not old)
        return Changed(after, event, beside)

    await orders.change(step.tenant_id, step.order_id, decide)
    return {"outcome": "changed" if is_changed else "unchanged"}
