"""An order, its status, and the one table that says how the status may change.

How an order changes is in `changes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from domain.payments import PaymentSummary
from domain.placement import Address, PlaceOrder
from domain.shapes import Identifier, Model, Utc


class OrderStatus(StrEnum):
    """Where an order stands."""

    PENDING = "pending"
    RESERVED = "reserved"
    AWAITING_APPROVAL = "awaiting_approval"
    CONFIRMED = "confirmed"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    PARTIALLY_RETURNED = "partially_returned"
    RETURNED = "returned"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"


_S = OrderStatus

TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = MappingProxyType(
    {
        _S.PENDING: frozenset({_S.RESERVED, _S.REJECTED, _S.CANCELLED, _S.FAILED}),
        _S.RESERVED: frozenset({_S.AWAITING_APPROVAL, _S.CONFIRMED, _S.REJECTED, _S.CANCELLED, _S.FAILED}),
        _S.AWAITING_APPROVAL: frozenset({_S.CONFIRMED, _S.REJECTED, _S.CANCELLED, _S.FAILED}),
        _S.CONFIRMED: frozenset({_S.PARTIALLY_SHIPPED, _S.SHIPPED, _S.CANCELLED, _S.FAILED}),
        _S.PARTIALLY_SHIPPED: frozenset({_S.SHIPPED, _S.FAILED}),
        _S.SHIPPED: frozenset({_S.DELIVERED, _S.FAILED}),
        _S.DELIVERED: frozenset({_S.PARTIALLY_RETURNED, _S.RETURNED}),
        _S.PARTIALLY_RETURNED: frozenset({_S.RETURNED}),
        _S.RETURNED: frozenset(),
        _S.REJECTED: frozenset(),
        _S.CANCELLED: frozenset(),
        _S.FAILED: frozenset(),
    }
)

UNDECIDED = frozenset({OrderStatus.PENDING, OrderStatus.RESERVED, OrderStatus.AWAITING_APPROVAL})
"""Statuses in which an order still waits for its saga."""

CANCELLABLE = UNDECIDED | {OrderStatus.CONFIRMED}
"""Statuses in which a customer may still cancel; the saga has the last word."""

CALLED_OFF = frozenset({OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.FAILED})
"""Statuses in which an order needs neither stock nor money any more."""

STANDING = frozenset(OrderStatus) - UNDECIDED - CALLED_OFF
"""Statuses in which an order keeps its stock and its money, whoever may want to undo what was done for it."""


class Reason(StrEnum):
    """Why an order was rejected."""

    UNKNOWN_SKU = "unknown_sku"
    OUT_OF_STOCK = "out_of_stock"
    RISK = "risk"
    APPROVAL_DENIED = "approval_denied"
    APPROVAL_TIMED_OUT = "approval_timed_out"
    PAYMENT_DECLINED = "payment_declined"
    CURRENCY_MISMATCH = "currency_mismatch"


class LineStatus(StrEnum):
    """Where one line of an order stands."""

    PENDING = "pending"
    RESERVED = "reserved"
    CANCELLED = "cancelled"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    LOST = "lost"
    RETURNED = "returned"


class Line(Model):
    """One line of an order. Price and warehouse come from the catalogue, once the order has been priced."""

    sku: Identifier
    quantity: int
    unit_amount_minor: int | None = None
    warehouse: Identifier | None = None
    status: LineStatus = LineStatus.PENDING
    returning_quantity: int = 0
    returned_quantity: int = 0

    @property
    def amount_minor(self) -> int:
        """What the line costs; 0 while it has no price."""
        return (self.unit_amount_minor or 0) * self.quantity

    @property
    def returnable_quantity(self) -> int:
        """How many pieces can still be sent back."""
        if self.status is not LineStatus.DELIVERED:
            return 0
        return self.quantity - self.returning_quantity - self.returned_quantity


class Offer(Model):
    """What the catalogue says of a SKU at the moment it is ordered."""

    unit_amount_minor: int
    warehouse: Identifier


class Order(Model):
    """One order, as it is stored."""

    tenant_id: Identifier
    order_id: Identifier
    customer_id: Identifier
    status: OrderStatus = OrderStatus.PENDING
    reason: Reason | None = None
    needs_attention: bool = False
    currency: str
    total_minor: int | None = None
    lines: tuple[Line, ...]
    shortage: Mapping[str, int] | None = None
    """The pieces held of each SKU while the customer is asked whether to take so few."""
    payment: PaymentSummary = PaymentSummary()
    payment_method: str
    ship_to: Address
    address_version: int = 0
    """Which change of the customer's address `ship_to` comes from; 0: it came with the order."""
    email: str | None = None
    reference: str | None = None
    placed_at: Utc
    updated_at: Utc
    version: int = 1
    correlation_id: str


PLACED = "placed"
STATUS_CHANGED = "status_changed"
NEEDS_ATTENTION = "needs_attention"
ATTENDED = "attended"


class Event(Model):
    """Something that happened to an order, and the status the order had afterwards.

    `subject` is the shipment, return or step that it happened to, if it did not happen to the order as a whole.
    """

    order_id: Identifier
    at: Utc
    type: str
    subject: str | None = None
    status: OrderStatus
    actor: str
    detail: str | None = None
    correlation_id: str
    version: int = Field(description="version of the order that this event led to or happened under")

    @property
    def name(self) -> str:
        """What happened, and to what; it happens once."""
        name = self.status if self.type == STATUS_CHANGED else self.type
        return f"{name}:{self.subject}" if self.subject else name


def place(request: PlaceOrder, *, tenant_id: str, order_id: str, at: datetime, correlation_id: str) -> Order:
    """A new order in `pending`, exactly as it was asked for."""
    return Order(
        tenant_id=tenant_id,
        order_id=order_id,
        customer_id=request.customer_id,
        currency=request.currency,
        lines=tuple(Line(sku=line.sku, quantity=line.quantity) for line in request.lines),
        payment_method=request.payment_method,
        ship_to=request.ship_to,
        email=request.email,
        reference=request.reference,
        placed_at=at,
        updated_at=at,
        correlation_id=correlation_id,
    )


def placed(order: Order, actor: str) -> Event:
    """The first event of an order's timeline."""
    return Event(
        order_id=order.order_id,
        at=order.placed_at,
        type=PLACED,
        status=order.status,
        actor=actor,
        correlation_id=order.correlation_id,
        version=order.version,
    )
