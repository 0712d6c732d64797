"""Parcels: an order ships as one parcel per warehouse, and each has a life of its own.

A parcel and its order change together: every function here gives back both, with the event to store beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import groupby
from types import MappingProxyType

from domain.changes import Change, transition
from domain.errors import Defect
from domain.orders import Event, Line, LineStatus, Order, OrderStatus
from domain.placement import Address
from domain.shapes import Identifier, Model, Utc


class ShipmentStatus(StrEnum):
    """Where a parcel is."""

    BOOKED = "booked"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    LOST = "lost"
    CANCELLED = "cancelled"


_S = ShipmentStatus

TRANSITIONS: Mapping[ShipmentStatus, frozenset[ShipmentStatus]] = MappingProxyType(
    {
        _S.BOOKED: frozenset({_S.SHIPPED, _S.CANCELLED}),
        _S.SHIPPED: frozenset({_S.DELIVERED, _S.LOST}),
        _S.DELIVERED: frozenset(),
        _S.LOST: frozenset(),
        _S.CANCELLED: frozenset(),
    }
)

ENDED = frozenset(status for status, following in TRANSITIONS.items() if not following)
"""Statuses that a parcel never leaves."""

_LINE_STATUS = {
    _S.SHIPPED: LineStatus.SHIPPED,
    _S.DELIVERED: LineStatus.DELIVERED,
    _S.LOST: LineStatus.LOST,
}


class ParcelLine(Model):
    """So many pieces of one SKU in a parcel, and what they cost together."""

    sku: Identifier
    quantity: int
    amount_minor: int


class Shipment(Model):
    """One parcel of an order, as it is stored."""

    tenant_id: Identifier
    order_id: Identifier
    shipment_id: Identifier
    warehouse: Identifier
    lines: tuple[ParcelLine, ...]
    ship_to: Address
    status: ShipmentStatus = ShipmentStatus.BOOKED
    booked_at: Utc
    updated_at: Utc
    correlation_id: str

    @property
    def amount_minor(self) -> int:
        """What the parcel's contents cost."""
        return sum(line.amount_minor for line in self.lines)


class IllegalShipmentTransition(Defect):
    """A parcel cannot go from where it is to there; nothing has changed."""

    def __init__(self, shipment: Shipment, to: ShipmentStatus) -> None:
        super().__init__(f"shipment {shipment.shipment_id} is {shipment.status} and cannot become {to}")


def parcels(order: Order) -> tuple[Shipment, ...]:
    """The parcels in which a confirmed order ships, by warehouse; the same ones whatever has left already."""
    standing = sorted((line for line in order.lines if line.status is not LineStatus.CANCELLED), key=_warehouse)
    return tuple(
        Shipment(
            tenant_id=order.tenant_id,
            order_id=order.order_id,
            shipment_id=f"{order.order_id}-{number}",
            warehouse=warehouse,
            lines=_contents(lines),
            ship_to=order.ship_to,
            booked_at=order.updated_at,
            updated_at=order.updated_at,
            correlation_id=order.correlation_id,
        )
        for number, (warehouse, lines) in enumerate(groupby(standing, _warehouse), start=1)
    )


def moved(order: Order, shipment: Shipment, to: ShipmentStatus, change: Change) -> tuple[Order, Shipment, Event]:
    """Order and parcel once the parcel is `to`; `change` says when, by whom and why.

    Raises IllegalShipmentTransition, IllegalTransition.
    """
    if to not in TRANSITIONS[shipment.status]:
        raise IllegalShipmentTransition(shipment, to)
    lines = tuple(_line_after(line, shipment, to) for line in order.lines)
    status = _order_status(order, lines)
    told = change.model_copy(
        update={
            "to": status,
            "type": f"parcel_{to}",
            "subject": shipment.shipment_id,
            "lines": lines,
            "needs_attention": True if status is OrderStatus.FAILED else change.needs_attention,
        }
    )
    after, event = transition(order, told)
    return after, shipment.model_copy(update={"status": to, "updated_at": change.at}), event


def has_been(shipment: Shipment, status: ShipmentStatus) -> bool:
    """Whether the parcel is, or on its way to where it is has been, `status`: that it is so is no news."""
    return shipment.status is status or (status is _S.SHIPPED and shipment.status in (_S.DELIVERED, _S.LOST))


def is_kept(order: Order, shipment: Shipment) -> bool:
    """Whether the customer has, or is to have, all that is in the parcel, and sends nothing of it back."""
    inside = [line for line in order.lines if line.warehouse == shipment.warehouse]
    sent_back = any(line.returning_quantity or line.returned_quantity for line in inside)
    return shipment.status is not ShipmentStatus.LOST and not sent_back


def cancellable(shipments: Iterable[Shipment]) -> bool:
    """Whether none of an order's parcels has left."""
    return all(shipment.status is ShipmentStatus.BOOKED for shipment in shipments)


def _warehouse(line: Line) -> str:
    return line.warehouse or ""


def _contents(lines: Iterable[Line]) -> tuple[ParcelLine, ...]:
    pieces: dict[str, ParcelLine] = {}
    for line in lines:
        earlier = pieces.get(line.sku, ParcelLine(sku=line.sku, quantity=0, amount_minor=0))
        pieces[line.sku] = ParcelLine(
            sku=line.sku,
            quantity=earlier.quantity + line.quantity,
            amount_minor=earlier.amount_minor + line.amount_minor,
        )
    return tuple(pieces[sku] for sku in sorted(pieces))


def _line_after(line: Line, shipment: Shipment, to: ShipmentStatus) -> Line:
    if line.warehouse != shipment.warehouse or line.status is LineStatus.CANCELLED:
        return line
    return line.model_copy(update={"status": _LINE_STATUS[to]})


def _order_status(order: Order, lines: Iterable[Line]) -> OrderStatus:
    found = {line.status for line in lines} - {LineStatus.CANCELLED}
    if LineStatus.RESERVED in found:
        return OrderStatus.PARTIALLY_SHIPPED if len(found) > 1 else order.status
    if LineStatus.SHIPPED in found:
        return OrderStatus.SHIPPED
    return OrderStatus.FAILED if found == {LineStatus.LOST} else OrderStatus.DELIVERED
