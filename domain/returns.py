"""Returns: pieces that a customer sends back, and the money they get for them.

A return claims its pieces when it is asked for, so that two returns can never be paid for the same piece.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.changes import Change, transition
from domain.errors import Rejected
from domain.orders import Event, Line, LineStatus, Order, OrderStatus
from domain.placement import RequestedLine
from domain.shapes import Identifier, Model, Request, Text, Utc


class ReturnStatus(StrEnum):
    """Where a return stands."""

    REQUESTED = "requested"
    RECEIVED = "received"
    REFUSED = "refused"
    EXPIRED = "expired"


RETURNABLE = frozenset({OrderStatus.DELIVERED, OrderStatus.PARTIALLY_RETURNED})
"""Statuses in which pieces can come back: no parcel is on its way, so it is known what arrived and what was paid."""


class RequestReturn(Request):
    """Body of `POST /v1/orders/{orderId}/returns`."""

    lines: Annotated[list[RequestedLine], Field(min_length=1, max_length=100)]
    reason: Text


class ReturnedLine(Model):
    """So many pieces of one SKU, and what the customer gets back for them: no more than has been paid for them."""

    sku: Identifier
    quantity: int
    amount_minor: int


class Return(Model):
    """One return, as it is stored."""

    tenant_id: Identifier
    order_id: Identifier
    return_id: Identifier
    lines: tuple[ReturnedLine, ...]
    reason: str
    status: ReturnStatus = ReturnStatus.REQUESTED
    requested_at: Utc
    updated_at: Utc
    correlation_id: str

    @property
    def refund_minor(self) -> int:
        """What the customer gets back when all of it arrives."""
        return sum(line.amount_minor for line in self.lines)


def request(
    order: Order,
    wanted: Mapping[str, int],
    return_id: str,
    reason: str,
    change: Change,
    *,
    unpaid: Collection[str] = (),
) -> tuple[Order, Return, Event]:
    """Claim pieces (by SKU) of a delivered order for a return. Raises Rejected when they cannot be sent back.

    `unpaid` are the SKUs for which the provider refused to take the money: nothing is given back for them.
    """
    lines = _claim(order, wanted)
    after, event = transition(order, _told(change, order.status, "return_requested", return_id, lines))
    prices = {line.sku: line.unit_amount_minor or 0 for line in order.lines}
    returned = Return(
        tenant_id=order.tenant_id,
        order_id=order.order_id,
        return_id=return_id,
        lines=tuple(
            ReturnedLine(sku=sku, quantity=quantity, amount_minor=0 if sku in unpaid else prices[sku] * quantity)
            for sku, quantity in sorted(wanted.items())
        ),
        reason=reason,
        requested_at=change.at,
        updated_at=change.at,
        correlation_id=change.correlation_id,
    )
    return after, returned, event


def received(order: Order, returned: Return, change: Change) -> tuple[Order, Return, Event]:
    """Order and return once the pieces have arrived; `change` carries the refund."""
    lines = _settle(order, returned, _come_back)
    left = any(line.status in (LineStatus.DELIVERED, LineStatus.LOST) for line in lines)
    status = OrderStatus.PARTIALLY_RETURNED if left else OrderStatus.RETURNED
    after, event = transition(order, _told(change, status, "return_received", returned.return_id, lines))
    return after, returned.model_copy(update={"status": ReturnStatus.RECEIVED, "updated_at": change.at}), event


def called_off(order: Order, returned: Return, status: ReturnStatus, change: Change) -> tuple[Order, Return, Event]:
    """Order and return once the return has been refused or has expired: its pieces can be claimed again."""
    lines = _settle(order, returned, _let_go)
    after, event = transition(order, _told(change, order.status, f"return_{status}", returned.return_id, lines))
    return after, returned.model_copy(update={"status": status, "updated_at": change.at}), event


def _told(change: Change, to: OrderStatus, event_type: str, return_id: str, lines: tuple[Line, ...]) -> Change:
    return change.model_copy(update={"to": to, "type": event_type, "subject": return_id, "lines": lines})


def _claim(order: Order, wanted: Mapping[str, int]) -> tuple[Line, ...]:
    if order.status not in RETURNABLE:
        of = f"order {order.order_id}, which is {order.status}"
        raise Rejected(f"nothing can be returned of {of}: all of its parcels must have arrived first")
    for sku, quantity in wanted.items():
        can_be = sum(line.returnable_quantity for line in order.lines if line.sku == sku)
        if quantity > can_be:
            of = f"order {order.order_id}, which is {order.status}"
            raise Rejected(f"{quantity} x {sku} cannot be returned of {of}: {can_be} delivered and not returned yet")
    return _spread(order.lines, wanted, lambda line: line.returnable_quantity, _hold)


def _settle(order: Order, returned: Return, settle: Callable[[Line, int], Line]) -> tuple[Line, ...]:
    pieces = {line.sku: line.quantity for line in returned.lines}
    return _spread(order.lines, pieces, lambda line: line.returning_quantity, settle)


def _spread(
    lines: Iterable[Line],
    pieces: Mapping[str, int],
    room: Callable[[Line], int],
    put: Callable[[Line, int], Line],
) -> tuple[Line, ...]:
    """Put pieces of each SKU on the order's lines of that SKU, as many on each as there is room for."""
    left = dict(pieces)
    spread = []
    for line in lines:
        taken = min(left.get(line.sku, 0), room(line))
        left[line.sku] = left.get(line.sku, 0) - taken
        spread.append(put(line, taken) if taken else line)
    return tuple(spread)


def _hold(line: Line, pieces: int) -> Line:
    return line.model_copy(update={"returning_quantity": line.returning_quantity + pieces})


def _let_go(line: Line, pieces: int) -> Line:
    return line.model_copy(update={"returning_quantity": line.returning_quantity - pieces})


def _come_back(line: Line, pieces: int) -> Line:
    returned = line.returned_quantity + pieces
    status = LineStatus.RETURNED if returned == line.quantity else line.status
    update = {"returning_quantity": line.returning_quantity - pieces, "returned_quantity": returned, "status": status}
    return line.model_copy(update=update)
