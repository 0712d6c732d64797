"""A user's new address on orders that were placed before it changed, and are not all on their way yet."""

from __future__ import annotations

from domain.changes import Change, transition
from domain.errors import Defect
from domain.orders import CANCELLABLE, Event, Order, OrderStatus
from domain.shipments import Shipment, ShipmentStatus
from domain.users import User, UserStatus

UNSHIPPED = CANCELLABLE | {OrderStatus.PARTIALLY_SHIPPED}
"""Statuses in which a parcel of an order may still wait for its label."""

ADDRESS_CHANGED = "address_changed"


def is_due(order: Order, user: User) -> bool:
    """Whether the user's address is to replace the order's.

    An order that was placed after the change has the address that was meant for it. Versions only go up, so a late
    repeat never brings an older address back.
    """
    return (
        user.status is not UserStatus.ERASED
        and user.address is not None
        and user.address_changed_at is not None
        and order.placed_at <= user.address_changed_at
        and order.address_version < user.address_version
        and order.status in UNSHIPPED
    )


def readdressed(order: Order, user: User, change: Change) -> tuple[Order, Event]:
    """The order with the user's address; `change` says when and on whose behalf."""
    if user.address is None:
        raise Defect(f"user {user.user_id} has no address to send order {order.order_id} to")
    version = user.address_version
    after, event = noted(order, change.model_copy(update={"type": ADDRESS_CHANGED, "subject": f"v{version}"}))
    return after.model_copy(update={"ship_to": user.address, "address_version": version}), event


def noted(order: Order, change: Change) -> tuple[Order, Event]:
    """The order and an event that touches neither goods nor money, not even a question that is open about them."""
    after, event = transition(order, change.model_copy(update={"to": order.status}))
    untouched = {name: getattr(order, name) for name in ("lines", "total_minor", "payment", "shortage")}
    return after.model_copy(update=untouched), event


def redirected(shipment: Shipment, order: Order) -> Shipment:
    """The parcel with its order's address; one that has left keeps the address that it left with."""
    if shipment.status is not ShipmentStatus.BOOKED:
        return shipment
    return shipment.model_copy(update={"ship_to": order.ship_to, "updated_at": order.updated_at})
